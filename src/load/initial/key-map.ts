const wordsPerEntry = 4
const firstCapacity = 1_000
/** While it grows, the old table and the new one are both there. */
const growth = 1.5
/** Of four places, one stays free, so that a search soon ends. */
const fullness = 0.75

/**
 * Whole numbers by hashes of 32 hexadecimal digits, of which the first 24 tell a billion apart. A
 * million of them take 24 MiB, a sixth of what a Map of strings takes: a load of any size has to fit
 * into 256 MiB.
 */
export class KeyMap {
  #words = new Uint32Array(firstCapacity * wordsPerEntry)
  #capacity = firstCapacity
  #size = 0

  /** The number, above 0 and below 2^32; none when the hash is not there. */
  get(hash: string): number | undefined {
    const words = wordsOf(hash)
    const key = this.#words[this.#place(words) + 3]
    return key === 0 ? undefined : key
  }

  set(hash: string, key: number) {
    if (this.#size >= fullness * this.#capacity) this.#grow()
    this.#put([...wordsOf(hash), key])
  }

  #put(entry: readonly number[]) {
    const place = this.#place(entry)
    if (this.#words[place + 3] === 0) this.#size += 1
    this.#words.set(entry, place)
  }

  /** Where a hash is, or the free place where it belongs. */
  #place(words: readonly number[]): number {
    const table = this.#words
    let place = ((words[0] ?? 0) % this.#capacity) * wordsPerEntry
    while (
      table[place + 3] !== 0 &&
      (table[place] !== words[0] || table[place + 1] !== words[1] || table[place + 2] !== words[2])
    ) {
      place += wordsPerEntry
      if (place === table.length) place = 0
    }
    return place
  }

  #grow() {
    const old = this.#words
    this.#capacity = Math.ceil(this.#capacity * growth)
    this.#words = new Uint32Array(this.#capacity * wordsPerEntry)
    this.#size = 0
    for (let place = 0; place < old.length; place += wordsPerEntry) {
      if (old[place + 3] !== 0) this.#put([...old.subarray(place, place + wordsPerEntry)])
    }
  }
}

function wordsOf(hash: string): number[] {
  return [0, 8, 16].map((start) => Number.parseInt(hash.slice(start, start + 8), 16))
}
