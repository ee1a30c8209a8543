import { CosellError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { principalOf, tenantOf } from './principal.ts'
import type { TokenResponse } from './token-response.ts'
import type { TokenStore } from './token-store.ts'

export interface Tokens {
  /** Returns an access token that stays valid for a while. */
  current(): Promise<string>
  /** Returns another token than the rejected one; simultaneous callers share one renewal. */
  renew(rejected: string): Promise<string>
  /** Who signs in, as an opaque text; `null` before the first token and when it names no user. */
  principal(): string | null
  /** Tenant of the token; `null` before the first token and when it names none. */
  tenant(): string | null
}

/** Time before its end at which a token is renewed. */
const earlyMs = 5 * 60_000
/** Longest time that another process takes from receiving a new token to having it on disk. */
const graceMs = 1_000
/** Most refresh tokens that are tried while other processes store new ones. */
const candidatesMax = 4

/**
 * Returns the access tokens of an account: a given one, or those that a refresh token is exchanged
 * for. The API knows signed-in users only, so the nightly job uses that user's refresh token.
 */
export function createTokens(options: {
  accessToken?: string | undefined
  refreshToken?: string | undefined
  tokenStore: TokenStore
  clock: Clock
  signal?: AbortSignal | undefined
  /** Exchanges a refresh token. @throws CosellError of kind `signIn` when it is dead */
  redeem: (refreshToken: string) => Promise<TokenResponse>
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
        'auth.access_token_refused',
        'COSELL_ACCESS_TOKEN: the API rejects this token, and a given token cannot be renewed. ' +
          'Obtain a new one, or unset it and run `cosell login`.',
      )
    },
    principal: () => principalOf(accessToken),
    tenant: () => tenantOf(accessToken),
  }
}

interface TokenInUse {
  readonly value: string
  /** In the clock's monotonic milliseconds. */
  readonly freshUntil: number
  readonly principal: string | null
  readonly tenant: string | null
}

function refreshedTokens(options: Parameters<typeof createTokens>[0]): Tokens {
  const { clock, tokenStore } = options
  let token: TokenInUse | null = null
  let renewal: Promise<string> | null = null

  /** Exchanges a refresh token; `seen` is the token that the store held when this one was chosen. */
  async function redeem(
    { save }: Pick<TokenStore, 'save'>,
    refreshToken: string,
    seen: string | null,
  ): Promise<TokenInUse> {
    const startedAt = clock.monotonic()
    const response = await options.redeem(refreshToken)
    // Entra returns a new refresh token each time and lets an unused one die after 90 days, so the
    // new one is on disk before anything depends on it. The old one stays valid until then.
    if (response.refreshToken !== null && response.refreshToken !== refreshToken)
      await save(response.refreshToken, { from: refreshToken, seen })
    const lifeMs = response.lifeSeconds * 1_000
    return {
      value: response.accessToken,
      freshUntil: startedAt + lifeMs - Math.min(earlyMs, lifeMs / 2),
      principal: principalOf(response.accessToken) ?? principalOf(response.idToken),
      tenant: tenantOf(response.accessToken) ?? tenantOf(response.idToken),
    }
  }

  /**
   * Exchanges the stored token, which is the newest, or the configured one when that is dead. The
   * store is read again after each rejection, at last a moment later: another process may have
   * exchanged the token that we read, which kills it where only the newest is accepted.
   */
  async function redeemNewest(store: TokenStore): Promise<TokenInUse> {
    const tried = new Set<string>()
    let rejection: CosellError | null = null
    let hasWaited = false
    while (tried.size < candidatesMax) {
      const seen = await store.load()
      const candidate = [seen, options.refreshToken].find((one) => one && !tried.has(one))
      if (!candidate) {
        if (seen === null || rejection === null || hasWaited) break
        hasWaited = true
        await clock.sleep(graceMs, options.signal)
        continue
      }
      tried.add(candidate)
      try {
        return await redeem(store, candidate, seen)
      } catch (error) {
        if (!(error instanceof CosellError) || error.kind !== 'signIn') throw error
        rejection = error
      }
    }
    throw rejection ?? noToken()
  }

  async function redeemAlone(): Promise<string> {
    const { exclusively } = tokenStore
    // In force once the new refresh token is kept, which may be at the end of a transaction.
    token = await (exclusively?.(redeemNewest) ?? redeemNewest(tokenStore))
    return token.value
  }

  function renew(): Promise<string> {
    renewal ??= redeemAlone().finally(() => {
      renewal = null
    })
    return renewal
  }

  return {
    current: async () =>
      token !== null && clock.monotonic() < token.freshUntil ? token.value : renew(),
    renew: async (rejected) => (token !== null && token.value !== rejected ? token.value : renew()),
    principal: () => token?.principal ?? null,
    tenant: () => token?.tenant ?? null,
  }
}

function noToken(): CosellError {
  return new CosellError(
    'auth.no_token',
    'No sign-in is stored or configured. A Referrals admin has to sign in to the application: run ' +
      '`cosell login`, or put a refresh token into COSELL_REFRESH_TOKEN (or an access token into ' +
      'COSELL_ACCESS_TOKEN).',
  )
}
