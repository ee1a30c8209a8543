import { addressBelow, type EndpointOptions, openEndpoint } from '../http/endpoint.ts'
import { checkedBaseUrl } from '../http/origin.ts'
import type { Peer } from '../http/send.ts'
import type { PostForm } from './msal.ts'

/** Sign-in service: the authority that gives out tokens. */
export interface Authority {
  readonly post: PostForm
  readonly peer: Readonly<Peer>
  close(): Promise<void>
}

/** A token is asked for once an hour; the limit only matters when the service fails. */
const budget = { requestsPerMinute: 60, startingRate: undefined, concurrency: 1 }

export type AuthorityOptions = Omit<EndpointOptions, keyof typeof budget> & {
  authorityUrl: string
}

/** Opens the sign-in service, with the signal and the retries of its user. */
export function openAuthority(options: AuthorityOptions): Authority {
  const setting = 'COSELL_AUTHORITY_URL'
  const base = checkedBaseUrl(options.authorityUrl, setting)
  const endpoint = openEndpoint(base, setting, { ...options, ...budget })
  return {
    post: (path, form) =>
      endpoint.send({
        method: 'POST',
        path: addressBelow(base, path).pathname,
        what: 'Token endpoint',
        headers: async () => ({ 'content-type': 'application/x-www-form-urlencoded' }),
        body: form,
        problemWith: () => null,
      }),
    peer: endpoint.peer,
    close: endpoint.close,
  }
}
