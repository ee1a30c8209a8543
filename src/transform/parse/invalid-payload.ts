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

export const depthMax = 32
/** The largest referral that the portal can build, 50 solutions and 50 people, has 2,100 in all. */
export const keysPerReferralMax = 10_000
export const keysPerObjectMax = 2_000
export const itemsMax = 1_000
export const textLengthMax = 1_048_576
/** Two of them of three bytes a character still fit an index entry. */
export const keyLengthMax = 400
export const pathLengthMax = 200

export class DamageFound extends Error {
  constructor(readonly damage: Damage) {
    super(damage.detail)
  }
}

export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  if (typeof value !== 'object') return false
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The API does not keep the order of its lists, so findings cannot count places in them. */
export function withoutIndexes(path: string): string {
  return path.includes('[') ? path.replaceAll(/\[\d+\]/g, '[]') : path
}

export function join(path: string, name: string): string {
  if (name === '') return path
  return path === '' ? name : `${path}.${name}`
}

export function damage(reasonCode: ReasonCode, itemPath: string, detail: string): DamageFound {
  return new DamageFound({ reasonCode, itemPath: itemPath.slice(0, pathLengthMax), detail })
}

export function wrongType(
  expected: string,
  value: unknown,
  path: string,
  name: string,
): DamageFound {
  return damage('wrong_type', join(path, name), `expected ${expected}, got ${typeName(value)}`)
}

export function tooManyKeys(path: string, limit: number): DamageFound {
  return damage('too_many_keys', path, `expected at most ${limit} keys`)
}

export function tooLong(path: string, limit: number): DamageFound {
  return damage('text_too_long', path, `expected at most ${limit} characters`)
}

export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'other text'
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`
}
