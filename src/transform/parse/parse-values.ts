import { parseInstant } from '../values/dates.ts'
import { parseMoney } from '../values/money.ts'
import { cleanText, decodeEntities } from '../values/text.ts'
import {
  invalid,
  isObject,
  itemsMax,
  join,
  keyLengthMax,
  keysPerObjectMax,
  type PayloadWarning,
  pathLengthMax,
  textLengthMax,
  tooLong,
  tooManyKeys,
  typeName,
  withoutIndexes,
  wrongType,
} from './invalid-payload.ts'

export interface Reading {
  keys: number
  unmapped: string[]
  warnings: PayloadWarning[]
}

/** Notes a value that is none of what is `expected`; the referral is loaded without it. */
export function noteUnreadable(reading: Reading, path: string, expected: string): void {
  const detail = `expected ${expected}; loaded without it`
  const itemPath = withoutIndexes(path).slice(0, pathLengthMax)
  reading.warnings.push({ rule: 'unreadable_value', itemPath, detail, observed: null })
}

export function readText(value: unknown, path: string, name: string): string | null {
  if (typeof value === 'string') {
    if (value.length > textLengthMax) throw tooLong(join(path, name), textLengthMax)
    // PostgreSQL stores no NUL; its picture shows that there was one.
    return cleanText(value.includes('\0') ? value.replaceAll('\0', '\u2400') : value)
  }
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  throw wrongType('text', value, path, name)
}

export function readKey(value: unknown, path: string, name: string): string | null {
  const text = readText(value, path, name)
  if (text !== null && text.length > keyLengthMax) throw tooLong(join(path, name), keyLengthMax)
  return text
}

/** The text with its HTML entities decoded. */
export function decoded(text: string | null): string | null {
  return text === null || !text.includes('&') ? text : cleanText(decodeEntities(text))
}

export function readFlag(value: unknown, path: string, name: string): boolean | null {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase()
    if (text === '') return null
    if (text === 'true' || text === 'false') return text === 'true'
  }
  throw wrongType('true or false', value, path, name)
}

export function readDecimal(
  value: unknown,
  path: string,
  name: string,
  reading: Reading,
): bigint | null {
  if (typeof value === 'string' && value.trim() === '') return null
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw wrongType('a number', value, path, name)
  }
  const money = parseMoney(value)
  if (!money.ok) {
    throw money.why === 'too_large'
      ? invalid('number_too_large', join(path, name), 'expected at most 15 digits before the point')
      : invalid('invalid_number', join(path, name), `expected a number, got ${typeName(value)}`)
  }
  if (money.rounded) {
    const itemPath = withoutIndexes(join(path, name))
    const detail = 'more than four decimals'
    reading.warnings.push({ rule: 'value_rounded', itemPath, detail, observed: null })
  }
  return money.value
}

export function readInstant(
  value: unknown,
  path: string,
  name: string,
  reading: Reading,
): string | null {
  if (typeof value !== 'string') throw wrongType('an instant', value, path, name)
  const text = value.trim()
  if (text === '') return null
  const instant = parseInstant(text)
  if (instant.kind === 'instant') {
    if (instant.isAssumed) noteAssumed(reading, join(path, name))
    return instant.value
  }
  if (instant.kind === 'unset') return null
  if (instant.kind === 'invalid') {
    throw invalid(
      'invalid_instant',
      join(path, name),
      'expected YYYY-MM-DDThh:mm:ssZ, got other text',
    )
  }
  const observed = text.slice(0, 'YYYY-MM-DDThh:mm:ss'.length)
  const itemPath = withoutIndexes(join(path, name))
  const detail = 'outside 2000 to 2099, or no such day'
  reading.warnings.push({ rule: 'implausible_date', itemPath, detail, observed })
  return null
}

function noteAssumed(reading: Reading, path: string): void {
  const detail = 'expected a time with its zone; read as UTC, or as that day'
  const itemPath = withoutIndexes(path)
  reading.warnings.push({ rule: 'time_without_zone', itemPath, detail, observed: null })
}

export function readTexts(value: unknown, path: string, reading: Reading): string[] {
  if (typeof value === 'string') {
    const text = decoded(readKey(value, path, ''))
    return text === null ? [] : [text]
  }
  const read: string[] = []
  for (const [index, item] of requireList(value, path).entries()) {
    if (item === null || item === undefined) continue
    if (typeof item !== 'string' && typeof item !== 'number') {
      noteUnreadable(reading, `${path}[${index}]`, 'text')
      continue
    }
    const text = decoded(readKey(item, `${path}[${index}]`, ''))
    if (text !== null) read.push(text)
  }
  return read
}

export function readDictionary(value: unknown, path: string): [string, string][] {
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

/** Items of a list; one object where a list is usual is a list of one, and `{}` a list of none. */
export function itemsOf(
  value: unknown,
  path: string,
  isObjectDocumented: boolean,
  reading: Reading,
): readonly unknown[] {
  if (!isObject(value)) return requireList(value, path)
  if (!isObjectDocumented) {
    const detail = 'expected a list, got one object; read as a list of one'
    const itemPath = withoutIndexes(path)
    reading.warnings.push({ rule: 'object_instead_of_list', itemPath, detail, observed: null })
  }
  return Object.keys(value).length === 0 ? [] : [value]
}

function requireList(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType('a list', value, path, '')
  if (value.length > itemsMax) {
    throw invalid('too_many_items', path, `expected at most ${itemsMax} items, got ${value.length}`)
  }
  return value
}
