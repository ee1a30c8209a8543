const wordsPerEntry = 4
const firstCapacity = 1_000
/** Growth of the table. The old one and the new one are both in memory meanwhile. */
const growth = 1.5
/** Largest share of used places. Every fourth one stays free, so that a search ends soon. */
const fullness = 0.75

/**
 * Map from hashes of 32 hexadecimal digits to whole numbers. The first 24 digits are enough to
 * distinguish a billion. A million entries take 24 MiB, a sixth of a Map of strings: a load of any
 * size has to fit into 256 MiB.
 */
export class KeyMap {
  #words = new Uint32Array(firstCapacity * wordsPerEntry)
  #capacity = firstCapacity
  #size = 0

  /** Number of a hash, above 0 and below 2^32; undefined when the hash is not in the map. */
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

  /** Place of a hash, or the free place where it belongs. */
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
