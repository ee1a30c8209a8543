import { expect } from 'vitest'
import { type FaultKind, fatal, inTheApi, survived } from './kinds.ts'
import { status } from './strikes.ts'
import { tokenOf } from './world.ts'

const refused = { error: { code: 'unAuthorized', innerError: { code: 'tokenExpired' } } }

function entra(error: string, number: number) {
  const error_description = `AADSTS${number}: canary of user@example.com`
  return status(400, {}, { error, error_codes: [number], error_description })
}

const entraRefusals: [string, number, number, string][] = [
  ['invalid_grant', 700082, 77, 'auth.refresh_token_expired'],
  ['invalid_grant', 70008, 77, 'auth.refresh_token_expired'],
  ['invalid_grant', 70043, 77, 'auth.refresh_token_expired'],
  ['invalid_grant', 50173, 77, 'auth.sign_in_revoked'],
  ['invalid_grant', 50076, 77, 'auth.mfa_required'],
  ['invalid_grant', 50079, 77, 'auth.mfa_required'],
  ['invalid_grant', 65001, 77, 'auth.consent_required'],
  ['invalid_grant', 53003, 77, 'auth.conditional_access'],
  ['invalid_grant', 50057, 77, 'auth.account_blocked'],
  ['invalid_grant', 9002313, 77, 'auth.invalid_grant'],
  ['interaction_required', 700020, 77, 'auth.interaction_required'],
  ['invalid_grant', 530036, 77, 'auth.flow_blocked'],
  ['invalid_grant', 700003, 77, 'auth.device_unknown'],
  ['invalid_grant', 50196, 75, 'auth.too_many_requests'],
  ['invalid_resource', 500011, 78, 'auth.api_not_in_tenant'],
  ['invalid_client', 7000222, 78, 'auth.client_secret'],
  ['invalid_client', 7000215, 78, 'auth.client_secret'],
  ['unauthorized_client', 700016, 78, 'auth.unknown_application'],
  ['invalid_request', 90002, 78, 'auth.unknown_application'],
]

const onlyAtToken = { positions: ['token'] } as const

/** Jumps of the local wall clock between request and answer. */
const clockJumps = [1, -1].map((hours) =>
  survived(
    'A9',
    `our clock jumps ${hours} hour`,
    1,
    (context) => {
      context.world.wallOffsetMs = hours * 3_600_000
      return status(context.healthy.status, {}, context.healthy.body)(context)
    },
    { tokenRequests: 1, check: noNegativeSleep },
  ),
)

const skews = [1, -1].map((hours) =>
  survived(
    'A9',
    `their clock is ${hours} hour off`,
    1,
    (context) => {
      const date = new Date(context.world.clock.now() + hours * 3_600_000).toUTCString()
      return status(context.healthy.status, { date }, context.healthy.body)(context)
    },
    { tokenRequests: 1, check: noNegativeSleep },
  ),
)

function noNegativeSleep({ clock }: { clock: { sleeps: number[] } }): void {
  expect(clock.sleeps.filter((ms) => !(ms >= 0))).toEqual([])
}

/** Faults of sign-in, of tokens and of clocks. */
export const signInFaults: readonly FaultKind[] = [
  survived('A1', 'access token refused once', 1, status(401, {}, refused), {
    positions: inTheApi,
    tokenRequests: 2,
  }),
  survived('A1', 'access token good for three requests', 2, status(401, {}, refused), {
    positions: ['run'],
    when: ({ world, request }) => (world.seen.byToken.get(tokenOf(request)) ?? 0) > 3,
    tokenRequests: 3,
  }),
  fatal(
    'A2',
    'every access token refused',
    2,
    status(401, {}, refused),
    [77, 'auth.unauthorized'],
    {
      positions: inTheApi,
      tokenRequests: 2,
    },
  ),
  fatal(
    'A2',
    '401 with 900421',
    1,
    status(401, {}, { error: { code: '900421' } }),
    [77, 'auth.mfa_required'],
    { positions: inTheApi, tokenRequests: 1 },
  ),
  ...entraRefusals.map(([error, number, exitCode, code]) =>
    fatal('A3', `${error} AADSTS${number}`, 1, entra(error, number), [exitCode, code], onlyAtToken),
  ),
  fatal(
    'A6',
    'token endpoint: 200 without token',
    1,
    status(200, {}, { token_type: 'Bearer' }),
    [69, 'auth.no_token_in_answer'],
    onlyAtToken,
  ),
  fatal(
    'A7',
    '403 insufficient_claims',
    1,
    status(
      403,
      {},
      { error: { code: 'accessDenied', innerError: { code: 'insufficient_claims' } } },
    ),
    [77, 'auth.insufficient_claims'],
    { positions: inTheApi },
  ),
  fatal('A7', '403 without the role', 1, status(403), [77, 'auth.forbidden'], {
    positions: inTheApi,
    // One referral that may not be read is as one that is not there.
    except: { single: { outcome: 'gone' } },
  }),
  ...clockJumps,
  ...skews,
]
