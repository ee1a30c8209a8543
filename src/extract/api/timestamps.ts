import type { DateLiteral } from './capabilities.ts'
import type { Page } from './page.ts'

export type TimeProperty = 'createdDateTime' | 'updatedDateTime'

/**
 * Returns the second of an instant as text that sorts by time; `null` when the text is not an instant
 * in UTC. A time without zone counts as UTC. The API cuts trailing zeros of fractions, and a store that
 * sorts them as text puts `.45Z` after `.4579Z`; so nothing finer than a second is compared.
 */
export function toSecond(text: string): string | null {
  const found = pattern.exec(text)
  if (found === null) return null
  const [, second = '', day = ''] = found
  if (day >= '01' && day <= '28') return second
  // Date reads 30 February as a day in March; such a row would look out of order.
  const ms = Date.parse(`${second}Z`)
  return !Number.isNaN(ms) && isoSecond(ms) === second ? second : null
}

const pattern =
  /^(\d{4}-(?:0[1-9]|1[0-2])-([0-3]\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d+)?(?:Z|\+00:00)?$/

/** Returns the second `minutes` before an instant. */
export function minutesBefore(instant: string, minutes: number): string {
  return isoSecond(Date.parse(instant) - minutes * 60_000)
}

/** Returns the seconds of a page's rows in their order, without rows that have no readable one. */
export function secondsOf(page: Page, property: TimeProperty): string[] {
  return page.referrals
    .map((referral) => toSecond(textOf(referral, property)))
    .filter((second) => second !== null)
}

/** Returns the OData expression for every row from a second on. */
export function filterSince(property: TimeProperty, second: string, literal: DateLiteral): string {
  return `${property} ge ${literal === 'bare' ? `${second}Z` : `'${second}Z'`}`
}

export function textOf(
  referral: unknown,
  property: 'id' | 'registrationStatus' | TimeProperty,
): string {
  return String((referral as Record<string, unknown> | null)?.[property] ?? '')
}

function isoSecond(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19)
}
