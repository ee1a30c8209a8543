import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { openAuthority } from '../auth/authority.ts'
import { type Application, redeemRefreshToken } from '../auth/msal.ts'
import type { TokenStore } from '../auth/token-store.ts'
import { createTokens } from '../auth/tokens.ts'
import { type Clock, systemClock } from '../clock.ts'
import { addressBelow, createLifetime, openEndpoint, type Timeouts } from '../http/endpoint.ts'
import { checkedBaseUrl, nextLinkQuery } from '../http/origin.ts'
import type { NetworkVariables } from '../http/proxy.ts'
import { createRetryBudget } from '../http/retry-budget.ts'
import type { Answer, Peer, Request } from '../http/send.ts'
import type { RequestCounts } from '../http/send-with-retries.ts'
import { apiError, isForbidden, lacksMultiFactor, listNotFoundError } from './api-errors.ts'
import {
  type FetchedReferral,
  type NextLink,
  type Page,
  type PageQuery,
  problemWithPage,
  problemWithReferral,
  searchOf,
  toPage,
} from './page.ts'
import { type FetchedPolicies, policiesOf, policyAddress, problemWithPolicies } from './policies.ts'

export interface ReferralsApi {
  getPage(query: PageQuery | NextLink): Promise<Page>
  getReferral(id: string): Promise<FetchedReferral>
  /** Reads the eligibility policies of a referral from the address that the template gives. */
  getPolicies(template: string, id: string): Promise<FetchedPolicies>
  readonly pageSize: number
  /** Requests sent to the API, retries included, and how many of them it throttled. */
  readonly counts: Readonly<RequestCounts>
  /** Rate that the API was found to support: the `startingRate` of the next run. */
  readonly requestsPerMinute: number
  /** Who signs in, as an opaque text; `null` before the first request and when the token has no name. */
  principal(): string | null
  /** Tenant of the token in use; `null` before the first token and when it names none. */
  tenant(): string | null
  /** Obtains a token, and sends nothing to the API. */
  signIn(): Promise<void>
  /** Addresses that gave a good answer so far: the `knownOrigins` of the next run. */
  answered(): { readonly api: string | null; readonly signIn: string | null }
  /** Ends every request under way and closes every connection. */
  close(): Promise<void>
}

export interface ReferralsApiOptions extends Application {
  authorityUrl: string
  accessToken?: string | undefined
  refreshToken?: string | undefined
  tokenStore: TokenStore
  pageSize: number
  requestsPerMinute: number
  /** Rate that an earlier run learned; never above `requestsPerMinute`. */
  startingRate?: number | undefined
  concurrency: number
  /** End of the run, in the clock's monotonic milliseconds: no wait goes past it. */
  deadlineAt?: number | undefined
  clock?: Clock | undefined
  random?: (() => number) | undefined
  /** Aborting it ends every request and wait; its reason is what is thrown. */
  signal?: AbortSignal | undefined
  timeouts?: Timeouts | undefined
  /** Variables that choose a proxy. */
  network: NetworkVariables
  /** Addresses of API and sign-in service that gave a good answer in an earlier run. */
  knownOrigins?: readonly string[] | undefined
  log: Logger
}

/** Opens the Referrals API of one account, with sign-in, request budget and retries. */
export function createReferralsApi(options: ReferralsApiOptions): ReferralsApi {
  const clock = options.clock ?? systemClock
  const lifetime = createLifetime(options.signal)
  const context = { ...options, clock, signal: lifetime.signal, retries: createRetryBudget() }
  const base = checkedBaseUrl(options.apiUrl, 'COSELL_API_URL')
  const list = addressBelow(base, '/v1.0/engagements/referrals')
  const api = openEndpoint(base, 'COSELL_API_URL', context)
  const authority = openAuthority(context)
  const tokens = createTokens({
    ...context,
    redeem: (refreshToken) => redeemRefreshToken(options, refreshToken, authority.post),
  })

  /** Sends with a token, and once more with a new one after a 401. */
  async function get(
    path: string,
    search: string,
    problemWith: Request['problemWith'],
  ): Promise<Answer> {
    let token = ''
    const request: Request = {
      method: 'GET',
      path: path + search,
      what: `GET ${path}`,
      headers: async () => {
        token = await tokens.current()
        return { authorization: `Bearer ${token}` }
      },
      problemWith,
    }
    const answer = await api.send(request)
    if (answer.status !== 401 || lacksMultiFactor(answer.body)) return answer
    await tokens.renew(token)
    return api.send(request)
  }

  return {
    counts: api.counts,
    pageSize: options.pageSize,
    principal: tokens.principal,
    tenant: tokens.tenant,
    signIn: async () => void (await tokens.current()),
    answered: () => ({ api: originIfKnown(api.peer), signIn: originIfKnown(authority.peer) }),
    get requestsPerMinute() {
      return api.rateLimiter.learnedRate
    },
    async getPage(query) {
      const search =
        'nextLink' in query
          ? nextLinkQuery(query.nextLink, list)
          : searchOf(query, options.pageSize)
      const answer = await get(list.pathname, search, problemWithPage)
      if (isGone(answer)) throw listNotFoundError(answer, `GET ${list.pathname}`)
      if (answer.status !== 200) throw apiError(answer, `GET ${list.pathname}`)
      return toPage(answer, list)
    },
    async getReferral(id) {
      checkId(id)
      const path = `${list.pathname}/${encodeURIComponent(id)}`
      const answer = await get(path, '', (body) => problemWithReferral(body, id))
      // Undocumented: a referral outside of the user's scope may be one that does not exist.
      const isHidden = isGone(answer) || isForbidden(answer)
      if (!isHidden && answer.status !== 200) throw apiError(answer, `GET ${path}`)
      const { requestId, fetchedAt } = answer
      return { id, referral: isHidden ? null : answer.body, requestId, fetchedAt }
    },
    async getPolicies(template, id) {
      checkId(id)
      const { pathname, search } = policyAddress(base, template, id)
      const answer = await get(pathname, search, problemWithPolicies)
      const { status, body, requestId, fetchedAt } = answer
      if (isGone(answer)) return { id, policies: [], requestId, fetchedAt }
      if (status !== 200) throw apiError(answer, `GET ${pathname}`)
      return { id, policies: policiesOf(body), requestId, fetchedAt }
    },
    async close() {
      lifetime.end()
      await Promise.all([api.close(), authority.close()])
    },
  }
}

function checkId(id: string): void {
  if (/^\.{0,2}$/.test(id)) throw new CosellError('api.no_id', `No id: "${id}".`)
}

function originIfKnown({ origin, isKnown }: Readonly<Peer>): string | null {
  return isKnown ? origin : null
}

function isGone(answer: Answer): boolean {
  return answer.status === 404 || answer.status === 410
}
