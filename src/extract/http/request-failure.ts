import { CosellError } from '../../errors.ts'
import { CutBody, UnusableBody } from './body.ts'
import type { Trouble } from './retry-delay.ts'

/** A request that gave no usable answer, with words for it. */
export interface Failed {
  trouble: Trouble
  /** Completes "expected an answer, got …"; without addresses, queries, tokens or quoted bodies. */
  got: string
  /** Whose status it was; absent when no answer came. */
  requestId?: string
}

/** The end of a request that took too long as a whole. */
export class TotalTimeout extends Error {
  override readonly name = 'TotalTimeout'
}

const wordsByCode: Record<string, string> = {
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

/** What an error of the HTTP client means; `null` for one that is none of its failures. */
export function failedBy(error: unknown): Failed | null {
  if (error instanceof TotalTimeout)
    return { trouble: { kind: 'interrupted' }, got: 'an answer that took too long as a whole' }
  if (error instanceof CutBody) return { trouble: { kind: 'interrupted' }, got: error.message }
  if (error instanceof UnusableBody) return { trouble: { kind: 'unusable' }, got: error.message }
  // Not every error of the parser has a code: `HTTP/9.9` has one, an answer of a mail server has none.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return { trouble: { kind: 'unusable' }, got: 'an answer that is not HTTP' }
  const code = codeOf(error)
  if (code === null) return null
  const got = wordsByCode[code] ?? code
  if (unreachable.includes(code)) return { trouble: { kind: 'unreachable' }, got }
  if (/CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|^UNABLE_TO|^HOSTNAME_MISMATCH$/.test(code))
    return { trouble: { kind: 'identity' }, got: `a failed TLS handshake (${code})` }
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return { trouble: { kind: 'unusable' }, got: 'headers without end' }
  // Anything else of the system or the connection; a wrong argument is a bug and is not tried again.
  const isOfConnection = /^E[A-Z]+$/.test(code) || code in wordsByCode
  return isOfConnection ? { trouble: { kind: 'interrupted' }, got } : null
}

/** The failure of a request that was given up. */
export function givenUp(
  failed: Failed,
  request: { what: string; origin: string; setting: string; tries: number },
): CosellError {
  const { trouble } = failed
  const tries = `${request.tries} ${request.tries === 1 ? 'try' : 'tries'}`
  const got =
    `${request.what}: expected an answer of ${request.origin}, got ${failed.got} after ${tries}` +
    `${failed.requestId === undefined ? '' : `, request ${failed.requestId}`}.`
  switch (trouble.kind) {
    case 'identity':
      return new CosellError(
        'sourceBroken',
        'api.tls',
        `${got} Check ${request.setting} and what stands between (a proxy that opens TLS?).`,
      )
    case 'unusable':
      return new CosellError(
        'sourceBroken',
        'api.unusable_answer',
        `${got} Check what ${request.setting} points to.`,
      )
    case 'unreachable':
    case 'interrupted':
      return new CosellError(
        'tryAgainLater',
        'api.unreachable',
        `${got} Check ${request.setting} and the network to its host; start the run again later.`,
      )
    case 'status':
      return new CosellError(
        'tryAgainLater',
        trouble.status === 429 || trouble.status === 509 ? 'api.throttled' : 'api.unavailable',
        `${got} Nothing is lost; start the run again later.`,
      )
  }
}

/** Connecting to several addresses of one host fails with one error for each. */
function codeOf(error: unknown): string | null {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return null
  const { code } = error as NodeJS.ErrnoException
  if (typeof code === 'string') return code
  return error.cause === undefined ? null : codeOf(error.cause)
}
