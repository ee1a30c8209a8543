import { CosellError } from '../../errors.ts'
import { CutBody, UnusableBody } from './body.ts'
import { type FailureReason, isThrottling } from './retry-delay.ts'

/** Failure of one try: why there is no usable answer, and how to say it. */
export interface RequestFailure {
  reason: FailureReason
  /** Completes "expected an answer, got …". Contains no address, query, token or quoted body. */
  got: string
  /** Request id of the answer; absent when no answer came. */
  requestId?: string
}

/** Abort reason of a request that took too long as a whole. */
export class TotalTimeout extends Error {
  override readonly name = 'TotalTimeout'
}

const textByCode: Record<string, string> = {
  ECONNREFUSED: 'a refused connection',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no answer from the name service',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no network',
  ECONNRESET: 'a reset connection',
  UND_ERR_SOCKET: 'a connection closed too early',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'an answer that stopped in the middle',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'a body of another length than announced',
}

const unreachable = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']

/** Returns the failure that an error of the HTTP client means; `null` for an error of our own. */
export function requestFailureOf(error: unknown): RequestFailure | null {
  if (error instanceof TotalTimeout)
    return { reason: { kind: 'interrupted' }, got: 'an answer that took too long as a whole' }
  if (error instanceof CutBody) return { reason: { kind: 'interrupted' }, got: error.message }
  if (error instanceof UnusableBody) return { reason: { kind: 'unusable' }, got: error.message }
  // Not every error of the parser has a code: `HTTP/9.9` has one, an answer of a mail server has none.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return { reason: { kind: 'unusable' }, got: 'an answer that is not HTTP' }
  const code = codeOf(error)
  if (code === null) return null
  const got = textByCode[code] ?? code
  if (unreachable.includes(code)) return { reason: { kind: 'unreachable' }, got }
  if (/CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|^UNABLE_TO|^HOSTNAME_MISMATCH$/.test(code))
    return { reason: { kind: 'identity' }, got: `a failed TLS handshake (${code})` }
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return { reason: { kind: 'unusable' }, got: 'headers without end' }
  // Any other error of the system or the connection. A wrong argument is a bug and is not retried.
  const isOfConnection = /^E[A-Z]+$/.test(code) || code in textByCode
  return isOfConnection ? { reason: { kind: 'interrupted' }, got } : null
}

/** Returns the error of a request whose tries are used up, or that a retry would not cure. */
export function exhaustedError(
  failure: RequestFailure,
  request: { what: string; origin: string; setting: string; tries: number },
): CosellError {
  const { reason } = failure
  const tries = `${request.tries} ${request.tries === 1 ? 'try' : 'tries'}`
  const got =
    `${request.what}: expected an answer from ${request.origin}, got ${failure.got} after ${tries}` +
    `${failure.requestId === undefined ? '' : `, request ${failure.requestId}`}.`
  switch (reason.kind) {
    case 'identity':
      return new CosellError(
        'api.tls',
        `${got} Check ${request.setting} and what stands between (a proxy that opens TLS?).`,
      )
    case 'unusable':
      return new CosellError(
        'api.unusable_answer',
        `${got} Check what ${request.setting} points to.`,
      )
    case 'unreachable':
    case 'interrupted':
      return new CosellError(
        'api.unreachable',
        `${got} Check ${request.setting} and the network to its host; start the run again later.`,
      )
    case 'status':
      return new CosellError(
        isThrottling(reason.status) ? 'api.throttled' : 'api.unavailable',
        `${got} Nothing is lost; start the run again later.`,
      )
  }
}

/** Code of an error; of the first one when several addresses of a host failed. */
function codeOf(error: unknown): string | null {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return null
  const { code } = error as NodeJS.ErrnoException
  if (typeof code === 'string') return code
  return error.cause === undefined ? null : codeOf(error.cause)
}
