import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'
import type { ProxyError } from './proxy.ts'
import type { FailureReason } from './retry-delay.ts'
import { tlsRemedy } from './tls-failure.ts'

/** Failure of a try that no proxy tunnel was opened for. */
export interface TunnelFailure {
  readonly reason: FailureReason
  readonly got: string
  readonly proxyError: ProxyError
}

/** Returns what the answer of a proxy to CONNECT means: 5xx, 408 and 429 pass, others do not. */
export function failureOfAnswer(proxyError: ProxyError, status: number): TunnelFailure {
  const isPassing = status >= 500 || status === 408 || status === 429
  const kind = isPassing ? 'interrupted' : 'refusedByProxy'
  return { reason: { kind }, got: `status ${status} to CONNECT`, proxyError }
}

/** Returns the error of a request that no tunnel was opened for. It names the proxy, not its password. */
export function exhaustedProxyError(
  { reason, got, proxyError }: TunnelFailure,
  request: { what: string; origin: string; tries: string },
): CosellError {
  const { name, variable } = proxyError.proxy
  const { host } = new URL(request.origin)
  const [code, remedy] = remedyFor(reason, proxyError, host)
  return new CosellError(
    code,
    `${request.what}: expected a tunnel to ${host} through the proxy ${name} (${variable}), got ${got} ` +
      `after ${request.tries}. ${remedy}`,
  )
}

function remedyFor(
  reason: FailureReason,
  { proxy, answer }: ProxyError,
  host: string,
): [ErrorCode, string] {
  const { variable, authorization } = proxy
  if (reason.kind === 'identity') return ['proxy.tls', tlsRemedy(reason.code, variable)]
  if (reason.kind !== 'refusedByProxy')
    return ['proxy.unreachable', `Check ${variable} and the proxy; start the run again later.`]
  if (answer?.status === 407) return ['proxy.refused', credentials(variable, authorization, answer)]
  return [
    'proxy.refused',
    `Let the administrator of the proxy allow CONNECT to ${host}, or check that ${variable} names an ` +
      'HTTP proxy. Where the host is reached directly, name it in NO_PROXY.',
  ]
}

function credentials(
  variable: string,
  authorization: string | null,
  { schemes }: { schemes: readonly string[] },
): string {
  const others = schemes.filter((scheme) => scheme.toLowerCase() !== 'basic')
  if (schemes.length > 0 && others.length === schemes.length)
    return (
      `The proxy signs in by ${others.join(' or ')} alone, and cosell by a user and password (Basic): ask ` +
      'its administrator to let this machine or host through, or run a relay that signs in for it.'
    )
  return authorization === null
    ? `The proxy asks for a user and password: put them into ${variable} as http://user:password@host:port, special characters percent-encoded.`
    : `The proxy does not accept the user and password of ${variable}: correct them, special characters percent-encoded.`
}
