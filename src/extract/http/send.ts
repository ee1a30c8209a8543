import { randomUUID } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { ioBoundary } from '../../io-boundary.ts'
import { appVersion } from '../../version.ts'
import type { Clock } from '../clock.ts'
import { readJsonBody } from './body.ts'
import { parseHttpDate } from './http-date.ts'
import { type RequestFailure, requestFailureOf, TotalTimeout } from './request-failure.ts'
import { retryAfterMs, retryDelayMs } from './retry-delay.ts'

/** Answer of a server as received: any status, and the body parsed when it was JSON. */
export interface Answer {
  status: number
  body: unknown
  requestId: string
  /** ISO, UTC: time of the answer by the server's clock. */
  fetchedAt: string
}

export interface Request {
  method: 'GET' | 'POST'
  path: string
  /** Method and path without the query, for messages. */
  what: string
  /** Called for each try, so that a token renewed during a long pause is used. */
  headers: () => Promise<Record<string, string>>
  body?: string
  /** Says why a body with status 200 cannot be used; `null` when it can. */
  problemWith: (body: unknown) => string | null
}

/** Sends a request once and reads its whole body: an answer, or a failure that a retry may cure. */
export type SendOnce = (
  request: Request,
  headers: Record<string, string>,
) => Promise<Answer | RequestFailure>

/** The server that requests are sent to. */
export interface Peer {
  /** Scheme, host and port. */
  readonly origin: string
  /** Whether it gave a good answer, in this run or an earlier one; set by the first one. */
  isKnown: boolean
}

export function createSendOnce(
  dispatcher: Dispatcher,
  peer: Peer,
  { clock, signal, totalMs }: { clock: Clock; signal: AbortSignal; totalMs: number },
): SendOnce {
  const serverTime = createServerTime()
  return async (request, headers) => {
    const clientRequestId = randomUUID()
    const ending = new AbortController()
    const end = () => ending.abort(signal.reason)
    const deadline = setTimeout(() => ending.abort(new TotalTimeout()), totalMs)
    signal.addEventListener('abort', end, { once: true })
    ioBoundary('http', () => routeOf(request), 'before')
    try {
      const { statusCode, ...response } = await dispatcher.request({
        origin: peer.origin,
        method: request.method,
        path: request.path,
        headers: { ...commonHeaders, 'client-request-id': clientRequestId, ...headers },
        body: request.body ?? null,
        signal: ending.signal,
      })
      const nowMs = clock.now()
      // An abandoned body emits an error; without a listener it would end the process.
      response.body.on('error', () => undefined)
      const body = await readJsonBody(response.body, response.headers)
        .catch((error) => (statusCode === 200 ? Promise.reject(error) : undefined))
        .finally(() => response.body.destroy())
      signal.throwIfAborted()
      const requestId = safeId(response.headers['request-id']) ?? clientRequestId
      const fetchedAt = serverTime(String(response.headers.date ?? ''), nowMs)
      const waitMs = retryAfterMs(response.headers, nowMs)
      const answer = { status: statusCode, body, requestId, fetchedAt }
      const failure = failureOfAnswer(answer, waitMs, request.problemWith, peer.isKnown)
      if (failure === null && statusCode === 200) peer.isKnown = true
      return failure ?? answer
    } catch (error) {
      signal.throwIfAborted()
      const failure = requestFailureOf(error)
      if (failure === null) throw error
      return failure
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', end)
      ioBoundary('http', () => routeOf(request), 'after')
    }
  }
}

/** Method and path of a request, without the id of a referral and without the query. */
function routeOf({ method, path }: Request): string {
  return `${method} ${path.split(/[/?]/).slice(0, 4).join('/')}`
}

const commonHeaders = {
  accept: 'application/json',
  'accept-encoding': 'gzip',
  'user-agent': `cosell/${appVersion}`,
}

/** Says why an answer may be worth a retry; `null` when it is final. */
function failureOfAnswer(
  { status, body, requestId }: Answer,
  retryAfterMs: number | null,
  problemWith: Request['problemWith'],
  isKnown: boolean,
): RequestFailure | null {
  const reason = { kind: 'status', status, retryAfterMs } as const
  if (status >= 300) {
    const isFinal = retryDelayMs(1, reason, 0, isKnown) === null
    return isFinal ? null : { reason, got: `status ${status}`, requestId }
  }
  const got = status === 200 ? problemWith(body) : `status ${status}`
  const form = body === undefined ? 'notJson' : 'otherJson'
  return got === null ? null : { reason: { kind: 'unusable', form }, got, requestId }
}

/**
 * Returns a function that corrects our time by the server's `Date` header. That one has whole
 * seconds, so a difference below two seconds counts as rounding.
 */
function createServerTime(): (date: string, nowMs: number) => string {
  let skewMs = 0
  return (date, nowMs) => {
    const serverMs = parseHttpDate(date, nowMs)
    if (serverMs !== null && Math.abs(serverMs - nowMs - skewMs) >= 2_000) skewMs = serverMs - nowMs
    return new Date(nowMs + skewMs).toISOString()
  }
}

function safeId(header: string | string[] | undefined): string | null {
  const id = String(header ?? '')
  return /^[\w-]{1,64}$/.test(id) ? id : null
}
