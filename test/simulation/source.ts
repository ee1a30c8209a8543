import { dayMs, hourMs, sortKey, wireInstant } from '../../src/sandbox/instants.ts'
import { type Entry, readEntry } from '../../src/sandbox/population/referral-store.ts'
import { Random } from '../../src/sandbox/random.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import type { Rate, WorldOptions } from './options.ts'
import { SortedStore } from './sorted-store.ts'

/** Overlap before the watermark that every run reads again; only a full read finds later rows. */
export const overlapHours = 72
/** Largest delay with which the next night still finds a row; one hour allows for clock skew. */
const lateMsMax = (overlapHours - 1) * hourMs

/** Number of changes per request; `hide` makes a row invisible. */
const rates: Record<Rate, Readonly<Record<'insert' | 'update' | 'hide', number>>> = {
  quiet: { insert: 0.1, update: 0.5, hide: 0.05 },
  busy: { insert: 0.4, update: 2, hide: 0.2 },
  storm: { insert: 2, update: 10, hide: 1 },
}

const registrationStates = ['Submitted', 'InReview', 'Approved', 'Rejected']
const farFuture = '2098-12-31T23:59:59.9999999Z'

/** Source that changes with every request; the same options give the same changes. */
export class MutatingSource {
  readonly store = new SortedStore()
  nowMs = Date.UTC(2026, 4, 1, 3)
  /** While true, nothing changes. */
  isResting = false
  /** Time of appearance of each row whose stamp is too old for an incremental read, by id. */
  readonly onlyByFullRead = new Map<string, number>()
  /** Number of changes by kind. */
  readonly happened: Record<string, number> = {}
  readonly #random: Random
  readonly #options: WorldOptions
  readonly #read = new WeakMap<Entry, Referral>()
  readonly #pending: { atMs: number; happen: () => void }[] = []
  #marked = { atMs: 0, hidden: new Set<string>(), moved: new Set<string>() }
  #ids = 0
  #versions = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = new Random(options.seed, 12)
    this.#populate()
  }

  /** Referral of an entry, parsed once: parsing on each page took a third of a campaign. */
  readonly read = (entry: Entry): Referral => {
    const known = this.#read.get(entry)
    if (known !== undefined) return known
    const referral = readEntry(entry)
    this.#read.set(entry, referral)
    return referral
  }

  /** Content of every visible referral by id. */
  contents(): Map<string, string> {
    return new Map(Array.from(this.store.entries(), (entry) => [entry.id, entry.json.toString()]))
  }

  /** Marks the start of a read; from now on, changes that excuse a miss are recorded. */
  mark(): void {
    this.#marked = { atMs: this.nowMs, hidden: new Set(), moved: new Set() }
  }

  /** Returns whether the referral was hidden at any time during the read. */
  wasHidden(id: string): boolean {
    return this.#marked.hidden.has(id)
  }

  /**
   * Returns whether the referral appeared with an update time before the start of the read. The
   * read may already have passed that place.
   */
  wasMovedBack(id: string): boolean {
    return this.#marked.moved.has(id)
  }

  /** Advances from one request to the next, with the changes between them. */
  tick(): void {
    this.nowMs += this.#random.integer(50, 1500)
    if (this.isResting) return
    this.#settle()
    const rate = rates[this.#options.rate]
    for (const kind of ['insert', 'update', 'hide'] as const) {
      for (let left = this.#draw(rate[kind]); left > 0; left -= 1) this.#change(kind)
    }
    if (this.#random.chance(rate.update / 20)) this.#change('silent')
  }

  /** Advances from one night to the next, with the changes between them. */
  pass(hours: number): void {
    const changes = this.#random.integer(5, 30)
    const stepMs = (hours * hourMs) / (changes + 1)
    for (let step = 0; step < changes; step += 1) {
      this.nowMs += stepMs
      if (this.isResting) continue
      this.#settle()
      this.#change(
        this.#random.weighted<Change>([
          ['insert', 25],
          ['update', 50],
          ['hide', 5],
          ['silent', 15],
          ['bulk', 3],
          ['future', 2],
        ]),
      )
    }
    this.nowMs += stepMs
  }

  /** Makes all pending changes visible, then stops changing. */
  rest(): void {
    for (const { atMs } of [...this.#pending]) this.nowMs = Math.max(this.nowMs, atMs)
    this.#settle()
    this.isResting = true
  }

  #draw(rate: number): number {
    return rate < 1 ? Number(this.#random.chance(rate)) : this.#random.integer(0, 2 * rate)
  }

  #settle(): void {
    for (let index = 0; index < this.#pending.length; ) {
      const pending = this.#pending[index]
      if (pending === undefined || pending.atMs > this.nowMs) index += 1
      else {
        this.#pending.splice(index, 1)
        pending.happen()
      }
    }
  }

  #later(kind: string, ms: number, happen: () => void): void {
    this.#pending.push({
      atMs: this.nowMs + ms,
      happen: () => {
        this.#count(kind)
        happen()
      },
    })
  }

  #count(kind: string): void {
    this.happened[kind] = (this.happened[kind] ?? 0) + 1
  }

  #change(kind: Change): void {
    this.#count(kind)
    if (kind === 'insert') this.#insert()
    else if (kind === 'bulk') this.#bulk()
    else {
      const row = this.#pickVisible()
      if (row === null) return
      if (kind === 'update') this.#update(row)
      else if (kind === 'hide') this.#hide(row)
      else if (kind === 'silent') this.#changeSilently(row)
      // No later update may move this stamp back; corrected stamps have a test of their own.
      else this.store.put({ ...this.#changed(row), updatedDateTime: farFuture })
    }
  }

  #pickVisible(): Referral | null {
    const entries = this.store.inOrder('createdDateTime')
    const entry = entries[this.#random.integer(0, entries.length - 1)]
    return entry === undefined ? null : this.read(entry)
  }

  #insert(): void {
    const row = this.#newRow(this.#stamp(this.nowMs))
    const delayMs = this.#delay(0.15)
    if (delayMs === 0) this.store.put(row)
    else this.#later('late insert', delayMs, () => this.#appear(row))
  }

  /** Writes several rows with the same stamp, as one job does; at times more than a page. */
  #bulk(): void {
    const stamp = this.#stamp(this.nowMs)
    const count = this.#random.integer(2, 2 * this.#options.pageSize)
    for (let index = 0; index < count; index += 1) {
      const row = this.#random.chance(0.5) ? this.#pickVisible() : null
      if (row === null) this.store.put(this.#newRow(stamp))
      else if (sortKey(row.updatedDateTime ?? '') < sortKey(stamp))
        this.store.put({ ...this.#changed(row), updatedDateTime: stamp })
    }
  }

  #update(row: Referral): void {
    if (row.updatedDateTime === farFuture) return
    const delayMs = this.#delay(0.08)
    const next = this.#stamped(row, this.nowMs)
    if (delayMs === 0) {
      this.onlyByFullRead.delete(next.id ?? '')
      this.store.put(next)
      return
    }
    this.#later('late update', delayMs, () => {
      const entry = this.store.get(next.id ?? '')
      const isOvertaken =
        entry === undefined || entry.updatedDateTime > sortKey(next.updatedDateTime ?? '')
      if (!isOvertaken) this.#appear(this.#changed(next))
    })
  }

  #changeSilently(row: Referral): void {
    const status = row.registrationStatus
    if (status === 'None' || isFinal(status)) return
    const next = registrationStates[registrationStates.indexOf(String(status)) + 1]
    const decided = status === 'InReview' ? this.#random.pick(['Approved', 'Rejected']) : next
    this.store.put({ ...this.#changed(row), registrationStatus: decided ?? 'Rejected' })
  }

  #hide(row: Referral): void {
    const id = row.id ?? ''
    this.#marked.hidden.add(id)
    this.store.remove(id)
    if (this.#random.chance(0.4)) return
    const awayMs = this.#random.chance(0.3) ? 2000 : this.#random.integer(1, 200) * hourMs
    this.#later('return', awayMs, () => {
      const isEdited = row.updatedDateTime !== farFuture && this.#random.chance(0.3)
      const editedMs = this.nowMs - this.#random.between(0, awayMs)
      this.#appear(isEdited ? this.#stamped(row, editedMs) : row)
    })
  }

  /** Makes a row visible with its old stamp. */
  #appear(row: Referral): void {
    this.store.put(row)
    const id = row.id ?? ''
    const updatedMs = Date.parse(row.updatedDateTime ?? '')
    if (updatedMs < this.#marked.atMs) this.#marked.moved.add(id)
    const isTooOld = updatedMs < this.nowMs - lateMsMax
    if (isTooOld) this.onlyByFullRead.set(id, this.nowMs)
    else this.onlyByFullRead.delete(id)
  }

  /** Draws a delay: mostly none, else within the overlap or, more rarely, far beyond it. */
  #delay(chance: number): number {
    if (!this.#random.chance(chance)) return 0
    if (this.#random.chance(0.4)) return this.#random.integer(100, 5000)
    return this.#random.chance(0.7)
      ? this.#random.between(0.01, overlapHours - 1) * hourMs
      : this.#random.between(4, 9) * dayMs
  }

  #stamp(ms: number): string {
    return wireInstant(this.#random, Math.floor(ms))
  }

  /** Changes a row at `ms`. A stamp with fewer digits never falls behind the previous stamp. */
  #stamped(row: Referral, ms: number): Referral {
    const stamp = this.#stamp(ms)
    const before = sortKey(row.updatedDateTime ?? '')
    const isLater = sortKey(stamp) > before
    return { ...this.#changed(row), updatedDateTime: isLater ? stamp : oneTickAfter(before) }
  }

  #newRow(stamp: string): Referral {
    const number = ++this.#ids
    return {
      id: `r${this.#random.hex(6)}-${number}`,
      createdDateTime: stamp,
      updatedDateTime: stamp,
      name: String(++this.#versions),
      registrationStatus: this.#random.chance(0.7) ? 'None' : this.#random.pick(registrationStates),
    }
  }

  #changed(row: Referral): Referral {
    return { ...row, name: String(++this.#versions) }
  }

  #populate(): void {
    let shared: string | null = null
    let sharedLeft = 0
    for (let index = 0; index < this.#options.rows; index += 1) {
      if (sharedLeft === 0 && this.#random.chance(0.04)) {
        shared = this.#stamp(this.nowMs - this.#random.between(0, 300) * dayMs)
        sharedLeft = this.#random.integer(2, 2 * this.#options.pageSize)
      }
      const ms = this.nowMs - this.#random.between(0, 300, 2) * dayMs
      const row = this.#newRow(sharedLeft > 0 && shared !== null ? shared : this.#stamp(ms))
      if (sharedLeft > 0) sharedLeft -= 1
      const updatedMs = this.#random.between(Date.parse(row.createdDateTime ?? ''), this.nowMs)
      const isTouched = this.#random.chance(0.6)
      this.store.put(isTouched ? { ...row, updatedDateTime: this.#stamp(updatedMs) } : row)
    }
  }
}

type Change = 'insert' | 'update' | 'hide' | 'silent' | 'bulk' | 'future'

/** Adds a ten-millionth of a second; not valid for the last one of a second. */
function oneTickAfter(key: string): string {
  const [seconds = '', fraction = ''] = key.slice(0, -1).split('.')
  return `${seconds}.${String(Number(fraction) + 1).padStart(7, '0')}Z`
}

/** Returns whether the review of a registration has ended. */
export function isFinal(status: unknown): boolean {
  return status === 'Approved' || status === 'Rejected'
}
