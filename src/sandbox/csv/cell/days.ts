import { dayMs, dayOf } from '../../instants.ts'

// Days of the files, as YYYY-MM-DD in UTC until they are written; '' for a day that is not known.

/** Returns the day of an instant in UTC. */
export function dayOfInstant(instant: string | null | undefined): string {
  const ms = Date.parse(instant ?? '')
  return Number.isNaN(ms) ? '' : isoDay(ms)
}

/**
 * Returns the day that a person picked, which the API stores as midnight in a local calendar:
 * `2026-03-01T18:30:00Z` is 2 March in India. So it is the nearest midnight.
 */
export function pickedDay(instant: string | null | undefined): string {
  const ms = Date.parse(instant ?? '')
  return Number.isNaN(ms) ? '' : isoDay(dayOf(ms + dayMs / 2))
}

/** Whole days from one day to another. */
export function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / dayMs
}

export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
