/**
 * Seeded randomness (mulberry32 over a mixed seed): the same parts give the same sequence on every
 * machine, so a population is reproducible.
 */
export class Random {
  #state: number

  /** The parts name the stream: `new Random(seed, 3, 17)` is independent of other streams. */
  constructor(...parts: number[]) {
    let state = 0x9e3779b9
    for (const part of parts) state = Math.imul(state ^ (part | 0), 0x85ebca6b) ^ (state >>> 13)
    this.#state = state
    this.unit()
  }

  /** Returns a number in [0, 1) with 32 random bits. */
  unit(): number {
    return this.#next() / 4294967296
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return (bits ^ (bits >>> 14)) >>> 0
  }

  /** Returns a whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1))
  }

  /** Returns a real number from `least` up to `most`; `skew` above 1 prefers small ones. */
  between(least: number, most: number, skew = 1): number {
    return least + (most - least) * this.unit() ** skew
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  /** Returns one member; `skew` above 1 prefers the front of the list. @throws RangeError when empty. */
  pick<T>(list: readonly T[], skew = 1): T {
    return at(list, Math.floor(list.length * this.unit() ** skew))
  }

  /** Returns one choice, as often as its weight says. */
  weighted<T>(choices: readonly (readonly [T, number])[]): T {
    let total = 0
    for (const [, weight] of choices) total += weight
    let rest = this.unit() * total
    for (const [choice, weight] of choices) {
      rest -= weight
      if (rest < 0) return choice
    }
    return at(choices, choices.length - 1)[0]
  }

  /** Returns up to `count` different members in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const pool = [...list]
    const drawn: T[] = []
    while (drawn.length < count && pool.length > 0) {
      drawn.push(...pool.splice(Math.floor(this.unit() * pool.length), 1))
    }
    return drawn
  }

  /** Returns a roughly normal number with mean 0 and deviation 1 (sum of twelve uniforms, so never beyond 6). */
  normal(): number {
    let sum = -6
    for (let draws = 0; draws < 12; draws++) sum += this.unit()
    return sum
  }

  hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.#next().toString(16).padStart(8, '0')
    return text.slice(0, digits)
  }

  /** Returns a version 4 GUID in lower case. */
  guid(): string {
    const hex = this.hex(32)
    const variant = '89ab'.charAt(this.integer(0, 3))
    const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`]
    return `${parts.join('-')}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
  }
}

/** Returns the member at `index`. @throws RangeError when the index is outside the list. */
export function at<T>(list: readonly T[], index: number): T {
  if (index < 0 || index >= list.length) {
    throw new RangeError(`expected an index below ${list.length}, got ${index}`)
  }
  return list[index] as T
}

/**
 * Draws from a list so that the front of the list is common, as in life, and every member occurs:
 * a share of the draws takes the members in turn.
 */
export class Rotation<T> {
  #turn = 0
  constructor(
    readonly list: readonly T[],
    readonly inTurnShare = 0.35,
  ) {}

  draw(random: Random): T {
    return random.chance(this.inTurnShare) ? this.next() : random.pick(this.list, 1.8)
  }

  private next(): T {
    return at(this.list, this.#turn++ % this.list.length)
  }
}
