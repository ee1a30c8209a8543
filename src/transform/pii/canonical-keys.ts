export interface SortedKey {
  readonly key: string
  /** The key in the canonical text. */
  readonly label: string
}

/**
 * A sequence of keys in the order of the source; `longer` holds the sequences with one key more.
 */
interface KeySequence {
  sorted: readonly SortedKey[] | null
  readonly longer: Map<string, KeySequence>
}

/** Cached at most; the keys of all kinds of object in a referral have 2,000 characters. */
const charactersMax = 50_000

/**
 * Sorted keys of objects, without those that do not count. Objects of one kind have the same keys
 * in the same order, so the sorted keys are cached up to a limit: sorting them for each object was
 * 29 % of `splitPii`.
 */
export class SortedKeys {
  private first = noKeys()
  private characters = 0
  constructor(private readonly counts: (key: string) => boolean) {}

  of(source: object): readonly SortedKey[] {
    if (this.characters > charactersMax) {
      this.first = noKeys()
      this.characters = 0
    }
    let known = this.first
    for (const key in source) known = known.longer.get(key) ?? this.cacheOrder(known, key)
    known.sorted ??= Object.keys(source)
      .filter(this.counts)
      .sort()
      .map((key) => ({ key, label: `${key.length}"${key}:` }))
    return known.sorted
  }

  private cacheOrder(known: KeySequence, key: string): KeySequence {
    const longer = noKeys()
    known.longer.set(key, longer)
    this.characters += key.length + 1
    return longer
  }
}

function noKeys(): KeySequence {
  return { sorted: null, longer: new Map() }
}
