import { sortKey } from '../../src/sandbox/instants.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { bySourceTime } from '../../src/transform/history/spans.ts'
import { isFinal } from './source.ts'

interface Version {
  readonly referral: Referral
  readonly content: string
  readonly sourceOrder: string
  readonly observedAt: string
  readonly landedNo: number
}

/** In-memory model of the warehouse with the same rules of landing and of missing referrals. */
export class ModelWarehouse {
  watermark: string | null = null
  lastFullReadAt: string | null = null
  /** Latest source time seen by the current run. */
  latest: string | null = null
  /** Newest version of each referral seen by the current run, by id. */
  readonly seen = new Map<string, number>()
  rows = 0
  readonly #versions = new Map<string, Version[]>()
  readonly #contents = new WeakMap<Referral, string>()
  readonly #absences = new Map<string, number>()

  begin(): void {
    this.seen.clear()
    this.latest = null
  }

  /** Lands each referral that differs from its last landed version. */
  land(referrals: readonly unknown[], observedAt: string): void {
    for (const each of referrals) {
      const referral = each as Referral
      const id = referral.id ?? ''
      const content = this.#contentOf(referral)
      const sourceOrder = sortKey(referral.updatedDateTime ?? '')
      const versions = this.#versions.get(id) ?? []
      if (versions.at(-1)?.content !== content) {
        versions.push({ referral, content, sourceOrder, observedAt, landedNo: versions.length + 1 })
        this.#versions.set(id, versions)
      }
      this.seen.set(id, Math.max(this.seen.get(id) ?? 0, Number(referral.name)))
      if (this.latest === null || sourceOrder > this.latest) this.latest = sourceOrder
      this.rows += 1
    }
  }

  /** Ids of referrals with an open registration that the run has not seen. */
  open(): string[] {
    return this.#known()
      .filter(({ id, isOpen }) => isOpen && !this.seen.has(id))
      .map(({ id }) => id)
      .sort()
  }

  /** Known referrals by the status of their registration; `changed` are those updated since. */
  counts(since: string) {
    const statuses = new Map<string, { status: string; referrals: number; due: number }>()
    const known = this.#known()
    for (const { status, isOpen, sourceOrder } of known) {
      const counts = statuses.get(status) ?? { status, referrals: 0, due: 0 }
      statuses.set(status, counts)
      counts.referrals += 1
      if (isOpen && sourceOrder < sortKey(since)) counts.due += 1
    }
    const changed = known.filter(({ sourceOrder }) => sourceOrder >= sortKey(since)).length
    return { referrals: known.length, changed, statuses: [...statuses.values()] }
  }

  /** The referrals that are not missing, as far as their newest version says. */
  #known() {
    return [...this.#versions.keys()]
      .filter((id) => !this.#isMissing(id))
      .map((id) => {
        const newest = this.#newest(id)
        const status = String(newest?.referral.registrationStatus)
        const isOpen = status !== 'None' && !isFinal(status)
        return { id, status, isOpen, sourceOrder: newest?.sourceOrder ?? '' }
      })
  }

  /** Clears the absences of each seen referral; a complete full read adds one to all others. */
  sight(isComplete: boolean): void {
    for (const id of this.#versions.keys()) {
      if (this.seen.has(id)) this.#absences.delete(id)
      else if (isComplete) this.#absences.set(id, (this.#absences.get(id) ?? 0) + 1)
    }
  }

  /** Differences from the source, by id. */
  differences(source: ReadonlyMap<string, string>): Map<string, string> {
    const found = new Map<string, string>()
    for (const [id, content] of source) {
      if (!this.#versions.has(id)) found.set(id, 'not in the warehouse')
      else if (this.#isMissing(id)) found.set(id, 'missing, though the source has it')
      else if (this.#newest(id)?.content !== content)
        found.set(id, 'another version than in the source')
    }
    for (const id of this.#versions.keys()) {
      if (!source.has(id) && !this.#isMissing(id)) found.set(id, 'not missing, though it vanished')
    }
    return found
  }

  #newest(id: string): Version | undefined {
    const versions = this.#versions.get(id) ?? []
    return versions.length < 2 ? versions[0] : versions.toSorted(bySourceTime).at(-1)
  }

  #contentOf(referral: Referral): string {
    const known = this.#contents.get(referral)
    if (known !== undefined) return known
    const content = JSON.stringify(referral)
    this.#contents.set(referral, content)
    return content
  }

  /** A referral is missing after two full reads in a row without it. */
  #isMissing(id: string): boolean {
    return (this.#absences.get(id) ?? 0) >= 2
  }
}
