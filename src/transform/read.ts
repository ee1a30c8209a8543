import { parseInstant } from './dates.ts'
import { parseMoney } from './decimal.ts'
import {
  type ObjectShape,
  type Properties,
  type Property,
  type ReadReferral,
  referralShape,
  type Slot,
} from './properties.ts'
import { cleanText, decodeEntities } from './text.ts'

export type ReasonCode =
  | 'not_an_object'
  | 'missing_property'
  | 'wrong_type'
  | 'invalid_number'
  | 'number_too_large'
  | 'invalid_instant'
  | 'too_deep'
  | 'too_many_keys'
  | 'too_many_items'
  | 'text_too_long'
  | 'id_mismatch'
  | 'no_payload'

/** Why a payload cannot be loaded. `detail` names types and limits, never a value. */
export interface Damage {
  reasonCode: ReasonCode
  itemPath: string
  detail: string
}

/** What was read with a loss that somebody may want to know of. */
export interface Remark {
  rule: 'implausible_date' | 'value_rounded'
  itemPath: string
  observed: string | null
}

export type ReadResult =
  | {
      ok: true
      referral: ReadReferral
      /** Paths that hold something and have no column, like `details.incentiveLevel`. */
      unmapped: readonly string[]
      remarks: readonly Remark[]
    }
  | ({ ok: false } & Damage)

export const depthMax = 32
/** The largest referral that the portal can build, 50 solutions and 50 people, has 2,100 in all. */
const keysPerReferralMax = 10_000
const keysPerObjectMax = 2_000
const itemsMax = 1_000
const textLengthMax = 1_048_576
/** Two of them of three bytes a character still fit an index entry. */
export const keyLengthMax = 400
const pathLengthMax = 200

interface Reading {
  keys: number
  unmapped: string[]
  remarks: Remark[]
}

class DamageFound extends Error {
  constructor(readonly damage: Damage) {
    super(damage.detail)
  }
}

/**
 * The referral in one shape, whatever its spelling: null, empty and absent are null, text is
 * trimmed, names are decoded, numbers and flags may be written as text. What is of another type, or
 * past a limit, damages the whole referral. `people` is the part that is landed apart.
 */
export function readReferral(payload: unknown, people: unknown = null): ReadResult {
  const reading: Reading = { keys: 0, unmapped: [], remarks: [] }
  try {
    const referral = readRoot(payload, reading)
    if (people !== null) addPeople(referral, readRoot(people, reading))
    requireProperties(referral)
    return { ok: true, referral, unmapped: reading.unmapped, remarks: reading.remarks }
  } catch (error) {
    if (error instanceof DamageFound) return { ok: false, ...error.damage }
    throw error
  }
}

function readRoot(source: unknown, reading: Reading): ReadReferral {
  if (!isObject(source)) {
    throw damage('not_an_object', '', `expected an object, got ${typeName(source)}`)
  }
  // The shape's type follows from the same specification that the values are read by.
  return readObject(referralShape, source, '', 1, reading) as unknown as ReadReferral
}

function addPeople(referral: ReadReferral, people: ReadReferral): void {
  if (people.team.length > 0) referral.team = people.team
  if (people.customerProfile !== null && people.customerProfile.team.length > 0) {
    if (referral.customerProfile === null) referral.customerProfile = people.customerProfile
    else referral.customerProfile.team = people.customerProfile.team
  }
  if (people.details?.notes != null) {
    if (referral.details === null) referral.details = people.details
    else referral.details.notes = people.details.notes
  }
  if (people.inviteContext?.notes != null) {
    if (referral.inviteContext === null) referral.inviteContext = people.inviteContext
    else referral.inviteContext.notes = people.inviteContext.notes
  }
}

function requireProperties(referral: ReadReferral): void {
  if (referral.id === null) throw missing('id')
  if (referral.createdDateTime === null) throw missing('createdDateTime')
  if (referral.status === null) throw missing('status')
}

function missing(name: string): DamageFound {
  return damage('missing_property', name, `expected a value, got none`)
}

function readObject(
  shape: ObjectShape<Properties>,
  source: Readonly<Record<string, unknown>>,
  path: string,
  depth: number,
  reading: Reading,
): Record<string, unknown> {
  const read: Record<string, unknown> = { ...shape.nothing }
  let variants: Map<string, string> | null = null
  let keys = 0
  for (const key in source) {
    keys++
    const value = source[key]
    if (value === null || value === '' || value === undefined) continue
    const slot = shape.slots.get(key) ?? shape.lowerCaseSlots.get(key.toLowerCase())
    if (slot === undefined) {
      noteUnmapped(key, value, path, depth, reading)
    } else if (key === slot.name) {
      read[key] = readValue(slot.property, value, path, key, depth, reading)
    } else {
      variants ??= new Map()
      if (!isPreferred(shape, source, slot, key, variants.get(slot.name))) continue
      variants.set(slot.name, key)
      read[slot.name] = readValue(slot.property, value, path, slot.name, depth, reading)
    }
  }
  if (keys > keysPerObjectMax) throw tooManyKeys(path, keysPerObjectMax)
  reading.keys += keys
  if (reading.keys > keysPerReferralMax) throw tooManyKeys('', keysPerReferralMax)
  return read
}

/**
 * Whether `key` decides the property among several spellings of it in one object: the documented
 * one first, then other cases of it, then other names; so that the order of keys cannot matter.
 */
function isPreferred(
  shape: ObjectShape<Properties>,
  source: Readonly<Record<string, unknown>>,
  slot: Slot,
  key: string,
  rival: string | undefined,
): boolean {
  if (Object.hasOwn(source, slot.name)) {
    const exact = source[slot.name]
    if (exact !== null && exact !== '') return false
  }
  if (rival === undefined) return true
  const rivalRank = shape.lowerCaseSlots.get(rival.toLowerCase())?.rank ?? 1
  return slot.rank === rivalRank ? key < rival : slot.rank < rivalRank
}

function readValue(
  property: Property,
  value: unknown,
  path: string,
  name: string,
  depth: number,
  reading: Reading,
): unknown {
  switch (property.kind) {
    case 'text':
      return readText(value, path, name)
    case 'key':
      return readKey(value, path, name)
    case 'name': {
      const text = readText(value, path, name)
      return text === null || !text.includes('&') ? text : cleanText(decodeEntities(text))
    }
    case 'instant':
      return readInstant(value, path, name, reading)
    case 'decimal':
      return readDecimal(value, path, name, reading)
    case 'flag':
      return readFlag(value, path, name)
    case 'object':
      if (!isObject(value)) throw wrongType('an object', value, path, name)
      return readObject(property.of, value, join(path, name), depth + 1, reading)
    case 'both':
      if (isObject(value)) {
        return [readObject(property.of, value, join(path, name), depth + 1, reading)]
      }
      return readList(property.of, value, join(path, name), depth, reading)
    case 'list':
      return readList(property.of, value, join(path, name), depth, reading)
    case 'people':
      return readPeople(property.of, value, join(path, name), depth, reading)
    case 'texts':
      return readTexts(value, join(path, name))
    case 'dictionary':
      return readDictionary(value, join(path, name))
  }
}

function readText(value: unknown, path: string, name: string): string | null {
  if (typeof value === 'string') {
    if (value.length > textLengthMax) throw tooLong(join(path, name), textLengthMax)
    // PostgreSQL stores no NUL; its picture shows that there was one.
    return cleanText(value.includes('\0') ? value.replaceAll('\0', '\u2400') : value)
  }
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  throw wrongType('text', value, path, name)
}

function readKey(value: unknown, path: string, name: string): string | null {
  const text = readText(value, path, name)
  if (text !== null && text.length > keyLengthMax) throw tooLong(join(path, name), keyLengthMax)
  return text
}

function readFlag(value: unknown, path: string, name: string): boolean | null {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase()
    if (text === '') return null
    if (text === 'true' || text === 'false') return text === 'true'
  }
  throw wrongType('true or false', value, path, name)
}

function readDecimal(value: unknown, path: string, name: string, reading: Reading): bigint | null {
  if (typeof value === 'string' && value.trim() === '') return null
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw wrongType('a number', value, path, name)
  }
  const money = parseMoney(value)
  if (!money.ok) {
    throw money.why === 'too_large'
      ? damage('number_too_large', join(path, name), 'expected at most 15 digits before the point')
      : damage('invalid_number', join(path, name), `expected a number, got ${typeName(value)}`)
  }
  if (money.rounded) {
    const itemPath = withoutIndexes(join(path, name))
    reading.remarks.push({ rule: 'value_rounded', itemPath, observed: null })
  }
  return money.value
}

function readInstant(value: unknown, path: string, name: string, reading: Reading): string | null {
  if (typeof value !== 'string') throw wrongType('an instant', value, path, name)
  const text = value.trim()
  if (text === '') return null
  const instant = parseInstant(text)
  if (instant.kind === 'instant') return instant.value
  if (instant.kind === 'unset') return null
  if (instant.kind === 'invalid') {
    throw damage(
      'invalid_instant',
      join(path, name),
      'expected YYYY-MM-DDThh:mm:ssZ, got other text',
    )
  }
  const observed = text.slice(0, 'YYYY-MM-DDThh:mm:ss'.length)
  const itemPath = withoutIndexes(join(path, name))
  reading.remarks.push({ rule: 'implausible_date', itemPath, observed })
  return null
}

function readList(
  shape: ObjectShape<Properties>,
  value: unknown,
  path: string,
  depth: number,
  reading: Reading,
): Record<string, unknown>[] {
  const list = requireList(value, path)
  const read: Record<string, unknown>[] = []
  for (let index = 0; index < list.length; index++) {
    const item = list[index]
    if (item === null || item === undefined) continue
    if (!isObject(item)) throw wrongType('an object', item, `${path}[${index}]`, '')
    read.push(readObject(shape, item, `${path}[${index}]`, depth + 2, reading))
  }
  return read
}

function readPeople(
  shape: ObjectShape<Properties>,
  value: unknown,
  path: string,
  depth: number,
  reading: Reading,
): Record<string, unknown>[] {
  // What has no column is kept as `extra`, so it is not missed as unmapped.
  const apart: Reading = { keys: reading.keys, unmapped: [], remarks: reading.remarks }
  const people = readList(shape, value, path, depth, apart)
  reading.keys = apart.keys
  const present = requireList(value, path).filter(isObject)
  for (const [index, person] of people.entries()) {
    person.extra = extraOf(shape, present[index] ?? {})
  }
  return people
}

function extraOf(
  shape: ObjectShape<Properties>,
  source: Readonly<Record<string, unknown>>,
): Record<string, unknown> | null {
  const extra: [string, unknown][] = []
  for (const key of Object.keys(source)) {
    if (shape.slots.has(key) || shape.lowerCaseSlots.has(key.toLowerCase())) continue
    if (!isEmpty(source[key])) extra.push([key, source[key]])
  }
  if (extra.length === 0) return null
  return Object.fromEntries(extra.sort(([left], [right]) => (left < right ? -1 : 1)))
}

function readTexts(value: unknown, path: string): string[] {
  if (typeof value === 'string') {
    const text = readKey(value, path, '')
    return text === null ? [] : [text]
  }
  const read: string[] = []
  for (const [index, item] of requireList(value, path).entries()) {
    if (item === null || item === undefined) continue
    const text = readKey(item, `${path}[${index}]`, '')
    if (text !== null) read.push(text)
  }
  return read
}

function readDictionary(value: unknown, path: string): [string, string][] {
  if (!isObject(value)) throw wrongType('an object', value, path, '')
  const entries = Object.entries(value)
  if (entries.length > keysPerObjectMax) throw tooManyKeys(path, keysPerObjectMax)
  return entries
    .map(([key, item]): [string, string] => {
      if (item === null || item === undefined) return [key, '']
      if (typeof item === 'boolean') return [key, String(item)]
      return [key, readText(item, path, '*') ?? '']
    })
    .sort(([left], [right]) => (left < right ? -1 : 1))
}

function noteUnmapped(
  key: string,
  value: unknown,
  path: string,
  depth: number,
  reading: Reading,
): void {
  if (typeof value === 'object' || typeof value === 'string') measure(value, depth + 1, reading)
  if (isEmpty(value)) return
  const unmapped = join(withoutIndexes(path), key).slice(0, pathLengthMax)
  if (!reading.unmapped.includes(unmapped)) reading.unmapped.push(unmapped)
}

/** Throws when something that is only kept in the landing zone is past a limit. */
function measure(value: unknown, depth: number, reading: Reading): void {
  if (typeof value === 'string') {
    if (value.length > textLengthMax) throw tooLong('', textLengthMax)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (depth > depthMax) throw damage('too_deep', '', `expected at most ${depthMax} levels`)
  const items = Object.values(value)
  if (!Array.isArray(value)) reading.keys += items.length
  if (reading.keys > keysPerReferralMax) throw tooManyKeys('', keysPerReferralMax)
  for (const item of items) measure(item, depth + 1, reading)
}

function requireList(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType('a list', value, path, '')
  if (value.length > itemsMax) {
    throw damage('too_many_items', path, `expected at most ${itemsMax} items, got ${value.length}`)
  }
  return value
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  if (typeof value !== 'object') return false
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The API does not keep the order of its lists, so findings cannot count places in them. */
function withoutIndexes(path: string): string {
  return path.includes('[') ? path.replaceAll(/\[\d+\]/g, '[]') : path
}

function join(path: string, name: string): string {
  if (name === '') return path
  return path === '' ? name : `${path}.${name}`
}

function damage(reasonCode: ReasonCode, itemPath: string, detail: string): DamageFound {
  return new DamageFound({ reasonCode, itemPath: itemPath.slice(0, pathLengthMax), detail })
}

function wrongType(expected: string, value: unknown, path: string, name: string): DamageFound {
  return damage('wrong_type', join(path, name), `expected ${expected}, got ${typeName(value)}`)
}

function tooManyKeys(path: string, limit: number): DamageFound {
  return damage('too_many_keys', path, `expected at most ${limit} keys`)
}

function tooLong(path: string, limit: number): DamageFound {
  return damage('text_too_long', path, `expected at most ${limit} characters`)
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'other text'
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`
}
