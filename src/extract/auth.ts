import { CosellError } from '../errors.ts'
import { refusalOf } from './sign-in-refusal.ts'
import type { Clock } from './throttle.ts'
import type { TokenStore } from './token-store.ts'

export interface Tokens {
  /** An access token with some life left. */
  current(): Promise<string>
  /** Another token than the one that was refused; callers that come together share one renewal. */
  renew(refused: string): Promise<string>
}

/** Sends one form to the token endpoint and returns its answer, whatever the status. */
export type PostForm = (
  form: Record<string, string>,
) => Promise<{ status: number; body: unknown; requestId: string }>

const scope = 'https://api.partner.microsoft.com/.default offline_access'
const earlyMs = 5 * 60_000
/** Used when the endpoint does not say how long the token lives. */
const assumedLifeSeconds = 3_600

/** The API knows signed-in users only, so the nightly job lives on that user's refresh token. */
export function createTokens(options: {
  accessToken?: string | undefined
  clientId?: string | undefined
  clientSecret?: string | undefined
  refreshToken?: string | undefined
  tokenStore: TokenStore
  clock: Clock
  post: PostForm
}): Tokens {
  return options.accessToken === undefined
    ? refreshedTokens(options)
    : givenToken(options.accessToken)
}

function givenToken(accessToken: string): Tokens {
  return {
    current: async () => accessToken,
    renew: async () => {
      throw new CosellError(
        'signIn',
        'auth.access_token_refused',
        'COSELL_ACCESS_TOKEN: the API refuses this token, and a given token cannot be renewed. ' +
          'Obtain a new one, or set COSELL_REFRESH_TOKEN instead.',
      )
    },
  }
}

function refreshedTokens(options: Parameters<typeof createTokens>[0]): Tokens {
  let token: { value: string; freshUntil: number } | null = null
  let renewal: Promise<string> | null = null

  async function redeem(refreshToken: string): Promise<string> {
    const startedAt = options.clock.monotonic()
    const answer = await options.post({
      grant_type: 'refresh_token',
      client_id: options.clientId ?? missingClientId(),
      ...(options.clientSecret === undefined ? {} : { client_secret: options.clientSecret }),
      refresh_token: refreshToken,
      scope,
    })
    if (answer.status !== 200) throw refusalOf(answer.status, answer.body, answer.requestId)
    const granted = readGrant(answer.body)
    // Entra returns a new refresh token each time and lets an unused one die after 90 days, so the
    // new one is on disk before anything depends on it. The old one keeps working until then.
    if (granted.refreshToken !== null && granted.refreshToken !== refreshToken)
      await options.tokenStore.save(granted.refreshToken)
    const lifeMs = granted.lifeSeconds * 1_000
    token = {
      value: granted.accessToken,
      freshUntil: startedAt + lifeMs - Math.min(earlyMs, lifeMs / 2),
    }
    return token.value
  }

  /** The stored token is the newest; the configured one helps when the stored one is dead. */
  async function redeemAny(): Promise<string> {
    const candidates = new Set([await options.tokenStore.load(), options.refreshToken ?? null])
    let refusal: CosellError | null = null
    for (const candidate of candidates) {
      if (candidate === null) continue
      try {
        return await redeem(candidate)
      } catch (error) {
        if (!(error instanceof CosellError) || error.kind !== 'signIn') throw error
        refusal = error
      }
    }
    throw refusal ?? noToken()
  }

  function renew(): Promise<string> {
    renewal ??= redeemAny().finally(() => {
      renewal = null
    })
    return renewal
  }

  return {
    current: async () =>
      token !== null && options.clock.monotonic() < token.freshUntil ? token.value : renew(),
    renew: async (refused) => (token !== null && token.value !== refused ? token.value : renew()),
  }
}

function readGrant(body: unknown): {
  accessToken: string
  refreshToken: string | null
  lifeSeconds: number
} {
  const grant = (body ?? {}) as Record<string, unknown>
  const { access_token: accessToken, refresh_token: refreshToken } = grant
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw new CosellError(
      'sourceBroken',
      'auth.no_token_in_answer',
      'Token endpoint: expected an access_token, got an answer without. Check COSELL_AUTHORITY_URL.',
    )
  }
  // Version 1 of the endpoint writes the number as a string.
  const lifeSeconds = Number(grant.expires_in)
  return {
    accessToken,
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : null,
    lifeSeconds: lifeSeconds > 0 ? lifeSeconds : assumedLifeSeconds,
  }
}

function missingClientId(): never {
  throw new CosellError(
    'configuration',
    'auth.client_id_missing',
    'COSELL_CLIENT_ID: expected the id of the Entra application that the refresh token belongs to, ' +
      'got nothing. Set it beside COSELL_REFRESH_TOKEN.',
  )
}

function noToken(): CosellError {
  return new CosellError(
    'signIn',
    'auth.no_token',
    'No sign-in is stored or configured. A Referrals admin has to sign in to the application; put ' +
      'the refresh token into COSELL_REFRESH_TOKEN (or an access token into COSELL_ACCESS_TOKEN).',
  )
}
