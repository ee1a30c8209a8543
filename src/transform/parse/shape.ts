/** Type of one property of the source. `also` gives its other names. */
export type Property =
  | {
      kind:
        | 'text'
        | 'key'
        | 'word'
        | 'name'
        | 'tag'
        | 'flag'
        | 'decimal'
        | 'instant'
        | 'texts'
        | 'dictionary'
      also: Also
    }
  | { kind: 'object' | 'list' | 'both' | 'people'; of: ObjectShape<Properties>; also: Also }

type Also = readonly string[]
export type Properties = Readonly<Record<string, Property>>

export interface Slot {
  name: string
  property: Property
  /** 0 for the name itself, 1 for one of `also`: the lower wins when both are given. */
  rank: 0 | 1
}

export interface ObjectShape<P extends Properties> {
  properties: P
  slots: ReadonlyMap<string, Slot>
  lowerCaseSlots: ReadonlyMap<string, Slot>
  /** Result for an empty object: null for each property, no items for each list. */
  absent: () => Read<P>
}

type Scalars = {
  text: string | null
  key: string | null
  word: string | null
  name: string | null
  tag: string | null
  flag: boolean | null
  decimal: bigint | null
  instant: string | null
  texts: readonly string[]
  dictionary: readonly (readonly [string, string])[]
}

/** A person: `extra` keeps the properties that have no column. */
type Person<Of> = Of & { extra: Readonly<Record<string, unknown>> | null }

/** Shape of the parsed object with these properties. */
export type Read<P extends Properties> = {
  -readonly [Name in keyof P]: P[Name] extends { kind: infer K; of: ObjectShape<infer Inner> }
    ? K extends 'object'
      ? Read<Inner> | null
      : K extends 'people'
        ? readonly Person<Read<Inner>>[]
        : readonly Read<Inner>[]
    : P[Name] extends { kind: infer K extends keyof Scalars }
      ? Scalars[K]
      : never
}

const noNames: Also = []
/** Shared by all absent lists. */
export const none: readonly never[] = Object.freeze([])

export function scalar<const K extends keyof Scalars>(
  kind: K,
  ...also: string[]
): { kind: K; also: Also } {
  return { kind, also }
}

export function nested<const K extends 'object' | 'list' | 'both' | 'people', P extends Properties>(
  kind: K,
  of: ObjectShape<P>,
): { kind: K; of: ObjectShape<P>; also: Also } {
  return { kind, of, also: noNames }
}

/**
 * An object with these properties, whose names are matched without regard to case. `absent` says by
 * a literal what follows from the properties: V8 makes an object of a literal in one step, but puts
 * one together by a list of names in as many steps, a tenth of all that a referral cost.
 */
export function shape<const P extends Properties>(
  properties: P,
  absent: () => Read<P>,
): ObjectShape<P> {
  const slots = new Map<string, Slot>()
  for (const [name, property] of Object.entries(properties)) {
    slots.set(name, { name, property, rank: 0 })
    for (const other of property.also) slots.set(other, { name, property, rank: 1 })
  }
  const lowerCaseSlots = new Map([...slots].map(([name, slot]) => [name.toLowerCase(), slot]))
  return { properties, slots, lowerCaseSlots, absent }
}
