import type { QuarantineReason } from '../../quarantine-reasons.ts'

/** Reasons of a quarantine that follow from the payload alone. */
export type InvalidReason = Exclude<QuarantineReason, 'rejected_by_database'>

/** Reason why a payload cannot be loaded. `detail` names types and limits, never a value. */
export interface InvalidPayload {
  reasonCode: InvalidReason
  itemPath: string
  detail: string
}

/** A value that was read with a loss or an assumption, or not read at all. */
export interface PayloadWarning {
  rule:
    | 'implausible_date'
    | 'object_instead_of_list'
    | 'time_without_zone'
    | 'unreadable_value'
    | 'value_rounded'
  /** Path without list indexes. */
  itemPath: string
  /** Follows from rule and path alone, so that the order of keys and lists cannot matter. */
  detail: string
  observed: string | null
}

export const depthMax = 32
/** Limit far above the portal's largest referral: 50 solutions and 50 people have 2,100 keys. */
export const keysPerReferralMax = 10_000
export const keysPerObjectMax = 2_000
export const itemsMax = 1_000
export const textLengthMax = 1_048_576
/** Longest key: two of them, at three bytes a character, still fit an index entry. */
export const keyLengthMax = 400
export const pathLengthMax = 200

export class InvalidPayloadError extends Error {
  constructor(readonly invalid: InvalidPayload) {
    super(invalid.detail)
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

/** Path without list indexes: the API does not keep the order of its lists. */
export function withoutIndexes(path: string): string {
  return path.includes('[') ? path.replaceAll(/\[\d+\]/g, '[]') : path
}

export function join(path: string, name: string): string {
  if (name === '') return path
  return path === '' ? name : `${path}.${name}`
}

export function invalid(
  reasonCode: InvalidReason,
  itemPath: string,
  detail: string,
): InvalidPayloadError {
  return new InvalidPayloadError({ reasonCode, itemPath: itemPath.slice(0, pathLengthMax), detail })
}

export function wrongType(
  expected: string,
  value: unknown,
  path: string,
  name: string,
): InvalidPayloadError {
  return invalid('wrong_type', join(path, name), `expected ${expected}, got ${typeName(value)}`)
}

export function tooManyKeys(path: string, limit: number): InvalidPayloadError {
  return invalid('too_many_keys', path, `expected at most ${limit} keys`)
}

export function tooLong(path: string, limit: number): InvalidPayloadError {
  return invalid('text_too_long', path, `expected at most ${limit} characters`)
}

export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'other text'
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`
}
