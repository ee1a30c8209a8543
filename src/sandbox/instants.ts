import type { Random } from './random.ts'

export const secondMs = 1000
export const minuteMs = 60 * secondMs
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** The first day of the seeded history. */
export const historyStart = Date.UTC(2020, 6, 1)
/** Time of the sandbox's own clock before any change; the wall clock is never read. */
export const baseClock = Date.UTC(2026, 5, 30, 6)

/**
 * Formats an instant as the live API does: UTC, .NET round trip with trailing zeros trimmed, so
 * mostly 7 fraction digits, sometimes 6 or none, rarely seven zeros.
 */
export function wireInstant(random: Random, ms: number): string {
  const iso = new Date(ms).toISOString()
  const seconds = iso.slice(0, 19)
  const style = random.unit()
  if (style < 0.07) return `${seconds}Z`
  if (style < 0.09) return `${seconds}.0000000Z`
  const ticks = iso.slice(20, 23) + String(random.integer(0, 9999)).padStart(4, '0')
  const fraction = ticks.slice(0, style < 0.2 ? 6 : 7).replace(/0+$/, '')
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`
}

/** Pads the wire text to 7 fraction digits, so that comparing text compares time. */
export function sortKey(instant: string): string {
  const [seconds = '', fraction = ''] = instant.slice(0, -1).split('.')
  return `${seconds}.${fraction.padEnd(7, '0')}Z`
}

/** Minutes east of Greenwich in winter, and whether summer adds an hour. */
export interface Zone {
  readonly offsetMinutes: number
  readonly hasSummerTime: boolean
}

export const greenwich: Zone = { offsetMinutes: 0, hasSummerTime: false }

/**
 * Returns a date picked in a local calendar as the API stores it: local midnight in UTC
 * (`T18:30:00Z` of the day before for India). `day` is the UTC midnight of the date meant.
 */
export function calendarDate(day: number, zone: Zone): string {
  const month = new Date(day).getUTCMonth()
  const summer = zone.hasSummerTime && month >= 3 && month <= 9 ? 60 : 0
  const instant = day - (zone.offsetMinutes + summer) * minuteMs
  return `${new Date(instant).toISOString().slice(0, 19)}Z`
}

/** UTC midnight of the day of `ms`. */
export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs
}

/** Moves `day` by whole months, inside the target month (31 January + 1 = 28 February). */
export function addMonths(day: number, months: number): number {
  const date = new Date(day)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return Date.UTC(year, month, Math.min(date.getUTCDate(), lastDay))
}

/** Returns an eTag like the live API's: the last group holds the second of the last write. */
export function entityTag(random: Random, ms: number): string {
  const seconds = Math.floor(ms / secondMs).toString(16)
  return `"${random.hex(8)}-0000-${random.pick(['0100', '0d00', '0800'])}-0000-${seconds}0000"`
}
