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

/** Numbers of a conditional access rule, security defaults or a device that is not accepted. */
const deviceOrRule = [
  ...['50005', '50097', '50129', '50131', '50187', '53000', '53001', '53002', '53003', '53010'],
  ...['500212', '500213', '530003', '530032', '530035'],
]

/** Numbers of the service's own trouble, which come with an error that sounds final. */
const transient = [
  ...['40010', '50033', '50087', '50088', '50166', '70012', '80001', '80002', '80005'],
  ...['90006', '90012', '90024', '90033', '90055', '90090', '90091'],
]

/**
 * Remedy for each of Entra's error numbers, as Microsoft's list of authentication and authorization
 * error codes describes them; unknown ones fall back on the OAuth error.
 */
const remedyByNumber: Record<string, Remedy> = {
  ...same(['50072', '50074', '50076', '50078', '50079', '50158', '53004', '900421'], {
    code: 'auth.mfa_required',
    action: `The Referrals admin has to sign in again with multi-factor authentication; ${signInAgain}.`,
  }),
  ...same(['50089', '70008', '70043', '700082', '700084'], {
    code: 'auth.refresh_token_expired',
    action: `The stored sign-in has expired. The Referrals admin has to sign in again; ${signInAgain}.`,
  }),
  ...same(['50132', '50133', '50173'], {
    code: 'auth.sign_in_revoked',
    action:
      'The password was changed or the sessions were revoked. The Referrals admin has to sign in ' +
      `again; ${signInAgain}.`,
  }),
  ...same(['65001', '65004', '90008', '90094', '90095'], {
    code: 'auth.consent_required',
    action:
      'An administrator of the tenant has to grant consent to the application COSELL_CLIENT_ID, ' +
      'then the Referrals admin signs in again.',
  }),
  ...same(deviceOrRule, {
    code: 'auth.conditional_access',
    action:
      'A conditional access rule blocks the sign-in. An administrator of the tenant has to allow ' +
      'this machine or user.',
  }),
  530036: {
    code: 'auth.flow_blocked',
    action:
      'A conditional access rule of the tenant blocks sign-ins with a code (device code flow), and ends ' +
      'those made so before: `cosell login` helps only after an administrator has exempted this user or ' +
      'application from the rule. Otherwise sign in by another flow and put its refresh token into ' +
      'COSELL_REFRESH_TOKEN.',
  },
  ...same(['700003', '135011', '50155'], {
    code: 'auth.device_unknown',
    action:
      'The device that the Referrals admin signed in on is deleted or disabled in the tenant. The admin ' +
      `has to sign in again, in a browser of a device that the tenant knows; ${signInAgain}.`,
  }),
  ...same(['50034', '50053', '50055', '50057', '50105', '50144', '53011', '530034'], {
    code: 'auth.account_blocked',
    action:
      'The account of the Referrals admin is locked, disabled, at risk or not assigned to the ' +
      'application. An administrator of the tenant has to fix that.',
  }),
  ...same(['50014', '50020', '51004', '90072'], {
    code: 'auth.account_blocked',
    action:
      'The user who signed in is not of the tenant COSELL_TENANT_ID. Sign in as a Referrals admin of that ' +
      `tenant; ${signInAgain}.`,
  }),
  ...same(['500021', '500022', '50002'], {
    code: 'auth.tenant_restricted',
    action:
      'A proxy of this network allows other tenants alone (tenant restrictions). Let its administrator ' +
      'add the tenant COSELL_TENANT_ID, or run cosell in another network.',
  }),
  ...same(['500011', '50001', '650052', '650054'], {
    code: 'auth.api_not_in_tenant',
    action:
      'The tenant that was signed in to does not have the Partner Center API. Check COSELL_TENANT_ID, ' +
      'COSELL_API_URL and COSELL_API_SCOPE; in the right tenant an administrator grants the application ' +
      'COSELL_CLIENT_ID the permission of the Microsoft Partner API, which adds it.',
  }),
  ...same(['65005', '650056', '650057'], {
    code: 'auth.api_not_permitted',
    action:
      'The application COSELL_CLIENT_ID does not ask for the permission of the Microsoft Partner API. Add ' +
      'it to the application in Entra and let an administrator grant consent.',
  }),
  ...same(transient, {
    code: 'auth.unavailable',
    action: 'The sign-in service is in trouble for the moment; start the run again later.',
  }),
  50196: {
    code: 'auth.too_many_requests',
    action:
      'The sign-in service got too many equal requests in a short time and takes no more for some ' +
      'minutes. Start the run again later; if it comes back, see which other programs or jobs use the ' +
      'same sign-in.',
  },
  90038: {
    code: 'auth.other_cloud',
    action:
      'The tenant belongs to another cloud of Microsoft. Set COSELL_AUTHORITY_URL to the sign-in service ' +
      'of that cloud.',
  },
  ...same(['70002', '7000215', '7000222', '7000218'], {
    code: 'auth.client_secret',
    action:
      'COSELL_CLIENT_SECRET is missing, wrong or expired; create a new secret of the Entra application.',
  }),
  700025: {
    code: 'auth.public_client',
    action:
      'The Entra application is a public client, which has no secret; unset COSELL_CLIENT_SECRET.',
  },
  ...same(['90002', '900023', '70001', '700011', '700016', '7000112'], {
    code: 'auth.unknown_application',
    action:
      'Check COSELL_TENANT_ID and COSELL_CLIENT_ID: no such tenant, or no such application in it, or it ' +
      'is disabled there.',
  }),
  ...same(['50059', '50128', '50194', '90019'], {
    code: 'auth.unknown_application',
    action: 'Set COSELL_TENANT_ID: the application does not serve every tenant.',
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
