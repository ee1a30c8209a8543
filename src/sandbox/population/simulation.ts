import { setImmediate } from 'node:timers/promises'
import { baseClock, dayMs } from '../instants.ts'
import { at, Random } from '../random.ts'
import type { Referral } from '../referral.ts'
import { applyChange, type ChangeKind, canChange, drawChange } from './change.ts'
import { corruptReferral } from './corrupt.ts'
import { World } from './deal.ts'
import { arrival, lateReferral, population } from './population.ts'
import { type Entry, readEntry, Store } from './referral-store.ts'

/** Referrals that are invented before other work has its turn, in some ten milliseconds. */
const referralsPerTurn = 100

/** The simulated partner account: its referrals, its clock, and the changes of each day. */
export class Simulation {
  readonly store: Store
  readonly #world: World
  /** Referrals that the caller does not see. */
  readonly #hidden: Entry[] = []
  #nowMs = baseClock
  #day = 0
  #arrivals = 0
  #late = 0

  /** Invents `count` referrals, unless they are `given` with their world. */
  constructor(
    count: number,
    seed: number,
    broken: number,
    given?: { readonly world: World; readonly store: Store },
  ) {
    this.#world = given?.world ?? new World(seed, count)
    this.store = given?.store ?? new Store()
    if (given === undefined) {
      for (const referral of population(this.#world, count)) this.store.put(referral)
    }
    this.#corrupt(Math.min(broken, count))
  }

  /** As the constructor, with turns for other work; `onInvented` is called with how many there are. */
  static async create(
    count: number,
    seed: number,
    broken: number,
    onInvented: (referrals: number) => void = () => undefined,
  ): Promise<Simulation> {
    const world = new World(seed, count)
    const store = new Store()
    let invented = 0
    for (const referral of population(world, count)) {
      store.put(referral)
      invented += 1
      if (invented % referralsPerTurn > 0) continue
      onInvented(invented)
      await setImmediate()
    }
    return new Simulation(count, seed, broken, { world, store })
  }

  /** Time of the sandbox's own clock; it stands still between changes. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Returns the current referrals as served, each as a new object. */
  referrals(): Referral[] {
    return Array.from(this.store.entries(), readEntry)
  }

  /**
   * Lets a day pass in which `count` different referrals change, and returns their ids in the order
   * of the changes. Open ones change first; finished ones are rewritten only when too few are open.
   * With `kind` only that change happens, to as many as it applies to.
   */
  change(count: number, kind?: ChangeKind): string[] {
    const random = this.#nextDay()
    const picked = this.#pick(random, count, kind)
    const stepMs = dayMs / (picked.length + 1)
    picked.forEach(([entry, happens], index) => {
      const referral = readEntry(entry)
      const ms = Math.floor(this.#nowMs - dayMs + (index + 1) * stepMs)
      applyChange(random, referral, happens, ms)
      this.store.put(referral)
    })
    return picked.map(([entry]) => entry.id)
  }

  /** Lets a day pass in which `count` new referrals come in, and returns their ids. */
  arrive(count: number): string[] {
    this.#nextDay()
    const stepMs = dayMs / (count + 1)
    return Array.from({ length: count }, (_, index) => {
      const ms = Math.floor(this.#nowMs - dayMs + (index + 1) * stepMs)
      const referral = arrival(this.#world, this.#arrivals++, ms)
      this.store.put(referral)
      return referral.id ?? ''
    })
  }

  /**
   * Lets a day pass in which so many or the named referrals become invisible to the caller, as after
   * a withdrawal or with a lost role; returns their ids.
   */
  vanish(which: number | readonly string[]): string[] {
    const random = this.#nextDay()
    const entries = [...this.store.entries()]
    const gone =
      typeof which === 'number'
        ? random.sample(entries, which)
        : entries.filter(({ id }) => which.includes(id))
    for (const entry of gone) this.store.remove(entry.id)
    this.#hidden.push(...gone)
    return gone.map(({ id }) => id)
  }

  /** Lets a day pass in which all invisible referrals return as they were; returns their ids. */
  reappear(): string[] {
    this.#nextDay()
    const back = this.#hidden.splice(0)
    for (const entry of back) this.store.restore(entry)
    return back.map(({ id }) => id)
  }

  /**
   * Lets a day pass in which `count` referrals of earlier years become visible, with the old
   * `updatedDateTime` that they have, and returns their ids.
   */
  appear(count: number): string[] {
    this.#nextDay()
    return Array.from({ length: count }, () => {
      const referral = lateReferral(this.#world, this.#late++)
      this.store.put(referral)
      return referral.id ?? ''
    })
  }

  #nextDay(): Random {
    this.#nowMs += dayMs
    return new Random(this.#world.seed, 5, ++this.#day)
  }

  #pick(random: Random, count: number, kind?: ChangeKind): [Entry, ChangeKind][] {
    const picked: [Entry, ChangeKind][] = []
    const unchanged: Entry[] = []
    for (const entry of shuffled(random, this.store.entries())) {
      if (picked.length === count) return picked
      if (entry.isCorrupt) continue
      const referral = readEntry(entry)
      if (kind !== undefined) {
        if (canChange(referral, kind)) picked.push([entry, kind])
        continue
      }
      const happens = drawChange(random, referral, false)
      if (happens === null) unchanged.push(entry)
      else picked.push([entry, happens])
    }
    for (const entry of unchanged.slice(0, Math.max(0, count - picked.length))) {
      const happens = drawChange(random, readEntry(entry), true)
      if (happens !== null) picked.push([entry, happens])
    }
    return picked
  }

  #corrupt(broken: number): void {
    const entries = [...this.store.entries()]
    for (let number = 0; number < broken; number++) {
      const referral = readEntry(
        at(entries, Math.floor(((number + 0.5) * entries.length) / broken)),
      )
      this.store.put(referral, corruptReferral(referral, number))
    }
  }
}

/** Yields all members in random order, at a cost proportional to the number taken. */
function* shuffled<T>(random: Random, members: Iterable<T>): Generator<T> {
  const pool = [...members]
  while (pool.length > 0) {
    const index = random.integer(0, pool.length - 1)
    const drawn = at(pool, index)
    pool[index] = at(pool, pool.length - 1)
    pool.pop()
    yield drawn
  }
}
