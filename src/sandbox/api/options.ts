import type { PolicyPlace } from '../data/policies.ts'

export const statusFilters = ['obeyed', 'ignored', 'rejected'] as const
export type StatusFilter = (typeof statusFilters)[number]

/** Population of the sandbox, and its behaviour where the live API's is unknown. */
export interface SandboxOptions {
  /** Size of the seeded population. Default 2,000. */
  referrals: number
  /** Seed of the population: equal seed and size give equal bytes. Default 1. */
  seed: number
  /** Number of referrals that change at start-up; the clock moves a day. Default 0. */
  change: number
  /** Number of referrals served corrupt, in each way in turn. Default 0. */
  broken: number
  /** Port on 127.0.0.1; 0 takes a free one. Default 0. */
  port: number
  /** Lets `$filter` compare `createdDateTime` and `updatedDateTime`; otherwise 400. */
  dateFilter: boolean
  /** The literal form of instants in `$filter`: `2025-01-01T00:00:00Z`, or the same in quotes. */
  dateLiteral: 'bare' | 'quoted'
  /** What becomes of `registrationStatus` in `$filter`: 400 where it is rejected. Default obeyed. */
  statusFilter: StatusFilter
  /** Obeys `$skip`; otherwise it is ignored without an error. Default true. */
  skip: boolean
  /** Largest page; a greater `$top` is reduced to it. Default 100. */
  pageCap: number
  /** `page`: `$top` is the page size; `total`: as in OData, at most `$top` in all. */
  top: 'page' | 'total'
  /** Scope of `@odata.count`; the documented samples contradict each other. Default page. */
  count: 'page' | 'total'
  /**
   * Form of `@odata.nextLink`. The documentation shows plain http and a path without
   * `/engagements`, which does not exist: the token has to be sent to the known path.
   */
  nextLink: 'same-origin' | 'http-without-engagements'
  /**
   * Where eligibility policies are: nowhere, in a property of each referral, or at an address below
   * it. Default none.
   */
  eligibility: PolicyPlace
  /** The undocumented rate limit; beyond it 429 with `Retry-After`. Default none. */
  requestsPerMinute: number | undefined
  /** Milliseconds from a request to its answer, sign-ins included. Default 0. */
  answerMs: number
  /** Lifetime of access tokens. Default 3,600. */
  tokenLifetimeSeconds: number
  /** The refresh token that the token endpoint accepts. Default `sandbox-refresh-token`. */
  refreshToken: string
  /** Answers each refresh with a new refresh token. */
  rotateRefreshToken: boolean
  /** Number of the newest refresh tokens that are accepted; the live service revokes none. Default 2. */
  refreshTokensKept: number
  /** Name of the user; two names are two users of one tenant. Default `admin`. */
  principal: string
  /** Percentage of all referrals that is visible, by user name; other users see all. */
  visiblePercent: Readonly<Record<string, number>>
  /** Answers to the polls of a device sign-in, in turn; the last answer stays. */
  devicePolls: readonly ('pending' | 'slow_down' | 'declined' | 'expired' | 'granted')[]
  /** Error of every token request, such as `invalid_grant` and 50076. */
  signInError: { readonly error: string; readonly number: number } | undefined
  /** Time in milliseconds, for the lifetime of tokens, the rate and the header `Date`. */
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
  statusFilter: 'obeyed',
  skip: true,
  pageCap: 100,
  top: 'page',
  count: 'page',
  nextLink: 'same-origin',
  eligibility: 'none',
  requestsPerMinute: undefined,
  answerMs: 0,
  tokenLifetimeSeconds: 3600,
  refreshToken: 'sandbox-refresh-token',
  rotateRefreshToken: false,
  refreshTokensKept: 2,
  principal: 'admin',
  visiblePercent: {},
  devicePolls: ['pending', 'granted'],
  signInError: undefined,
  clock: Date.now,
}
