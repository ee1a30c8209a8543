import { CosellError } from '../../errors.ts'
import { CutBody, UnusableBody } from './body.ts'
import { ProxyError, type Route } from './proxy.ts'
import { exhaustedProxyError, failureOfAnswer } from './proxy-failure.ts'
import { type FailureReason, isThrottling, type UnusableForm } from './retry-delay.ts'
import { describeTlsFailure, isTlsFailurePassing, tlsRemedy } from './tls-failure.ts'

/** Failure of one try: why there is no usable answer, and how to say it. */
export interface RequestFailure {
  reason: FailureReason
  /** Completes "expected an answer, got …". Contains no address, query, token or quoted body. */
  got: string
  /** Request id of the answer; absent when no answer came. */
  requestId?: string
  /** Failure of the proxy; absent when the request came past it. */
  proxyError?: ProxyError
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
  if (error instanceof ProxyError) return failureOfProxy(error)
  if (error instanceof TotalTimeout)
    return { reason: { kind: 'interrupted' }, got: 'an answer that took too long as a whole' }
  if (error instanceof CutBody) return { reason: { kind: 'interrupted' }, got: error.message }
  if (error instanceof UnusableBody) return unusable(error.message, error.form)
  // Not every error of the parser has a code: `HTTP/9.9` has one, an answer of a mail server has none.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return unusable('an answer that is not HTTP')
  const code = codeOf(error)
  if (code === null) return null
  const got = textByCode[code] ?? code
  if (unreachable.includes(code)) return { reason: { kind: 'unreachable' }, got }
  const isTlsPassing = isTlsFailurePassing(code)
  if (isTlsPassing === false)
    return { reason: { kind: 'identity', code }, got: describeTlsFailure(code) }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return unusable('headers without end')
  // Any other error of the system or the connection. A wrong argument is a bug and is not retried.
  const isOfConnection = /^E[A-Z]+$/.test(code) || code in textByCode || isTlsPassing === true
  return isOfConnection ? { reason: { kind: 'interrupted' }, got } : null
}

function unusable(got: string, form: UnusableForm = 'notJson'): RequestFailure {
  return { reason: { kind: 'unusable', form }, got }
}

function failureOfProxy(proxyError: ProxyError): RequestFailure | null {
  if (proxyError.answer !== null) return failureOfAnswer(proxyError, proxyError.answer.status)
  const failure = requestFailureOf(proxyError.cause)
  if (failure === null) return null
  const isNoProxy = failure.reason.kind === 'unusable'
  return { ...failure, ...(isNoProxy ? { reason: { kind: 'refusedByProxy' } } : {}), proxyError }
}

/** Request of an exhausted failure, and how it was sent. */
export interface FailedRequest {
  what: string
  origin: string
  setting: string
  tries: number
  route: Route
  /** Whether the address gave a good answer before. */
  isKnown: boolean
}

/** Returns the error of a request whose tries are used up, or that a retry would not cure. */
export function exhaustedError(failure: RequestFailure, request: FailedRequest): CosellError {
  const { reason, proxyError } = failure
  const { what, origin, setting, route } = request
  const tries = `${request.tries} ${request.tries === 1 ? 'try' : 'tries'}`
  if (proxyError !== undefined)
    return exhaustedProxyError({ ...failure, proxyError }, { what, origin, tries })
  const via = route.proxy === null ? '' : ` through the proxy ${route.proxy.name}`
  const got =
    `${what}: expected an answer from ${origin}${via}, got ${failure.got} after ${tries}` +
    `${failure.requestId === undefined ? '' : `, request ${failure.requestId}`}.`
  switch (reason.kind) {
    case 'identity':
      return new CosellError('api.tls', `${got} ${tlsRemedy(reason.code, setting)}`)
    case 'unusable':
      return request.isKnown && reason.form === 'notJson'
        ? new CosellError(
            'api.unavailable',
            `${got} The address answered well before, so something in between is in trouble. Nothing ` +
              'is lost; start the run again later.',
          )
        : new CosellError('api.unusable_answer', `${got} Check what ${setting} points to.`)
    case 'unreachable':
    case 'interrupted':
    case 'refusedByProxy':
      return new CosellError(
        'api.unreachable',
        `${got} Check ${setting} and the network to its host${proxyAdvice(route)}; start the run again ` +
          'later.',
      )
    case 'status':
      return new CosellError(
        isThrottling(reason.status) ? 'api.throttled' : 'api.unavailable',
        `${got} Nothing is lost; start the run again later.`,
      )
  }
}

function proxyAdvice(route: Route): string {
  const isUnset = route.proxy === null && route.reason === 'no proxy'
  return isUnset ? ' (behind a proxy, set HTTPS_PROXY)' : ''
}

/** Code of an error; of the first one when several addresses of a host failed. */
function codeOf(error: unknown): string | null {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return null
  const { code } = error as NodeJS.ErrnoException
  if (typeof code === 'string') return code
  return error.cause === undefined ? null : codeOf(error.cause)
}
