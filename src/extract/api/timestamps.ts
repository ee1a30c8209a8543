import type { DateLiteral } from './capabilities.ts'
import type { Page } from './page.ts'

export type TimeProperty = 'createdDateTime' | 'updatedDateTime'

/**
 * The second of an instant, as text that sorts by time; `null` for what is none in UTC. Fractions come
 * with trailing zeros cut, and a store that sorts them as text puts `.45Z` after `.4579Z`.
 */
export function secondOf(text: string): string | null {
  const found = pattern.exec(text)
  if (found === null) return null
  const [, second = '', day = ''] = found
  if (day >= '01' && day <= '28') return second
  // Date makes 1 March of 30 February; a row that says so would look like one out of order.
  const ms = Date.parse(`${second}Z`)
  return !Number.isNaN(ms) && isoSecond(ms) === second ? second : null
}

const pattern =
  /^(\d{4}-(?:0[1-9]|1[0-2])-([0-3]\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d+)?(?:Z|\+00:00)$/

/** The second that lies `minutes` before an instant. */
export function minutesBefore(instant: string, minutes: number): string {
  return isoSecond(Date.parse(instant) - minutes * 60_000)
}

/** The seconds of a page's rows, in its order; rows without a readable one are left out. */
export function secondsOf(page: Page, property: TimeProperty): string[] {
  return page.referrals
    .map((referral) => secondOf(textOf(referral, property)))
    .filter((second) => second !== null)
}

/** The OData expression for everything from a second on. */
export function since(property: TimeProperty, second: string, literal: DateLiteral): string {
  return `${property} ge ${literal === 'bare' ? `${second}Z` : `'${second}Z'`}`
}

export function textOf(referral: unknown, property: 'id' | TimeProperty): string {
  return String((referral as Record<string, unknown> | null)?.[property] ?? '')
}

function isoSecond(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19)
}
