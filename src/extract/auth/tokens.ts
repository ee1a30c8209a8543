import { CosellError } from '../../errors.ts'
import type { Clock } from '../http/rate-limiter.ts'
import { principalOf } from './principal.ts'
import type { Grant } from './token-response.ts'
import type { TokenStore } from './token-store.ts'

export interface Tokens {
  /** An access token with some life left. */
  current(): Promise<string>
  /** Another token than the one that was refused; callers that come together share one renewal. */
  renew(refused: string): Promise<string>
  /** Who signs in, as one opaque text; `null` before the first token and when it does not say. */
  principal(): string | null
}

const earlyMs = 5 * 60_000
/** Longer than another process takes from getting a new token to having it on disk. */
const graceMs = 1_000
/** How many refresh tokens are tried when other processes put in new ones meanwhile. */
const candidatesMax = 4

/** The API knows signed-in users only, so the nightly job lives on that user's refresh token. */
export function createTokens(options: {
  accessToken?: string | undefined
  refreshToken?: string | undefined
  tokenStore: TokenStore
  clock: Clock
  signal?: AbortSignal | undefined
  /** Exchanges a refresh token. @throws CosellError of kind `signIn` when it is dead */
  redeem: (refreshToken: string) => Promise<Grant>
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
          'Obtain a new one, or unset it and run `cosell login`.',
      )
    },
    principal: () => principalOf(accessToken),
  }
}

function refreshedTokens(options: Parameters<typeof createTokens>[0]): Tokens {
  const { clock, tokenStore } = options
  let token: { value: string; freshUntil: number; principal: string | null } | null = null
  let renewal: Promise<string> | null = null

  /** `seen` is what the store held when the token was chosen. */
  async function redeem(refreshToken: string, seen: string | null): Promise<string> {
    const startedAt = clock.monotonic()
    const granted = await options.redeem(refreshToken)
    // Entra returns a new refresh token each time and lets an unused one die after 90 days, so the
    // new one is on disk before anything depends on it. The old one keeps working until then.
    if (granted.refreshToken !== null && granted.refreshToken !== refreshToken)
      await tokenStore.save(granted.refreshToken, { from: refreshToken, seen })
    const lifeMs = granted.lifeSeconds * 1_000
    token = {
      value: granted.accessToken,
      freshUntil: startedAt + lifeMs - Math.min(earlyMs, lifeMs / 2),
      principal: principalOf(granted.accessToken) ?? principalOf(granted.idToken),
    }
    return token.value
  }

  /**
   * The stored token is the newest; the configured one helps when the stored one is dead. The store
   * is read again after refusals, at last a moment later: another process may have exchanged the
   * token that we read, which kills it where only the newest is accepted.
   */
  async function redeemAny(): Promise<string> {
    const tried = new Set<string>()
    let refusal: CosellError | null = null
    let hasWaited = false
    while (tried.size < candidatesMax) {
      const seen = await tokenStore.load()
      const candidate = [seen, options.refreshToken].find((one) => one && !tried.has(one))
      if (!candidate) {
        if (seen === null || refusal === null || hasWaited) break
        hasWaited = true
        await clock.sleep(graceMs, options.signal)
        continue
      }
      tried.add(candidate)
      try {
        return await redeem(candidate, seen)
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
      token !== null && clock.monotonic() < token.freshUntil ? token.value : renew(),
    renew: async (refused) => (token !== null && token.value !== refused ? token.value : renew()),
    principal: () => token?.principal ?? null,
  }
}

function noToken(): CosellError {
  return new CosellError(
    'signIn',
    'auth.no_token',
    'No sign-in is stored or configured. A Referrals admin has to sign in to the application: run ' +
      '`cosell login`, or put a refresh token into COSELL_REFRESH_TOKEN (or an access token into ' +
      'COSELL_ACCESS_TOKEN).',
  )
}
