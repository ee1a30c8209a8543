import { expect } from 'vitest'
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from '../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../src/sandbox/referral.ts'

export interface Listing {
  '@odata.context': string
  '@odata.count': number
  '@odata.nextLink'?: string
  value: Referral[]
}

/** A signed-in caller of a sandbox, over real HTTP. */
export interface Client {
  readonly sandbox: Sandbox
  readonly authorization: string
  get(path: string, headers?: Record<string, string>): Promise<Response>
  list(query?: string): Promise<Listing>
  /** Reads every page, with the skip token of each next link on the known path. */
  walk(query?: string): Promise<Listing[]>
}

export const listPath = '/v1.0/engagements/referrals'

/** Runs `use` against a new sandbox, then closes it. */
export async function withSandbox(
  options: Partial<SandboxOptions>,
  use: (client: Client) => Promise<void>,
) {
  const sandbox = await startSandbox(options)
  try {
    await use(await signIn(sandbox))
  } finally {
    await sandbox.close()
  }
}

export function askToken(sandbox: Sandbox, form: Record<string, string>, version = '/v2.0') {
  return fetch(`${sandbox.url}/common/oauth2${version}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: 'test',
      grant_type: 'refresh_token',
      refresh_token: 'sandbox-refresh-token',
      ...form,
    }),
  })
}

async function signIn(sandbox: Sandbox): Promise<Client> {
  const answer = await askToken(sandbox, {})
  const { access_token } = (await answer.json()) as { access_token: string }
  const authorization = `Bearer ${access_token}`
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${sandbox.url}${path}`, { headers: { authorization, ...headers } })
  const list = async (query = '') => {
    const listed = await get(`${listPath}?${query}`)
    expect(listed.status, query).toBe(200)
    return (await listed.json()) as Listing
  }
  const walk = async (query = '') => {
    const pages = [await list(query)]
    for (;;) {
      const link = pages.at(-1)?.['@odata.nextLink']
      if (link === undefined) return pages
      pages.push(await list(new URL(link).search.slice(1)))
    }
  }
  return { sandbox, authorization, get, list, walk }
}

export function odata(options: Record<string, string | number>): string {
  const pairs = Object.entries(options).map(
    ([name, value]) => `$${name}=${encodeURIComponent(String(value))}`,
  )
  return pairs.join('&')
}
