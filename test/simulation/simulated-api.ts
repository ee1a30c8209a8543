import { apiError } from '../../src/extract/api/api-errors.ts'
import type { FetchedReferral, Page } from '../../src/extract/api/page.ts'
import { searchOf } from '../../src/extract/api/page.ts'
import type { ReferralsApi } from '../../src/extract/api/referrals-api.ts'
import { parseList, readPage } from '../../src/sandbox/api/list.ts'
import { defaultOptions, type SandboxOptions } from '../../src/sandbox/api/options.ts'
import { ErrorReply } from '../../src/sandbox/api/reply.ts'
import type { ServerVariant, WorldOptions } from './options.ts'
import type { MutatingSource } from './source.ts'

/** API over a source that changes before each answer; it has the sandbox's paging without HTTP. */
export function simulatedApi(source: MutatingSource, options: WorldOptions) {
  const { server, pageSize } = options
  const sandbox = sandboxOptions(server)
  const counts = { requests: 0, throttled: 0, throttledMs: 0 }
  const answered = () => ({
    requestId: `simulated-${counts.requests}`,
    fetchedAt: new Date(source.nowMs).toISOString(),
  })
  const begin = () => {
    counts.requests += 1
    source.tick()
  }
  return {
    counts,
    pageSize,
    requestsPerMinute: 300,
    async getPage(query): Promise<Page> {
      begin()
      const search = 'nextLink' in query ? query.nextLink : searchOf(query, pageSize)
      const asked = new URLSearchParams(search)
      if (server.dateFilter === 'ignored') asked.delete('$filter')
      if (server.skip === 'refused' && asked.has('$skip')) throw refused(answered().requestId)
      try {
        const page = readPage(source.store, parseList(asked, sandbox), sandbox)
        return {
          referrals: page.entries.map(source.read),
          nextLink: server.links && page.next !== null ? `?$skiptoken=${page.next}` : null,
          count: page.count,
          ...answered(),
        }
      } catch (error) {
        throw error instanceof ErrorReply ? refused(answered().requestId) : error
      }
    },
    async getReferral(id): Promise<FetchedReferral> {
      begin()
      const entry = source.store.get(id)
      return { id, referral: entry === undefined ? null : source.read(entry), ...answered() }
    },
    getPolicies: () => Promise.reject(new Error('not served here')),
    principal: () => null,
    tenant: () => null,
    signIn: async () => undefined,
    answered: () => ({ api: null, signIn: null }),
    close: async () => undefined,
  } satisfies ReferralsApi & { principal(): string | null }
}

function sandboxOptions(server: ServerVariant): SandboxOptions {
  return {
    ...defaultOptions,
    dateFilter: server.dateFilter !== 'refused',
    dateLiteral: server.dateFilter === 'quoted' ? 'quoted' : 'bare',
    statusFilter:
      server.statusFilter === undefined || server.statusFilter === 'refused'
        ? 'rejected'
        : server.statusFilter,
    skip: server.skip === 'obeyed',
    pageCap: server.pageCap,
    top: server.top,
    count: server.count,
  }
}

function refused(requestId: string): Error {
  const body = { error: { code: 'invalidRequest' } }
  return apiError({ status: 400, body, requestId, fetchedAt: '' }, 'GET list')
}
