/** How the sandbox is peopled and how it behaves where the live API's behaviour is not known. */
export interface SandboxOptions {
  /** How many referrals the seeded population has. Default 2,000. */
  referrals: number
  /** The same seed and number give the same population. Default 1. */
  seed: number
  /** How many of them change at start-up; the sandbox's clock moves a day. Default 0. */
  change: number
  /** How many are served in a shape that cannot be read, each kind in turn. Default 0. */
  broken: number
  /** Port on 127.0.0.1; 0 takes a free one. Default 0. */
  port: number
  /** Whether `$filter` may compare `createdDateTime` and `updatedDateTime`; otherwise 400. */
  dateFilter: boolean
  /** The literal form of instants in `$filter`: `2025-01-01T00:00:00Z`, or the same in quotes. */
  dateLiteral: 'bare' | 'quoted'
  /** Whether `$skip` is honoured; otherwise it is ignored without a word. Default true. */
  skip: boolean
  /** Most referrals on a page; a greater `$top` is cut down to it. Default 100. */
  pageCap: number
  /** `page`: `$top` is the size of pages; `total`: as in OData, no more than `$top` in all. */
  top: 'page' | 'total'
  /** What `@odata.count` counts; the documented samples contradict each other. Default page. */
  count: 'page' | 'total'
  /**
   * Form of `@odata.nextLink`. The documentation shows plain http and a path without
   * `/engagements`, which leads nowhere: the token has to be taken to the known path.
   */
  nextLink: 'same-origin' | 'http-without-engagements'
  /** The rate that nobody documents; beyond it 429 with `Retry-After`. Default none. */
  requestsPerMinute: number | undefined
  /** Life of access tokens. Default 3,600. */
  tokenLifetimeSeconds: number
  /** The refresh token that the token endpoint accepts. Default `sandbox-refresh-token`. */
  refreshToken: string
  /** Every refresh answers a new refresh token. */
  rotateRefreshToken: boolean
  /** How many of the newest refresh tokens are accepted; the live service revokes none. Default 2. */
  refreshTokensKept: number
  /** Who signs in: tokens of two names are of two users of one tenant. Default `admin`. */
  principal: string
  /** The percentage of all referrals that a user of this name sees; everybody else sees all. */
  sees: Readonly<Record<string, number>>
  /** How the polls of a device sign-in are answered in turn; the last answer stays. */
  device: readonly ('pending' | 'slow_down' | 'declined' | 'expired' | 'granted')[]
  /** What the token endpoint refuses everything with, such as `invalid_grant` and 50076. */
  signInError: { readonly error: string; readonly number: number } | undefined
  /** Milliseconds, for the life of tokens and the rate; nothing else reads it. */
  clock: () => number
}

export const defaultOptions: SandboxOptions = {
  referrals: 2000,
  seed: 1,
  change: 0,
  broken: 0,
  port: 0,
  dateFilter: true,
  dateLiteral: 'bare',
  skip: true,
  pageCap: 100,
  top: 'page',
  count: 'page',
  nextLink: 'same-origin',
  requestsPerMinute: undefined,
  tokenLifetimeSeconds: 3600,
  refreshToken: 'sandbox-refresh-token',
  rotateRefreshToken: false,
  refreshTokensKept: 2,
  principal: 'admin',
  sees: {},
  device: ['pending', 'granted'],
  signInError: undefined,
  clock: Date.now,
}
