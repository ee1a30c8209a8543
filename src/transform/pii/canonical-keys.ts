export interface SortedKey {
  readonly key: string
  /** The key as it stands in a canonical text. */
  readonly label: string
}

/** Objects whose keys came in one order; `longer` leads on to those with one key more. */
interface Known {
  sorted: readonly SortedKey[] | null
  readonly longer: Map<string, Known>
}

/** The keys of all kinds of object in a referral have 2,000 characters. */
const charactersMax = 50_000

/**
 * Keys of objects in order, without those that do not count. Objects of one kind bring the same keys
 * in the same order, so the answers are kept, until there are too many: sorting the keys of each
 * object anew was 29 % of `cutPeople`.
 */
export class SortedKeys {
  private first = nothingKnown()
  private characters = 0
  constructor(private readonly counts: (key: string) => boolean) {}

  of(source: object): readonly SortedKey[] {
    if (this.characters > charactersMax) {
      this.first = nothingKnown()
      this.characters = 0
    }
    let known = this.first
    for (const key in source) known = known.longer.get(key) ?? this.learn(known, key)
    known.sorted ??= Object.keys(source)
      .filter(this.counts)
      .sort()
      .map((key) => ({ key, label: `${key.length}"${key}:` }))
    return known.sorted
  }

  private learn(known: Known, key: string): Known {
    const longer = nothingKnown()
    known.longer.set(key, longer)
    this.characters += key.length + 1
    return longer
  }
}

function nothingKnown(): Known {
  return { sorted: null, longer: new Map() }
}
