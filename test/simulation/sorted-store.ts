import {
  compareText,
  type Entry,
  Store,
  type TimeProperty,
  timeProperties,
} from '../../src/sandbox/population/referral-store.ts'
import type { Referral } from '../../src/sandbox/referral.ts'

/** The sandbox's store with incremental sorting: full sorts took 40 % of a campaign. */
export class SortedStore extends Store {
  readonly #sorted = new Map<TimeProperty, Entry[]>(timeProperties.map((name) => [name, []]))

  override put(referral: Referral): void {
    this.remove(referral.id ?? '')
    super.put(referral)
    const entry = this.get(referral.id ?? '')
    if (entry === undefined) return
    for (const [property, entries] of this.#sorted)
      entries.splice(place(entries, property, entry), 0, entry)
  }

  override remove(id: string): void {
    const entry = this.get(id)
    if (entry === undefined) return
    for (const [property, entries] of this.#sorted)
      entries.splice(place(entries, property, entry), 1)
    super.remove(id)
  }

  override inOrder(property: TimeProperty): readonly Entry[] {
    return this.#sorted.get(property) ?? []
  }
}

/** Index of the first entry that does not sort before the given one. */
function place(entries: readonly Entry[], property: TimeProperty, entry: Entry): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = entries[middle]
    const isBefore =
      other !== undefined &&
      (compareText(other[property], entry[property]) || compareText(other.id, entry.id)) < 0
    if (isBefore) low = middle + 1
    else high = middle
  }
  return low
}
