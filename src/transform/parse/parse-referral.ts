import {
  depthMax,
  type InvalidPayload,
  InvalidPayloadError,
  type InvalidReason,
  invalid,
  isEmpty,
  isObject,
  join,
  keysPerObjectMax,
  keysPerReferralMax,
  type PayloadWarning,
  pathLengthMax,
  textLengthMax,
  tooLong,
  tooManyKeys,
  typeName,
  withoutIndexes,
  wrongType,
} from './invalid-payload.ts'
import {
  decoded,
  itemsOf,
  noteUnreadable,
  type Reading,
  readDecimal,
  readDictionary,
  readFlag,
  readInstant,
  readKey,
  readText,
  readTexts,
} from './parse-values.ts'
import { type ReadReferral, referralShape } from './properties.ts'
import type { ObjectShape, Properties, Property, Slot } from './shape.ts'

export type ReadResult =
  | {
      ok: true
      referral: ReadReferral
      /** Paths that hold a value and have no column, like `details.incentiveLevel`. */
      unmapped: readonly string[]
      warnings: readonly PayloadWarning[]
    }
  | ({ ok: false } & InvalidPayload)

/**
 * The referral in one shape, whatever its spelling: null, empty and absent are null, text is
 * trimmed, names are decoded, numbers and flags may be written as text. A value that is not what its
 * property holds is left out with a warning. What every referral must have, and a value past a limit,
 * makes the whole payload invalid. `people` is the part that was split off.
 */
export function readReferral(payload: unknown, people: unknown = null): ReadResult {
  const reading: Reading = { keys: 0, unmapped: [], warnings: [] }
  try {
    const referral = readRoot(payload, reading)
    if (people !== null) addPeople(referral, readRoot(people, reading))
    requireProperties(referral, reading)
    return { ok: true, referral, unmapped: reading.unmapped, warnings: reading.warnings }
  } catch (error) {
    if (error instanceof InvalidPayloadError) return { ok: false, ...error.invalid }
    throw error
  }
}

function readRoot(source: unknown, reading: Reading): ReadReferral {
  if (!isObject(source)) {
    throw invalid('not_an_object', '', `expected an object, got ${typeName(source)}`)
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

function requireProperties(referral: ReadReferral, { warnings }: Reading): void {
  if (referral.id === null) throw missing('id')
  if (referral.status === null) throw missing('status')
  if (referral.createdDateTime !== null) return
  const isImplausible = warnings.some((warning) => warning.itemPath === 'createdDateTime')
  if (!isImplausible) throw missing('createdDateTime')
  throw invalid(
    'missing_property',
    'createdDateTime',
    'expected a day of 2000 to 2099, got another',
  )
}

function missing(name: string): InvalidPayloadError {
  return invalid('missing_property', name, 'expected a value, got none')
}

function readObject(
  shape: ObjectShape<Properties>,
  source: Readonly<Record<string, unknown>>,
  path: string,
  depth: number,
  reading: Reading,
): Record<string, unknown> {
  const read: Record<string, unknown> = shape.absent()
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
      readInto(read, slot, value, path, depth, reading)
    } else {
      variants ??= new Map()
      if (!isPreferred(shape, source, slot, key, variants.get(slot.name))) continue
      variants.set(slot.name, key)
      readInto(read, slot, value, path, depth, reading)
    }
  }
  if (keys > keysPerObjectMax) throw tooManyKeys(path, keysPerObjectMax)
  reading.keys += keys
  if (reading.keys > keysPerReferralMax) throw tooManyKeys('', keysPerReferralMax)
  return read
}

/**
 * Returns true if `key` takes precedence among several spellings of a property in one object. The
 * documented spelling comes first, then other cases of it, then other names. So the order of keys
 * cannot matter.
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

/** Properties without which a referral has no identity, no place in time or no state. */
const essential: ReadonlySet<string> = new Set([
  'id',
  'status',
  'createdDateTime',
  'updatedDateTime',
])

/** Reasons that concern one value; the others are limits of the whole payload. */
const ofOneValue: ReadonlySet<InvalidReason> = new Set([
  'wrong_type',
  'invalid_number',
  'number_too_large',
  'invalid_instant',
])

const expectations: Readonly<Record<Property['kind'], string>> = {
  text: 'text',
  key: 'text',
  word: 'text',
  name: 'text',
  tag: 'text',
  flag: 'true or false',
  decimal: 'a number of at most 15 digits before the point',
  instant: 'YYYY-MM-DDThh:mm:ssZ',
  texts: 'a list of texts',
  dictionary: 'an object of texts',
  object: 'an object',
  list: 'a list',
  both: 'a list or an object',
  people: 'a list',
}

/** Sets the property, or leaves it absent with a warning when its value cannot be read. */
function readInto(
  read: Record<string, unknown>,
  { name, property }: Slot,
  value: unknown,
  path: string,
  depth: number,
  reading: Reading,
): void {
  try {
    read[name] = readValue(property, value, path, name, depth, reading)
  } catch (error) {
    const isOfOneValue =
      error instanceof InvalidPayloadError && ofOneValue.has(error.invalid.reasonCode)
    if (!isOfOneValue || (path === '' && essential.has(name))) throw error
    noteUnreadable(reading, join(path, name), expectations[property.kind])
  }
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
    case 'word':
      if (typeof value !== 'string') throw wrongType('text', value, path, name)
      return readKey(value, path, name)
    case 'key':
      return readKey(value, path, name)
    case 'name':
      return decoded(readText(value, path, name))
    case 'tag':
      return decoded(readKey(value, path, name))
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
    case 'list':
    case 'people': {
      const inner = join(path, name)
      const items = itemsOf(value, inner, property.kind === 'both', reading)
      const readItems = property.kind === 'people' ? readPeople : readList
      return readItems(property.of, items, inner, depth, reading)
    }
    case 'texts':
      return readTexts(value, join(path, name), reading)
    case 'dictionary':
      return readDictionary(value, join(path, name))
  }
}

function readList(
  shape: ObjectShape<Properties>,
  list: readonly unknown[],
  path: string,
  depth: number,
  reading: Reading,
): Record<string, unknown>[] {
  const read: Record<string, unknown>[] = []
  for (let index = 0; index < list.length; index++) {
    const item = list[index]
    if (item === null || item === undefined) continue
    if (!isObject(item)) {
      noteUnreadable(reading, `${path}[${index}]`, 'an object')
      continue
    }
    read.push(readObject(shape, item, `${path}[${index}]`, depth + 2, reading))
  }
  return read
}

function readPeople(
  shape: ObjectShape<Properties>,
  list: readonly unknown[],
  path: string,
  depth: number,
  reading: Reading,
): Record<string, unknown>[] {
  // A property without a column is kept as `extra`, so it does not count as unmapped.
  const apart: Reading = { keys: reading.keys, unmapped: [], warnings: reading.warnings }
  const people = readList(shape, list, path, depth, apart)
  reading.keys = apart.keys
  const present = list.filter(isObject)
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
  if (depth > depthMax) throw invalid('too_deep', '', `expected at most ${depthMax} levels`)
  const items = Object.values(value)
  if (!Array.isArray(value)) reading.keys += items.length
  if (reading.keys > keysPerReferralMax) throw tooManyKeys('', keysPerReferralMax)
  for (const item of items) measure(item, depth + 1, reading)
}
