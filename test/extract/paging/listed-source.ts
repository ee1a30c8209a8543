import { CosellError } from '../../../src/errors.ts'
import type { Capabilities } from '../../../src/extract/api/capabilities.ts'
import type { Page, PageQuery } from '../../../src/extract/api/page.ts'
import type { ReferralsApi } from '../../../src/extract/api/referrals-api.ts'

export interface Row {
  id: string
  createdDateTime: string
  updatedDateTime: string
  registrationStatus?: string
}

/** Paging behaviour of a server; by default it supports everything. */
export interface Habits {
  pageSize: number
  /** Most rows on a page. */
  pageCap: number
  links: 'given' | 'none' | 'lost' | 'same' | 'two in turn' | 'ever new'
  top: 'page' | 'total'
  skip: 'obeyed' | 'ignored' | 'refused'
  /** `nothing`: the filter is accepted and matches no row. */
  filter: 'bare' | 'quoted' | 'refused' | 'ignored' | 'nothing'
  /** What becomes of a filter on the status of the registration. */
  statusFilter: 'obeyed' | 'refused' | 'ignored' | 'nothing'
  order: 'obeyed' | 'ignored'
  /** Largest accepted offset. */
  skipMax: number
  count: 'page' | 'total' | 'wrong' | 'none'
  /** Selects the requests that get an empty page. */
  isEmpty: (request: number) => boolean
  /** Selects the requests that get a third of a page. */
  isShort: (request: number) => boolean
}

const defaults: Habits = {
  pageSize: 100,
  pageCap: 100,
  links: 'given',
  top: 'page',
  skip: 'obeyed',
  filter: 'bare',
  statusFilter: 'obeyed',
  order: 'obeyed',
  skipMax: Number.POSITIVE_INFINITY,
  count: 'page',
  isEmpty: () => false,
  isShort: () => false,
}

/** Capabilities that `probe` would find on the same server without its faults. */
export function capabilitiesOf(habits: Partial<Habits>): Capabilities {
  const { filter, statusFilter, links, skip, count } = { ...defaults, ...habits }
  const literal = filter === 'bare' || filter === 'quoted' ? filter : null
  return {
    createdFilter: literal,
    updatedFilter: literal,
    statusFilter: statusFilter === 'obeyed',
    nextLink: links === 'given',
    skip: skip === 'obeyed',
    pageCap: null,
    count: count === 'page' || count === 'total' ? count : 'unknown',
  }
}

/** Serves a list in process with the given habits; `onRequest` may change its rows. */
export function listedSource(rows: Row[], given: Partial<Habits> = {}) {
  const habits = { ...defaults, ...given }
  const asked: string[] = []
  const source = {
    rows,
    asked,
    /** Number of pages that were cut short or emptied. */
    cut: 0,
    nowMs: Date.UTC(2026, 0, 15, 12),
    onRequest: (_request: number): void => undefined,
  }
  const getPage = async (query: PageQuery | { nextLink: string }): Promise<Page> => {
    asked.push(JSON.stringify(query))
    if (asked.length > 5_000) throw new Error('Paging does not end.')
    source.nowMs += 100
    source.onRequest(asked.length)
    const place =
      'nextLink' in query ? placeOf(query.nextLink) : { query, left: Infinity, after: 0 }
    return answer(source, habits, place.query, place)
  }
  const api: ReferralsApi = {
    requestsPerMinute: 300,
    pageSize: habits.pageSize,
    counts: { requests: 0, throttled: 0, throttledMs: 0 },
    getPage,
    getReferral: () => Promise.reject(new Error('not served here')),
    getPolicies: () => Promise.reject(new Error('not served here')),
    principal: () => null,
    tenant: () => null,
    signIn: async () => undefined,
    answered: () => ({ api: null, signIn: null }),
    close: async () => undefined,
  }
  return { api, source, capabilities: capabilitiesOf(given) }
}

interface Place {
  readonly query: PageQuery
  readonly after: number
  readonly left: number
}

/** Reads the offset in a link: the worst kind of link, since vanished rows shift its meaning. */
function placeOf(link: string): Place {
  if (link.endsWith('=stale')) throw refused()
  const place = JSON.parse(decodeURIComponent(link.split('=')[1] ?? ''))
  return { ...place, left: place.left ?? Infinity }
}

function answer(
  source: { rows: Row[]; asked: string[]; cut: number; nowMs: number },
  habits: Habits,
  query: PageQuery,
  { after, left }: Place,
): Page {
  const request = source.asked.length
  const { skip = 0, top = habits.pageSize } = query
  if (skip > 0 && (habits.skip === 'refused' || skip > habits.skipMax)) throw refused()
  const all = sorted(filtered(source.rows, query, habits), query, habits)
  const start = after > 0 ? after : habits.skip === 'ignored' ? 0 : skip
  const most = Math.min(top, habits.pageCap, habits.top === 'total' ? Math.min(top, left) : top)
  const size = habits.isEmpty(request) ? 0 : habits.isShort(request) ? Math.ceil(most / 3) : most
  const value = all.slice(start, start + size)
  if (size < most && start + size < all.length) source.cut += 1
  const rest = habits.top === 'total' ? Math.min(top, left) - value.length : Infinity
  const isMore = start + value.length < all.length && rest > 0
  const next = { query, after: start + value.length, left: rest === Infinity ? null : rest }
  return {
    referrals: value.map((row) => ({ ...row })),
    nextLink: isMore ? linkOf(habits, next, request) : null,
    count: countOf(habits, value.length, all.length),
    requestId: `r${request}`,
    fetchedAt: new Date(source.nowMs).toISOString(),
  }
}

function linkOf(habits: Habits, next: object, request: number): string | null {
  const encoded = (place: object) => `?$skiptoken=${encodeURIComponent(JSON.stringify(place))}`
  if (habits.links === 'none') return null
  if (habits.links === 'lost' && request > 3) return null
  if (habits.links === 'same') return encoded({ ...next, after: 0 })
  if (habits.links === 'two in turn') return encoded({ ...next, after: 0, turn: request % 2 })
  if (habits.links === 'ever new') return encoded({ ...next, after: 0, turn: request })
  return encoded(next)
}

function countOf(habits: Habits, page: number, total: number): number | null {
  if (habits.count === 'none') return null
  if (habits.count === 'wrong') return total + 7
  return habits.count === 'page' ? page : total
}

function filtered(rows: readonly Row[], query: PageQuery, habits: Habits): Row[] {
  const [, status] = /^registrationStatus eq '(.*)'$/.exec(query.filter ?? '') ?? []
  if (status !== undefined) return ofStatus(rows, status, habits)
  if (query.filter === undefined || habits.filter === 'ignored') return [...rows]
  const [, property, quote, from = ''] = /^(\w+) ge ('?)(.*?)'?$/.exec(query.filter) ?? []
  if (habits.filter === 'nothing') return []
  if (habits.filter === 'refused' || (habits.filter === 'quoted') !== (quote === "'"))
    throw refused()
  return rows.filter((row) => row[property as 'createdDateTime'] >= from.slice(0, 19))
}

function ofStatus(rows: readonly Row[], status: string, { statusFilter }: Habits): Row[] {
  if (statusFilter === 'refused') throw refused()
  if (statusFilter === 'nothing') return []
  return rows.filter((row) => statusFilter === 'ignored' || row.registrationStatus === status)
}

function sorted(rows: Row[], { orderBy }: PageQuery, { order }: Habits): Row[] {
  if (order === 'ignored') return rows
  const [property, direction] = orderBy.split(' ') as ['createdDateTime', string]
  const sign = direction === 'asc' ? 1 : -1
  const key = (row: Row) => `${row[property]} ${row.id}`
  return rows.sort((one, other) => (key(one) < key(other) ? -sign : sign))
}

function refused(): CosellError {
  return new CosellError('api.status_400', 'GET list: expected 200, got 400.')
}

/** Rows created one second apart, each updated a day later; every tenth has a registration. */
export function rowsOf(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, index) => aRow(from + index))
}

export function aRow(number: number, createdMs = Date.UTC(2025, 0, 1) + number * 1000): Row {
  const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')
  return {
    id: `r${String(number).padStart(6, '0')}`,
    createdDateTime: iso(createdMs),
    updatedDateTime: iso(createdMs + 86_400_000),
    registrationStatus: number % 10 > 0 ? 'None' : number % 20 > 0 ? 'Approved' : 'ReviewPending',
  }
}
