import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { Pool } from 'undici'
import { CosellError } from '../../errors.ts'
import { boundary } from '../../io-boundary.ts'
import type { Logger } from '../../log.ts'
import { appVersion } from '../../version.ts'
import { type PostForm, redeemRefreshToken } from '../auth/msal.ts'
import type { TokenStore } from '../auth/token-store.ts'
import { createTokens } from '../auth/tokens.ts'
import { readJsonBody } from '../http/body.ts'
import { parseHttpDate } from '../http/http-date.ts'
import { checkedBaseUrl, nextLinkQuery } from '../http/origin.ts'
import { type Clock, createThrottle, systemClock } from '../http/rate-limiter.ts'
import { type Failed, failedBy, TotalTimeout } from '../http/request-failure.ts'
import { createRetryBudget, type RetryBudget } from '../http/retry-budget.ts'
import { retryAfterMs, retryDelayMs } from '../http/retry-delay.ts'
import { createExchange, type Request, type Send, type Site } from '../http/send.ts'
import { type Answer, lacksMultiFactor, listNotFound, refusal } from './api-errors.ts'
import {
  type FetchedReferral,
  flawOfPage,
  flawOfReferral,
  type NextLink,
  type Page,
  type PageQuery,
  searchOf,
  toPage,
} from './page.ts'

// The only file that makes HTTP requests. It knows two addresses, both from the configuration, and
// no text of an answer can make it contact a third: redirects are refused, of a next link only the
// query is used.

export type { FetchedReferral, NextLink, Page, PageQuery } from './page.ts'

export interface ReferralsApi {
  getPage(query: PageQuery | NextLink): Promise<Page>
  getReferral(id: string): Promise<FetchedReferral>
  readonly pageSize: number
  /** Requests sent to the API, retries included, and how many of them it throttled. */
  readonly counts: { readonly requests: number; readonly throttled: number }
  /** The rate that the API was found to bear: the `startingRate` of the next run. */
  readonly requestsPerMinute: number
  /** Who signs in, as one opaque text; `null` before the first request and when the token does not say. */
  principal(): string | null
  /** Ends what is under way and closes every connection. */
  close(): Promise<void>
}

export interface ReferralsApiOptions {
  apiUrl: string
  authorityUrl: string
  tenantId?: string | undefined
  clientId?: string | undefined
  clientSecret?: string | undefined
  accessToken?: string | undefined
  refreshToken?: string | undefined
  tokenStore: TokenStore
  pageSize: number
  requestsPerMinute: number
  /** The rate that an earlier run learned; never above `requestsPerMinute`. */
  startingRate?: number | undefined
  concurrency: number
  /** When the run has to be over, in the clock's monotonic milliseconds: no wait goes past it. */
  deadlineAt?: number | undefined
  clock?: Clock | undefined
  random?: (() => number) | undefined
  /** Aborting it ends every request and wait; its reason is what is thrown. */
  signal?: AbortSignal | undefined
  timeouts?: Timeouts | undefined
  log: Logger
}

export interface Timeouts {
  connectMs: number
  headersMs: number
  /** Between two pieces of a body. */
  bodyIdleMs: number
  /** From sending to the last byte: a body that drips never runs into the idle limit. */
  totalMs: number
}

const defaultTimeouts: Timeouts = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyIdleMs: 30_000,
  totalMs: 120_000,
}

/** Entra is asked once an hour; the bound only matters when it fails. */
const authorityBudget = { requestsPerMinute: 60, startingRate: undefined, concurrency: 1 }

/** The Referrals API of one account, with sign-in, budget and retries. */
export function createReferralsApi(options: ReferralsApiOptions): ReferralsApi {
  const clock = options.clock ?? systemClock
  const lifetime = followed(options.signal)
  const context = { ...options, clock, signal: lifetime.signal, retries: createRetryBudget() }
  const base = checkedBaseUrl(options.apiUrl, 'COSELL_API_URL')
  const list = below(base, '/v1.0/engagements/referrals')
  const api = openSite(base, 'COSELL_API_URL', context)
  const authority = openAuthoritySite(context)
  const tokens = createTokens({
    ...context,
    redeem: (refreshToken) => redeemRefreshToken(options, refreshToken, authority.post),
  })

  /** Asks with a token, and once more with a new one when the first is refused. */
  async function get(path: string, search: string, flawOf: Request['flawOf']): Promise<Answer> {
    let token = ''
    const request: Request = {
      method: 'GET',
      path: path + search,
      what: `GET ${path}`,
      headers: async () => {
        token = await tokens.current()
        return { authorization: `Bearer ${token}` }
      },
      flawOf,
    }
    const answer = await api.exchange(request)
    if (answer.status !== 401 || lacksMultiFactor(answer.body)) return answer
    await tokens.renew(token)
    return api.exchange(request)
  }

  return {
    counts: api.counts,
    pageSize: options.pageSize,
    principal: tokens.principal,
    get requestsPerMinute() {
      return api.throttle.learnedRate
    },
    async getPage(query) {
      const search =
        'nextLink' in query
          ? nextLinkQuery(query.nextLink, list)
          : searchOf(query, options.pageSize)
      const answer = await get(list.pathname, search, flawOfPage)
      if (isGone(answer)) throw listNotFound(answer, `GET ${list.pathname}`)
      if (answer.status !== 200) throw refusal(answer, `GET ${list.pathname}`)
      return toPage(answer, list)
    },
    async getReferral(id) {
      if (/^\.{0,2}$/.test(id)) throw new CosellError('bug', 'api.no_id', `No id: "${id}".`)
      const path = `${list.pathname}/${encodeURIComponent(id)}`
      const answer = await get(path, '', (body) => flawOfReferral(body, id))
      if (!isGone(answer) && answer.status !== 200) throw refusal(answer, `GET ${path}`)
      const { requestId, fetchedAt } = answer
      return { id, referral: isGone(answer) ? null : answer.body, requestId, fetchedAt }
    },
    async close() {
      lifetime.end()
      await Promise.all([api.pool.destroy(), authority.pool.destroy()])
    },
  }
}

export type AuthorityOptions = Pick<
  ReferralsApiOptions,
  'authorityUrl' | 'clock' | 'random' | 'signal' | 'timeouts' | 'deadlineAt' | 'log'
>

/** The sign-in service alone, for a person who signs in. */
export function openAuthority(options: AuthorityOptions): {
  post: PostForm
  close(): Promise<void>
} {
  const clock = options.clock ?? systemClock
  const lifetime = followed(options.signal)
  const retries = createRetryBudget()
  const site = openAuthoritySite({ ...options, clock, signal: lifetime.signal, retries })
  const close = () => {
    lifetime.end()
    return site.pool.destroy()
  }
  return { post: site.post, close }
}

function openAuthoritySite(
  context: Omit<Parameters<typeof openSite>[2], keyof typeof authorityBudget> & {
    authorityUrl: string
  },
): { pool: Pool; post: PostForm } {
  const setting = 'COSELL_AUTHORITY_URL'
  const base = checkedBaseUrl(context.authorityUrl, setting)
  const { pool, exchange } = openSite(base, setting, { ...context, ...authorityBudget })
  const post: PostForm = (path, form) =>
    exchange({
      method: 'POST',
      path: below(base, path).pathname,
      what: 'Token endpoint',
      headers: async () => ({ 'content-type': 'application/x-www-form-urlencoded' }),
      body: form,
      flawOf: () => null,
    })
  return { pool, post }
}

function isGone(answer: Answer): boolean {
  return answer.status === 404 || answer.status === 410
}

function below(base: URL, path: string): URL {
  return new URL(base.pathname.replace(/\/+$/, '') + path, base)
}

function openSite(
  base: URL,
  setting: Site['setting'],
  options: Pick<
    ReferralsApiOptions,
    'requestsPerMinute' | 'startingRate' | 'concurrency' | 'deadlineAt' | 'log'
  > & {
    clock: Clock
    retries: RetryBudget
    random?: (() => number) | undefined
    signal: AbortSignal
    timeouts?: Timeouts | undefined
  },
) {
  const timeouts = options.timeouts ?? defaultTimeouts
  const pool = new Pool(base.origin, {
    connections: options.concurrency,
    connect: { timeout: timeouts.connectMs },
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyIdleMs,
  })
  const counts = { requests: 0, throttled: 0 }
  const throttle = createThrottle(options)
  const site: Site = { origin: base.origin, setting, throttle, counts }
  const send = createSend(pool, { ...options, totalMs: timeouts.totalMs })
  const random = options.random ?? Math.random
  return { pool, counts, throttle, exchange: createExchange({ ...options, random, site, send }) }
}

function createSend(
  pool: Pool,
  { clock, signal, totalMs }: { clock: Clock; signal: AbortSignal; totalMs: number },
): Send {
  const serverTime = createServerTime()
  return async (request, headers) => {
    const own = randomUUID()
    const ending = new AbortController()
    const end = () => ending.abort(signal.reason)
    const deadline = setTimeout(() => ending.abort(new TotalTimeout()), totalMs)
    signal.addEventListener('abort', end, { once: true })
    boundary('http', () => routeOf(request), 'before')
    try {
      const { statusCode, ...response } = await pool.request({
        method: request.method,
        path: request.path,
        headers: { ...commonHeaders, 'client-request-id': own, ...headers },
        body: request.body ?? null,
        signal: ending.signal,
      })
      const nowMs = clock.now()
      // Giving up on a body makes it emit an error that nobody waits for, which would end the process.
      response.body.on('error', () => undefined)
      const body = await readJsonBody(response.body, response.headers)
        .catch((error) => (statusCode === 200 ? Promise.reject(error) : undefined))
        .finally(() => response.body.destroy())
      signal.throwIfAborted()
      const requestId = safeId(response.headers['request-id']) ?? own
      const fetchedAt = serverTime(String(response.headers.date ?? ''), nowMs)
      const wait = retryAfterMs(response.headers, nowMs)
      const answer = { status: statusCode, body, requestId, fetchedAt }
      return failedAnswer(answer, wait, request.flawOf) ?? answer
    } catch (error) {
      signal.throwIfAborted()
      const failed = failedBy(error)
      if (failed === null) throw error
      return failed
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', end)
      boundary('http', () => routeOf(request), 'after')
    }
  }
}

/** Where a request goes, without the id of a referral and without the query. */
function routeOf({ method, path }: Request): string {
  return `${method} ${path.split(/[/?]/).slice(0, 4).join('/')}`
}

const commonHeaders = {
  accept: 'application/json',
  'accept-encoding': 'gzip',
  'user-agent': `cosell/${appVersion}`,
}

/** Why an answer is not the last word; `null` when it is. */
function failedAnswer(
  { status, body, requestId }: Answer,
  retryAfterMs: number | null,
  flawOf: Request['flawOf'],
): Failed | null {
  const trouble = { kind: 'status', status, retryAfterMs } as const
  if (status >= 300)
    return retryDelayMs(1, trouble, 0) === null
      ? null
      : { trouble, got: `status ${status}`, requestId }
  const got = status === 200 ? flawOf(body) : `status ${status}`
  return got === null ? null : { trouble: { kind: 'unusable' }, got, requestId }
}

/** Our time corrected by the server's `Date`, which has whole seconds: less than two are rounding. */
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

/** A signal of our own that ends with the given one, or with `end`. */
function followed(signal: AbortSignal | undefined): { signal: AbortSignal; end: () => void } {
  const own = new AbortController()
  // Each request under way listens; the default warns of a leak at eleven.
  setMaxListeners(0, own.signal)
  const follow = () => own.abort(signal?.reason)
  signal?.addEventListener('abort', follow, { once: true })
  if (signal?.aborted) follow()
  return {
    signal: own.signal,
    end() {
      signal?.removeEventListener('abort', follow)
      own.abort(
        new CosellError('interrupted', 'api.closed', 'The connection to the API was closed.'),
      )
    },
  }
}
