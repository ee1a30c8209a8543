import { depthMax, isObject } from '../parse/invalid-payload.ts'
import { referralShape } from '../parse/properties.ts'
import { parseInstant } from '../values/dates.ts'
import { cleanText } from '../values/text.ts'
import { SortedKeys } from './canonical-keys.ts'

type Json = Readonly<Record<string, unknown>>

/** A referral as it is landed: people and free text split from the rest. */
export interface SplitReferral {
  resourceId: string | null
  /** Time of the last update, else of the creation, as received; null when it is not an instant. */
  sourceUpdatedText: string | null
  sourceUpdatedAt: string | null
  payload: object
  /** People and free text, under the same paths. */
  people: object
  /**
   * Text of payload and people, to be hashed. It does not depend on the order of keys and lists,
   * and leaves out links and etag.
   */
  canonical: string
}

type Role = 'id' | 'updated' | 'created' | 'people' | 'holdsTeam' | 'holdsNotes' | 'etag' | 'other'

const roles: ReadonlyMap<string, Role> = new Map([
  ...[...referralShape.slots.keys()].map((name): [string, Role] => [name, 'other']),
  ...(
    [
      ['id', 'id'],
      ['updatedDateTime', 'updated'],
      ['createdDateTime', 'created'],
      ['team', 'people'],
      ['customerProfile', 'holdsTeam'],
      ['details', 'holdsNotes'],
      ['inviteContext', 'holdsNotes'],
      ['eTag', 'etag'],
      ['links', 'etag'],
    ] satisfies [string, Role][]
  ).flatMap(([name, role]): [string, Role][] => [
    [name, role],
    [name.toLowerCase(), role],
  ]),
])

function roleOf(key: string): Role {
  return roles.get(key) ?? roles.get(key.toLowerCase()) ?? 'other'
}

/** Keys without `@odata.` properties, which change although the referral does not. */
const innerKeys = new SortedKeys((key) => !key.startsWith('@odata.'))
/** At its root a referral has a few other keys that change likewise. */
const rootKeys = new SortedKeys((key) => !key.startsWith('@odata.') && roleOf(key) !== 'etag')

/**
 * Splits people and free text from a referral, so that only the restricted part of the landing zone
 * ever holds them. Nothing is lost: payload and people together are the whole.
 */
export function splitPii(wire: unknown): SplitReferral {
  const canonical = canonicalOf(wire, 1)
  if (!isObject(wire)) {
    const people = { '(not an object)': pruned(wire, 2) }
    const unknown = { resourceId: null, sourceUpdatedText: null, sourceUpdatedAt: null }
    return { ...unknown, payload: {}, people, canonical }
  }
  const whole = canonical.includes(tooDeep) ? (pruned(wire, 1) as Json) : wire
  const payload: Record<string, unknown> = {}
  const people: Record<string, unknown> = {}
  let id: unknown = null
  let updated: unknown = null
  let created: unknown = null
  for (const key in whole) {
    const value = whole[key]
    switch (roleOf(key)) {
      case 'people':
        people[key] = value
        continue
      case 'holdsTeam':
        split(payload, people, key, value, 'team')
        continue
      case 'holdsNotes':
        split(payload, people, key, value, 'notes')
        continue
      case 'id':
        if (key === 'id' || id === null) id = value
        break
      case 'updated':
        if (key === 'updatedDateTime' || updated === null) updated = value
        break
      case 'created':
        if (key === 'createdDateTime' || created === null) created = value
    }
    set(payload, key, value)
  }
  const source = instantOf(updated) ?? instantOf(created)
  return {
    resourceId: idText(id),
    sourceUpdatedText: source?.text ?? null,
    sourceUpdatedAt: source?.value ?? null,
    payload,
    people,
    canonical,
  }
}

/** Puts `name` of the object into `people` and the rest of the object into `payload`. */
function split(
  payload: Record<string, unknown>,
  people: Record<string, unknown>,
  key: string,
  value: unknown,
  name: string,
): void {
  if (!isObject(value)) {
    // In an unknown shape, people may be anywhere.
    if (value === null || value === undefined) payload[key] = value
    else people[key] = value
    return
  }
  const rest: Record<string, unknown> = {}
  let apart: Record<string, unknown> | null = null
  for (const inner in value) {
    if (inner === name || inner.toLowerCase() === name) {
      apart ??= {}
      apart[inner] = value[inner]
    } else {
      set(rest, inner, value[inner])
    }
  }
  payload[key] = rest
  if (apart !== null) people[key] = apart
}

/** Sets any key of JSON; a plain assignment to `__proto__` would change the prototype. */
function set(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  } else {
    target[key] = value
  }
}

function idText(id: unknown): string | null {
  if (typeof id === 'number') return String(id)
  return typeof id === 'string' ? cleanText(id) : null
}

function instantOf(wire: unknown): { text: string; value: string } | null {
  if (typeof wire !== 'string') return null
  const text = wire.trim()
  const instant = parseInstant(text)
  return instant.kind === 'instant' ? { text, value: instant.value } : null
}

const tooDeep = '(too deep)'

/** The value cut off below the greatest depth; it stays too deep to be loaded. */
function pruned(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > depthMax) return {}
  if (Array.isArray(value)) return value.map((item) => pruned(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, pruned(item, depth + 1)]),
  )
}

function canonicalOf(value: unknown, depth: number): string {
  // Its length in front makes escapes needless, which cost more than all the rest.
  if (typeof value === 'string') return `${value.length}"${value}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (depth > depthMax) return tooDeep
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    const items = value.map((item) => canonicalOf(item, depth + 1))
    return `[${(items.length === 1 ? items : items.sort()).join(',')}]`
  }
  const source = value as Json
  let text = '{'
  for (const { key, label } of (depth === 1 ? rootKeys : innerKeys).of(source)) {
    text += label
    text += canonicalOf(source[key], depth + 1)
    text += ','
  }
  return `${text}}`
}
