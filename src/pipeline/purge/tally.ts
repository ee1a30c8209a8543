import { withoutZeros } from '../../load/erase/erase-rows.ts'

/** What goes, or has gone. */
export interface PurgeCounts {
  /** Referrals that lose contacts or notes. */
  readonly referrals: number
  /** Deleted and changed rows, by table; tables without any are left out. */
  readonly rows: Readonly<Record<string, number>>
  /** Superseded versions that are old enough and stay, since the star would be another one without them. */
  readonly versions_kept: number
}

/** Adds up what a purge finds or deletes. */
export class Tally {
  referrals = 0
  versionsKept = 0
  /** Size of the JSON of deleted versions, as it was stored. */
  bytes = 0
  readonly #rows: Record<string, number> = {}

  add(rows: Readonly<Record<string, number>>) {
    for (const [table, count] of Object.entries(rows)) {
      this.#rows[table] = (this.#rows[table] ?? 0) + count
    }
  }

  get counts(): PurgeCounts {
    const { referrals, versionsKept: versions_kept } = this
    return { referrals, rows: withoutZeros(this.#rows), versions_kept }
  }

  get sum(): number {
    return Object.values(this.#rows).reduce((sum, count) => sum + count, 0)
  }
}
