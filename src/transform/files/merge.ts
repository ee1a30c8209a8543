import { isEmpty, isObject } from '../parse/invalid-payload.ts'
import { keyOfItem, matchingItem } from './items.ts'

// Referrals in the shape of the API, of which files show parts.

export type Part = Readonly<Record<string, unknown>>

/**
 * Properties that belong together: without the first one of their own referral, the others would be
 * read beside the value of another one.
 */
const companions: ReadonlyMap<string, readonly (readonly [leader: string, ...string[]])[]> =
  new Map([
    ['', [['status', 'substatus', 'statusReason']]],
    ['details', [['dealValue', 'currency']]],
    ['details.requirements.solutions[]', [['price', 'currency']]],
    ['registrations[]', [['status', 'statusReason']]],
    ['registrations[].contract', [['value', 'currency']]],
    ['registrations[].solutionDetails[]', [['value', 'currency']]],
  ])

/** Properties whose texts are decimals. */
const amounts = new Set(['dealvalue', 'value', 'price', 'quantity'])

/**
 * Returns `base` with the values of `over` in place of its own. Nothing of `base` is deleted, except
 * companions of a value that is replaced; lists are merged item by item.
 */
export function overlay(base: unknown, over: unknown, path = ''): unknown {
  if (isEmpty(over)) return base
  if (isEmpty(base)) return over
  if (Array.isArray(base) && Array.isArray(over)) return mergedItems(base, over, path)
  if (!isObject(base) || !isObject(over)) return isSame(base, over, path) ? base : over
  const merged: Record<string, unknown> = { ...base }
  for (const [leader, ...others] of companions.get(path) ?? []) {
    const isReplaced =
      !isEmpty(propertyOf(over, leader)) &&
      !isSame(propertyOf(base, leader), propertyOf(over, leader), pathOf(path, leader))
    if (isReplaced) for (const other of others) delete merged[keyIn(merged, other)]
  }
  for (const name of Object.keys(over)) {
    const key = keyIn(merged, name)
    merged[key] = overlay(merged[key], over[name], pathOf(path, name))
  }
  return merged
}

/**
 * Returns `known` with what `more` shows of properties that none of the payloads behind `paths` had.
 * A property that one of them had, and `known` has not, was emptied and stays so.
 */
export function filled(
  known: unknown,
  more: unknown,
  paths: ReadonlySet<string>,
  path = '',
): unknown {
  if (isEmpty(known)) return isEmpty(more) || paths.has(path.toLowerCase()) ? known : more
  if (Array.isArray(known) && Array.isArray(more)) {
    const free = new Set(known.keys())
    const items = [...known]
    for (const item of more) {
      const index = matchingItem(item, known, free, path)
      if (index === undefined) continue
      free.delete(index)
      items[index] = filled(known[index], item, paths, `${path}[]`)
    }
    return items
  }
  if (!isObject(known) || !isObject(more)) return known
  const whole: Record<string, unknown> = { ...known }
  for (const name of Object.keys(more)) {
    if (isOfAnother(name, known, more, path)) continue
    const key = keyIn(whole, name)
    const value = filled(whole[key], more[name], paths, pathOf(path, name))
    if (value !== undefined) whole[key] = value
  }
  return whole
}

/** Returns the paths of a payload that hold something, in lower case; `[]` stands for the items. */
export function pathsIn(value: unknown, path = '', found = new Set<string>()): Set<string> {
  if (isEmpty(value)) return found
  if (path !== '') found.add(path)
  if (Array.isArray(value)) for (const item of value) pathsIn(item, `${path}[]`, found)
  else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      pathsIn(value[name], pathOf(path, name.toLowerCase()), found)
    }
  }
  return found
}

/** Whether the property belongs to the value of another property, which the two do not share. */
function isOfAnother(name: string, known: Part, more: Part, path: string): boolean {
  return (companions.get(path) ?? []).some(([leader, ...others]) => {
    if (!others.includes(name)) return false
    const [mine, theirs] = [propertyOf(known, leader), propertyOf(more, leader)]
    return !isEmpty(mine) && !isSame(mine, theirs, pathOf(path, leader))
  })
}

function mergedItems(
  base: readonly unknown[],
  over: readonly unknown[],
  path: string,
): readonly unknown[] {
  const free = new Set(base.keys())
  const merged = over.map((item) => {
    const index = matchingItem(item, base, free, path)
    if (index === undefined) return item
    free.delete(index)
    return overlay(base[index], item, `${path}[]`)
  })
  const keys = new Set(merged.map((item) => keyOfItem(item, path)))
  const rest = [...free]
    .map((index) => base[index])
    .filter((item) => !keys.has(keyOfItem(item, path)) || keyOfItem(item, path) === null)
  return [...merged, ...rest]
}

/** Whether two values are one: amounts by value, days and instants by day. */
export function isSame(one: unknown, other: unknown, path: string): boolean {
  if (one === other) return true
  if (isEmpty(one) || isEmpty(other) || isObject(one) || isObject(other)) {
    return JSON.stringify(one) === JSON.stringify(other)
  }
  const name = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  const [left, right] = [String(one).trim(), String(other).trim()]
  if (amounts.has(name)) return plainDecimal(left) === plainDecimal(right)
  if (name.endsWith('datetime')) return left.slice(0, 10) === right.slice(0, 10)
  return left === right
}

/** The decimal without a sign of plus, needless zeros and a needless point. */
function plainDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = ''] =
    /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? []
  if (whole === '' && fraction === '') return /^[+-]?0*\.?0*$/.test(text) ? '0' : text
  return `${sign === '-' ? '-' : ''}${whole || '0'}${fraction === '' ? '' : `.${fraction}`}`
}

function propertyOf(part: Part, name: string): unknown {
  return part[keyIn(part, name)]
}

/** The key by which an object has a property, in whatever case; the name itself where it has not. */
function keyIn(part: Part, name: string): string {
  if (Object.hasOwn(part, name)) return name
  const lower = name.toLowerCase()
  return Object.keys(part).find((key) => key.toLowerCase() === lower) ?? name
}

function pathOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
