import { CosellError } from '../errors.ts'
import { type DateOrder, readDate } from './cell/dates.ts'
import { cleanCell } from './cell/spreadsheet.ts'
import type { Layout } from './layout/column.ts'
import type { BoundColumn } from './layout/recognise.ts'

/** Length of a day in a cell that has a time of day behind it. */
const dayLength = 10

/**
 * Search for the latest day that Partner Center itself wrote into a file, which was downloaded on
 * that day or later. Days that a person types, as those of a contract, may lie ahead and say nothing.
 */
export class LatestDaySearch {
  private readonly places: readonly number[]
  private readonly latest: Record<DateOrder, string> = { mdy: '', dmy: '' }
  /** Cell of each place that was looked at last: rows of a file often repeat a day. */
  private readonly last: string[]

  constructor({ sourceDays }: Layout, columns: readonly BoundColumn[]) {
    this.places = columns.filter(({ name }) => sourceDays.includes(name)).map(({ index }) => index)
    this.last = this.places.map(() => '')
  }

  take(record: readonly string[]): void {
    for (let at = 0; at < this.places.length; at++) {
      const raw = record[this.places[at] as number]
      if (raw === undefined || raw === '' || raw === this.last[at]) continue
      this.last[at] = raw
      const cell = cleanCell(raw)
      this.note('mdy', cell)
      this.note('dmy', cell)
    }
  }

  /** Returns the day as YYYY-MM-DD, with cells read in this order; null when no cell has one. */
  decide(order: DateOrder): string | null {
    return this.latest[order] === '' ? null : this.latest[order]
  }

  private note(order: DateOrder, cell: string): void {
    const day = readDate(cell, order)?.slice(0, dayLength)
    if (day !== undefined && day > this.latest[order]) this.latest[order] = day
  }
}

/**
 * Returns the day of a file: the one that a person gives, else its latest day.
 *
 * @throws CosellError `import.as_of` for a day before the latest one of the file.
 */
export function dayOfFile(
  { name, latestDay }: { readonly name: string; readonly latestDay: string | null },
  given: string | undefined,
): string | null {
  if (given === undefined || latestDay === null || given >= latestDay) return given ?? latestDay
  const text =
    `${name}: expected a file that was downloaded on ${given} or before, as --as-of says, got ` +
    `days up to ${latestDay}. Nothing was loaded; give the day of the download, then run again.`
  throw new CosellError('import.as_of', text)
}
