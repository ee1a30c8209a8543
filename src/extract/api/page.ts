import { nextLinkQuery } from '../http/origin.ts'
import type { Answer } from '../http/send.ts'
import { errorCodes } from './api-errors.ts'

export interface PageQuery {
  orderBy: `${'createdDateTime' | 'updatedDateTime'} ${'asc' | 'desc'}`
  /** An OData expression, not yet encoded. */
  filter?: string
  skip?: number
  /** Rows to ask for instead of the page size. */
  top?: number
}

export interface NextLink {
  /** `Page.nextLink`, or a link as the API writes it. */
  nextLink: string
}

export interface Page {
  referrals: unknown[]
  /** Checked, and reduced to its query. */
  nextLink: string | null
  /** `@odata.count`: the length of the whole list or of the page, as `Capabilities.count` says. */
  count: number | null
  requestId: string
  /** ISO, UTC, by the server's clock. */
  fetchedAt: string
}

export interface FetchedReferral {
  id: string
  /** `null` when the API does not have the referral, or does not show it to this user. */
  referral: unknown | null
  requestId: string
  fetchedAt: string
}

/** Returns the query of a list request, with blanks encoded and `$` as it is. */
export function searchOf(query: PageQuery, pageSize: number): string {
  const filter = query.filter ? `$filter=${encodeURIComponent(query.filter)}&` : ''
  const orderBy = `$orderby=${encodeURIComponent(query.orderBy)}`
  const skip = query.skip ? `&$skip=${query.skip}` : ''
  return `?${filter}${orderBy}&$top=${query.top ?? pageSize}${skip}`
}

/**
 * Returns the page of an answer that `problemWithPage` accepts.
 *
 * @throws CosellError `sourceBroken` when the next link leads to another server
 */
export function toPage(answer: Answer, list: URL): Page {
  const envelope = answer.body as { value: unknown[] }
  const link = annotation(envelope, 'nextLink') ?? ''
  return {
    referrals: envelope.value,
    nextLink: link === '' ? null : nextLinkQuery(String(link), list),
    count: countOf(annotation(envelope, 'count')),
    requestId: answer.requestId,
    fetchedAt: answer.fetchedAt,
  }
}

/**
 * Returns an annotation of OData: `@odata.nextLink`, as 4.01 shortens it `@nextLink`, as 3.0 writes it
 * `odata.nextLink`, in any letter case; `undefined` when there is none, or a null.
 */
function annotation(envelope: object, name: string): unknown {
  const spellings = new Set([`@odata.${name}`, `@${name}`, `odata.${name}`].map(lowerCase))
  const [, value] =
    Object.entries(envelope).find(
      ([key, found]) => spellings.has(lowerCase(key)) && found !== null,
    ) ?? []
  return value
}

function lowerCase(text: string): string {
  return text.toLowerCase()
}

/** Reads a count, which clients with long numbers as text get as a string. */
function countOf(count: unknown): number | null {
  if (typeof count === 'number') return count
  return typeof count === 'string' && /^\d{1,15}$/.test(count) ? Number(count) : null
}

/** Says why a list answer is not a page; `null` when it is one. */
export function problemWithPage(body: unknown): string | null {
  const envelope = asRecord(body)
  if (envelope === null) return 'JSON that is not an object'
  if ('error' in envelope) return `an error body with status 200${codesOf(body)}`
  return Array.isArray(envelope.value) ? null : 'an object without a list called value'
}

/** Says why an answer is not the referral asked for; `null` when it is. */
export function problemWithReferral(body: unknown, id: string): string | null {
  const referral = asRecord(body)
  if (referral === null) return 'JSON that is not an object'
  if ('error' in referral) return `an error body with status 200${codesOf(body)}`
  return String(referral.id ?? '').toLowerCase() === id.toLowerCase() ? null : 'another referral'
}

function codesOf(body: unknown): string {
  const codes = errorCodes(body)
  return codes.length === 0 ? '' : ` (${codes.join(' > ')})`
}

function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
