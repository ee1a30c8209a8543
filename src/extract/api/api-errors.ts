import { CosellError } from '../../errors.ts'
import { signInAgain } from '../auth/sign-in-errors.ts'

/** An answer of the API as received: any status, body parsed when it was JSON. */
export interface Answer {
  status: number
  body: unknown
  requestId: string
  /** ISO, UTC: when the server gave the answer. */
  fetchedAt: string
}

/** Codes of an error body from outside to inside; messages are not stable and may name people. */
export function errorCodes(body: unknown): string[] {
  const codes: string[] = []
  const outer = asRecord(body)
  let error = asRecord(outer?.error) ?? outer
  for (let depth = 0; error !== null && depth < 8; depth += 1) {
    const code = String(error.code ?? '')
    // Anything that does not look like a code may be text with data in it.
    if (/^[\w.:-]{1,64}$/.test(code)) codes.push(code)
    error = asRecord(error.innerError ?? error.innererror)
  }
  return codes
}

/** Whether a 401 says that the token lacks multi-factor authentication; a renewed one would as well. */
export function lacksMultiFactor(body: unknown): boolean {
  return errorCodes(body).includes('900421')
}

/** The failure for a status that asking again will not change. */
export function refusal(answer: Answer, what: string): CosellError {
  const codes = errorCodes(answer.body)
  const got =
    `${what}: expected 200, got ${answer.status}` +
    `${codes.length === 0 ? '' : ` (${codes.join(' > ')})`}, request ${answer.requestId}.`
  const is = (code: string) => codes.some((one) => one.toLowerCase() === code.toLowerCase())
  if (lacksMultiFactor(answer.body))
    return new CosellError(
      'signIn',
      'auth.mfa_required',
      `${got} The Referrals admin has to sign in again with multi-factor authentication; ` +
        `${signInAgain}.`,
    )
  if (answer.status === 401)
    return new CosellError(
      'signIn',
      'auth.unauthorized',
      `${got} The API refuses a token that was just issued. Sign in as a Referrals admin of the ` +
        'right tenant, with the permission of the Microsoft Partner API granted.',
    )
  if (answer.status === 403)
    return is('insufficient_claims') || is('insufficent_claims')
      ? new CosellError(
          'signIn',
          'auth.insufficient_claims',
          `${got} A conditional access rule asks for more proof; the Referrals admin has to sign in ` +
            `again; ${signInAgain}.`,
        )
      : new CosellError(
          'signIn',
          'auth.forbidden',
          `${got} The signed-in user needs the role Referrals admin (or Referrals user) in Partner Center.`,
        )
  if (answer.status >= 300 && answer.status < 400)
    return new CosellError(
      'sourceBroken',
      'api.redirect',
      `${got} Redirects are not followed; check what COSELL_API_URL points to.`,
    )
  return new CosellError(
    'sourceBroken',
    `api.status_${answer.status}`,
    `${got} The API does not accept what it accepted before; see the release notes of the API.`,
  )
}

/** The failure for a list address that does not exist. */
export function listNotFound(answer: Answer, what: string): CosellError {
  return new CosellError(
    'configuration',
    'api.list_not_found',
    `${what}: expected a list, got ${answer.status}, request ${answer.requestId}. Check COSELL_API_URL: ` +
      'it is the host alone, such as https://api.partner.microsoft.com.',
  )
}

function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
