import {
  compareText,
  type Entry,
  type Store,
  type TimeProperty,
  timeProperties,
} from '../population/referral-store.ts'
import { type Condition, matches, parseFilter, type TimeCondition } from './filter.ts'
import type { SandboxOptions } from './options.ts'
import { badRequest } from './reply.ts'

/** A parsed list call; `after` and `left` come from a skip token. */
export interface ListQuery {
  readonly filter: string
  readonly conditions: readonly Condition[]
  readonly property: TimeProperty
  readonly descending: boolean
  readonly select: readonly string[]
  readonly pageSize: number
  readonly skip: number
  /** Key and id of the last referral that was served. */
  readonly after: readonly [key: string, id: string] | null
  /** Number of referrals that may still be served; null without a limit. */
  readonly left: number | null
}

export interface Page {
  readonly entries: readonly Entry[]
  /** Number that fulfils the filter, on this page or in all, by the option `count`. */
  readonly count: number
  /** Skip token of the next page; null on the last page. */
  readonly next: string | null
}

const knownOptions = new Set([
  '$filter',
  '$orderby',
  '$select',
  '$top',
  '$skip',
  '$count',
  '$skiptoken',
])

/** Parses the query options. @throws ErrorReply (400) for one that is unknown or not valid. */
export function parseList(given: URLSearchParams, options: SandboxOptions): ListQuery {
  for (const name of given.keys()) {
    if (name.startsWith('$') && !knownOptions.has(name)) {
      throw badRequest(name, `The query option '${name}' is not supported.`)
    }
  }
  const token = given.get('$skiptoken')
  const start = token === null ? null : decodeToken(token)
  const text = (name: '$filter' | '$orderby' | '$select') => {
    const repeated = given.get(name)
    const original = start?.[name]
    // The token holds the query it came from; a contradiction is an error.
    if (original !== undefined && repeated !== null && repeated !== original) {
      throw badRequest(name, `'${name}' does not agree with the skip token.`)
    }
    return original ?? repeated ?? ''
  }
  const filter = text('$filter')
  const top = wholeNumber(given, '$top') ?? start?.top ?? null
  if (top === 0) throw badRequest('$top', 'The value of $top has to be positive.')
  const skip = wholeNumber(given, '$skip') ?? 0
  return {
    filter,
    conditions: filter === '' ? [] : parseFilter(filter, options),
    ...parseOrder(text('$orderby')),
    select: parseSelect(text('$select')),
    pageSize: Math.min(top ?? options.pageCap, options.pageCap),
    skip: options.skip && start === null ? skip : 0,
    after: start?.after ?? null,
    left: options.top === 'total' ? (start?.left ?? top) : null,
  }
}

/** Reads the next page of the query from the present referrals: paging is not a snapshot. */
export function readPage(
  store: Pick<Store, 'inOrder'>,
  query: ListQuery,
  options: SandboxOptions,
): Page {
  const ordered = store.inOrder(query.property)
  let [from, to] = timeRange(ordered, query)
  if (query.after !== null) {
    if (query.descending) to = Math.min(to, position(ordered, query.property, query.after, false))
    else from = Math.max(from, position(ordered, query.property, query.after, true))
  }
  const size = Math.min(query.pageSize, query.left ?? query.pageSize)
  const entries: Entry[] = []
  let isMore = false
  let toSkip = query.skip
  for (let step = 0; step < to - from; step++) {
    const entry = ordered[query.descending ? to - 1 - step : from + step]
    if (entry === undefined || !matches(entry, query.conditions)) continue
    if (toSkip-- > 0) continue
    if (entries.length === size) {
      isMore = true
      break
    }
    entries.push(entry)
  }
  const left = query.left === null ? null : query.left - entries.length
  const count =
    options.count === 'page'
      ? entries.length
      : ordered.filter((entry) => matches(entry, query.conditions)).length
  const last = entries.at(-1)
  const next = isMore && left !== 0 && last ? encodeToken(query, last, left) : null
  return { entries, count, next }
}

/** Finds the range of the order that the filter's instants leave, by bisection. */
function timeRange(ordered: readonly Entry[], query: ListQuery): [number, number] {
  let from = 0
  let to = ordered.length
  for (const condition of query.conditions) {
    if (condition.kind !== 'time' || condition.property !== query.property) continue
    const [least, beyond] = conditionRange(ordered, condition)
    from = Math.max(from, least)
    to = Math.min(to, beyond)
  }
  return [from, to]
}

function conditionRange(ordered: readonly Entry[], condition: TimeCondition): [number, number] {
  const { property, value, operator } = condition
  const first = firstIndex(ordered, (entry) => entry[property] >= value)
  const beyond = firstIndex(ordered, (entry) => entry[property] > value)
  if (operator === 'ge') return [first, ordered.length]
  if (operator === 'gt') return [beyond, ordered.length]
  if (operator === 'le') return [0, beyond]
  if (operator === 'lt') return [0, first]
  return [first, beyond]
}

/** Index of the first entry at (or, when `beyond`, after) a key and id. */
function position(
  ordered: readonly Entry[],
  property: TimeProperty,
  [key, id]: readonly [string, string],
  beyond: boolean,
): number {
  return firstIndex(ordered, (entry) => {
    const order = compareText(entry[property], key) || compareText(entry.id, id)
    return beyond ? order > 0 : order >= 0
  })
}

function firstIndex(ordered: readonly Entry[], holds: (entry: Entry) => boolean): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = ordered[middle]
    if (entry !== undefined && holds(entry)) high = middle
    else low = middle + 1
  }
  return low
}

function wholeNumber(given: URLSearchParams, name: string): number | null {
  const text = given.get(name)
  if (text === null) return null
  if (!/^\d{1,9}$/.test(text)) throw badRequest(name, `'${text}' is not a value for ${name}.`)
  return Number(text)
}

function parseOrder(text: string): Pick<ListQuery, 'property' | 'descending'> {
  if (text === '') return { property: 'createdDateTime', descending: true }
  const [property = '', direction = 'asc', ...more] = text.trim().split(/\s+/)
  const isKnown = (timeProperties as readonly string[]).includes(property)
  if (!isKnown || !/^(asc|desc)$/.test(direction) || more.length > 0) {
    throw badRequest('$orderby', `Ordering by '${text}' is not supported.`)
  }
  return { property: property as TimeProperty, descending: direction === 'desc' }
}

function parseSelect(text: string): string[] {
  if (text === '') return []
  const names = text.split(',').map((name) => name.trim())
  for (const name of names) {
    if (!/^[a-z]\w*$/i.test(name)) throw badRequest('$select', `Cannot select '${name}'.`)
  }
  return names
}

interface TokenContent {
  readonly $filter: string
  readonly $orderby: string
  readonly $select: string
  readonly top: number
  readonly after: readonly [string, string]
  readonly left: number | null
}

/** Encodes a keyset position with its query; opaque to clients. */
function encodeToken(query: ListQuery, last: Entry, left: number | null): string {
  const content: TokenContent = {
    $filter: query.filter,
    $orderby: `${query.property} ${query.descending ? 'desc' : 'asc'}`,
    $select: query.select.join(','),
    top: query.pageSize,
    after: [last[query.property], last.id],
    left,
  }
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}

function decodeToken(token: string): TokenContent {
  try {
    const content = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(content?.after)) return content
  } catch {
    // Any text that is not one of our tokens is rejected below.
  }
  throw badRequest('$skiptoken', 'The skip token is not valid.')
}
