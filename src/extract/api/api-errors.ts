import { CosellError } from '../../errors.ts'
import { signInAgain } from '../auth/sign-in-errors.ts'
import type { Answer } from '../http/send.ts'

/** Returns the codes of an error body, outermost first. Messages may change, and may name people. */
export function errorCodes(body: unknown): string[] {
  const codes: string[] = []
  const outer = asRecord(body)
  let error = asRecord(outer?.error) ?? outer
  for (let depth = 0; error !== null && depth < 8; depth += 1) {
    const code = String(error.code ?? '')
    // A value that does not look like a code may be text with data in it.
    if (/^[\w.:-]{1,64}$/.test(code)) codes.push(code)
    error = asRecord(error.innerError ?? error.innererror)
  }
  return codes
}

/** Whether a 401 asks for multi-factor authentication, which a renewed token would lack as well. */
export function lacksMultiFactor(body: unknown): boolean {
  return errorCodes(body).includes('900421')
}

/** Whether a 403 is about what was asked for, and not about the sign-in as a whole. */
export function isForbidden({ status, body }: Answer): boolean {
  return status === 403 && !lacksClaims(body) && !lacksMultiFactor(body)
}

function lacksClaims(body: unknown): boolean {
  const spellings = ['insufficient_claims', 'insufficent_claims']
  return errorCodes(body).some((code) => spellings.includes(code.toLowerCase()))
}

/** Returns the error for a status that a retry will not change. */
export function apiError(answer: Answer, what: string): CosellError {
  const codes = errorCodes(answer.body)
  const got =
    `${what}: expected 200, got ${answer.status}` +
    `${codes.length === 0 ? '' : ` (${codes.join(' > ')})`}, request ${answer.requestId}.`
  if (lacksMultiFactor(answer.body))
    return new CosellError(
      'auth.mfa_required',
      `${got} The Referrals admin has to sign in again with multi-factor authentication; ` +
        `${signInAgain}.`,
    )
  if (answer.status === 401)
    return new CosellError(
      'auth.unauthorized',
      `${got} The API rejects a token that was just issued. Sign in as a Referrals admin of the ` +
        'right tenant, with the permission of the Microsoft Partner API granted.',
    )
  if (answer.status === 403)
    return lacksClaims(answer.body)
      ? new CosellError(
          'auth.insufficient_claims',
          `${got} A conditional access rule asks for more proof; the Referrals admin has to sign in ` +
            `again; ${signInAgain}.`,
        )
      : new CosellError(
          'auth.forbidden',
          `${got} The signed-in user needs the role Referrals admin (or Referrals user) in Partner Center.`,
        )
  if (answer.status >= 300 && answer.status < 400)
    return new CosellError(
      'api.redirect',
      `${got} Redirects are not followed; check what COSELL_API_URL points to.`,
    )
  return new CosellError(
    `api.status_${answer.status}`,
    `${got} The API does not accept what it accepted before; see the release notes of the API.`,
  )
}

/** Returns the error for a list address that does not exist. */
export function listNotFoundError(answer: Answer, what: string): CosellError {
  return new CosellError(
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
