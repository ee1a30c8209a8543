import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'

interface Remedy {
  code: ErrorCode
  action: string
}

/** Way of signing in that failed. */
export type SignInFlow = 'refresh' | 'deviceCode'

/** Instruction for the person who has to sign in again. */
export const signInAgain =
  'run `cosell login`, or put the new refresh token into COSELL_REFRESH_TOKEN'

/** Remedy for each of Entra's error numbers; unknown ones fall back on the OAuth error. */
const remedyByNumber: Record<string, Remedy> = {
  ...same(['50072', '50074', '50076', '50079', '50158', '900421'], {
    code: 'auth.mfa_required',
    action: `The Referrals admin has to sign in again with multi-factor authentication; ${signInAgain}.`,
  }),
  ...same(['70008', '70043', '700082', '700084'], {
    code: 'auth.refresh_token_expired',
    action: `The stored sign-in has expired. The Referrals admin has to sign in again; ${signInAgain}.`,
  }),
  ...same(['50133', '50173'], {
    code: 'auth.sign_in_revoked',
    action:
      'The password was changed or the sessions were revoked. The Referrals admin has to sign in ' +
      `again; ${signInAgain}.`,
  }),
  ...same(['65001', '65004', '90094'], {
    code: 'auth.consent_required',
    action:
      'An administrator of the tenant has to grant consent to the application COSELL_CLIENT_ID, ' +
      'then the Referrals admin signs in again.',
  }),
  ...same(['53000', '53001', '53002', '53003', '53004', '530003'], {
    code: 'auth.conditional_access',
    action:
      'A conditional access rule blocks the sign-in. An administrator of the tenant has to allow ' +
      'this machine or user.',
  }),
  ...same(['50034', '50053', '50055', '50057', '50105'], {
    code: 'auth.account_blocked',
    action:
      'The account of the Referrals admin is locked, disabled or not assigned to the application. ' +
      'An administrator of the tenant has to fix that.',
  }),
  ...same(['7000215', '7000222', '7000218'], {
    code: 'auth.client_secret',
    action:
      'COSELL_CLIENT_SECRET is missing, wrong or expired; create a new secret of the Entra application.',
  }),
  700025: {
    code: 'auth.public_client',
    action:
      'The Entra application is a public client, which has no secret; unset COSELL_CLIENT_SECRET.',
  },
  ...same(['90002', '900023', '700016'], {
    code: 'auth.unknown_application',
    action:
      'Check COSELL_TENANT_ID and COSELL_CLIENT_ID: no such tenant, or no such application in it.',
  }),
}

const loginAgain = 'Run `cosell login` again'

const deviceCodeExpired: Remedy = {
  code: 'auth.device_code_expired',
  action: `The code was not entered in time. ${loginAgain}, and let the Referrals admin enter the new code.`,
}

/** Remedies that differ when a person signs in with a code. */
const remedyOfDeviceCode: Record<string, Remedy> = {
  7000218: {
    code: 'auth.public_client_flows',
    action:
      'A sign-in with a code sends no secret, also when COSELL_CLIENT_SECRET is set: an administrator ' +
      'has to allow public client flows in the authentication settings of the Entra application ' +
      'COSELL_CLIENT_ID. Otherwise obtain a refresh token elsewhere and put it into COSELL_REFRESH_TOKEN.',
  },
  ...same(['70019', 'expired_token'], deviceCodeExpired),
  ...same(['authorization_declined', 'access_denied', '65004'], {
    code: 'auth.device_code_declined',
    action: `The sign-in was declined in the browser. ${loginAgain}, and accept it as the Referrals admin.`,
  }),
  ...same(['70018', 'bad_verification_code', 'invalid_grant'], {
    code: 'auth.device_code_unknown',
    action: `The sign-in service does not accept its own code any more. ${loginAgain}.`,
  }),
}

const remedyByError: Record<string, Remedy> = {
  invalid_grant: {
    code: 'auth.invalid_grant',
    action: `The refresh token is not valid. The Referrals admin has to sign in again; ${signInAgain}.`,
  },
  ...same(['interaction_required', 'login_required', 'consent_required'], {
    code: 'auth.interaction_required',
    action: `The Referrals admin has to sign in again and answer what is asked; ${signInAgain}.`,
  }),
  temporarily_unavailable: {
    code: 'auth.unavailable',
    action: 'The sign-in service is down for the moment; start the run again later.',
  },
}

const otherwise: Remedy = {
  code: 'auth.refused',
  action:
    'Check COSELL_AUTHORITY_URL, COSELL_TENANT_ID, COSELL_CLIENT_ID and COSELL_CLIENT_SECRET against ' +
    'the Entra application.',
}

/**
 * Returns the error for an answer of the token endpoint. Its `error_description` stays out of the
 * message: it names users and repeats what was sent.
 */
export function signInError(
  status: number,
  body: unknown,
  requestId: string,
  flow: SignInFlow = 'refresh',
): CosellError {
  const {
    error,
    error_codes: codes,
    error_description: description,
  } = (body ?? {}) as Record<string, unknown>
  const oauthError = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : null
  const numbers = [
    ...(Array.isArray(codes) ? codes.map(String) : []),
    ...[...String(description ?? '').matchAll(/AADSTS(\d{4,8})/g)].map((match) => match[1] ?? ''),
  ].filter((number) => /^\d{4,8}$/.test(number))
  const remedy = remedyFor([...numbers, oauthError ?? ''], flow)
  const what = [oauthError, ...new Set(numbers.map((number) => `AADSTS${number}`))]
    .filter((part) => part !== null)
    .join(', ')
  return new CosellError(
    remedy.code,
    `Token endpoint: expected a token, got ${status}${what === '' ? '' : ` (${what})`}, request ` +
      `${requestId}. ${remedy.action}`,
  )
}

/** Error of a code that ran out by our own clock, without an answer of the service that says so. */
export function codeRanOut(): CosellError {
  const { code, action } = deviceCodeExpired
  return new CosellError(code, `Device code: expected a sign-in, got none. ${action}`)
}

/** Picks the remedy: the first known name counts, and numbers come before the OAuth error. */
function remedyFor(names: readonly string[], flow: SignInFlow): Remedy {
  const general = [remedyByNumber, remedyByError]
  const tables = flow === 'deviceCode' ? [remedyOfDeviceCode, ...general] : general
  for (const name of names) {
    const table = tables.find((one) => Object.hasOwn(one, name))
    if (table?.[name] !== undefined) return table[name]
  }
  return otherwise
}

function same(names: readonly string[], remedy: Remedy): Record<string, Remedy> {
  return Object.fromEntries(names.map((name) => [name, remedy]))
}
