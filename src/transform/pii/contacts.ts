import { isObject } from '../parse/invalid-payload.ts'
import { type Cut, Eraser, erasedText, everyone, mapped } from './erased.ts'

// Pure: what is left of a landed version once the contacts of its referral were purged.

/**
 * Returns a version without the people of the customer and without notes: a member becomes a mark, a text
 * `(erased)`, and an address of theirs elsewhere in the payload too. The partner's own team stays, but for
 * its cells in the row of a file. Returns the version itself when it has none of these.
 */
export function withoutContacts<Version extends Cut>(version: Version, at: string): Version {
  const people = purged(version.people, at)
  if (people === version.people) return version
  const gone = new Map([...addressesIn(contactsOf(version.people))].map((address) => [address, at]))
  // Nothing is hashed: the addresses are at hand.
  const eraser = new Eraser(gone, (address) => address)
  const { payload } = eraser.erase('', { payload: version.payload, people: null })
  return { ...version, people, payload }
}

function purged(people: unknown, at: string): unknown {
  if (!isObject(people)) return everyone(people, at)
  return mapped(people, (part, key) => {
    if (isOwnTeam(key)) return part
    if (isPartOfRow(key)) return purged(part, at)
    return key === 'cells' && isObject(part) ? mapped(part, () => erasedText) : everyone(part, at)
  })
}

/** The parts that `purged` changes. */
function contactsOf(people: unknown): unknown[] {
  if (!isObject(people)) return [people]
  return Object.entries(people).flatMap(([key, part]) => {
    if (isOwnTeam(key)) return []
    return isPartOfRow(key) ? contactsOf(part) : [part]
  })
}

const isOwnTeam = (key: string) => key.toLowerCase() === 'team'
/** The row of a file has the people of its referral beside cells. */
const isPartOfRow = (key: string) => key === 'referral'

function* addressesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* addressesIn(item)
  if (!isObject(value)) return
  for (const [key, item] of Object.entries(value)) {
    if (key.toLowerCase() === 'email' && typeof item === 'string') yield item.trim().toLowerCase()
    yield* addressesIn(item)
  }
}
