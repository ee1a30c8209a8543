import dayjs from 'dayjs'
import utc from 'dayjs/plugin/utc.js'
import type { Cell, Choice } from './answers.ts'
import { listParameters } from './choice-parameters.ts'

dayjs.extend(utc)

/** The address asks for something that does not exist; the message says what was expected. */
export class BadRequest extends Error {}

const valuesMax = 100
const valueLengthMax = 300
/** Days between `as_of` and the day that it is compared with, when the address has none. */
const daysBack = 7

/**
 * Reads the choice in an address. `today` stands for an `as_of` that is left out.
 *
 * @throws BadRequest for a day that is none or lies in the future, a value given twice, or too many.
 */
export function readChoice(parameters: URLSearchParams, today: string): Choice {
  const lists = Object.fromEntries(listParameters.map((name) => [name, valuesOf(parameters, name)]))
  const asOf = dayUpTo(parameters, 'as_of', today) ?? today
  const compare = dayOf(parameters, 'compare') ?? daysBefore(asOf, daysBack)
  if (compare > asOf) {
    throw new BadRequest(`compare: expected a day up to as_of, ${asOf}, got ${compare}.`)
  }
  const currency = only(parameters, 'currency') ?? null
  const { account = [], period = [], area = [], play = [], country = [], deal_type = [] } = lists
  return { account, period, area, play, country, deal_type, currency, as_of: asOf, compare }
}

/** @throws BadRequest for a parameter that is not among the names. */
export function requireKnown(parameters: URLSearchParams, names: readonly string[]): void {
  for (const name of parameters.keys()) {
    if (!names.includes(name)) {
      throw new BadRequest(`${name.slice(0, 40)}: expected one of ${names.join(', ')}.`)
    }
  }
}

/** Returns the value of a parameter that may be given once; undefined when it is left out. */
export function only(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name)
  if (values.length > 1) throw new BadRequest(`${name}: expected one value, got ${values.length}.`)
  const [value] = values
  if (value !== undefined) requireShort(name, value)
  return value
}

/** @throws BadRequest for a value of the parameter `name` that is none of the expected ones. */
export function requireOneOf(name: string, value: string, expected: readonly string[]): void {
  if (expected.includes(value)) return
  const wanted = expected.length === 1 ? expected[0] : `one of ${expected.join(', ')}`
  throw new BadRequest(`${name}: expected ${wanted}, got ${value.slice(0, 40)}.`)
}

function valuesOf(parameters: URLSearchParams, name: string): string[] {
  const values = [...new Set(parameters.getAll(name))]
  if (values.length > valuesMax) {
    throw new BadRequest(`${name}: expected at most ${valuesMax} values, got ${values.length}.`)
  }
  for (const value of values) requireShort(name, value)
  return values
}

function requireShort(name: string, value: string) {
  // PostgreSQL has no text with a zero character.
  if (value.length <= valueLengthMax && !value.includes('\0')) return
  throw new BadRequest(
    `${name}: expected up to ${valueLengthMax} characters, and none of them zero.`,
  )
}

function dayOf(parameters: URLSearchParams, name: string): string | undefined {
  const text = only(parameters, name)
  if (text === undefined) return undefined
  const isDay = /^20\d\d-\d\d-\d\d$/.test(text) && dayjs.utc(text).format('YYYY-MM-DD') === text
  if (isDay) return text
  throw new BadRequest(
    `${name}: expected a day of 2000 to 2099 as YYYY-MM-DD, got ${text.slice(0, 40)}.`,
  )
}

/** Returns a day of a parameter; undefined when it is left out. @throws BadRequest for a later one. */
export function dayUpTo(
  parameters: URLSearchParams,
  name: string,
  last: string,
): string | undefined {
  const day = dayOf(parameters, name)
  if (day === undefined || day <= last) return day
  throw new BadRequest(`${name}: expected a day up to ${last}, got ${day}.`)
}

export function daysBefore(day: string, days: number): string {
  return dayjs.utc(day).subtract(days, 'day').format('YYYY-MM-DD')
}

/** Returns the day on which an instant falls, in UTC. */
export function dayIn(now: Date): string {
  return dayjs.utc(now).format('YYYY-MM-DD')
}

/** Returns parameters of a drill, such as `set=open&stage=Received`. */
export function drillTo(set: string, parameters: Readonly<Record<string, string>> = {}): string {
  return new URLSearchParams({ set, ...parameters }).toString()
}

/** Returns the parameters of `referral` for a row; null for a row without a referral. */
export function referralAddress({
  partner_account_key,
  referral_key,
}: {
  readonly [name: string]: Cell
}): string | null {
  if (referral_key === null || referral_key === undefined) return null
  return new URLSearchParams({
    account_key: String(partner_account_key),
    referral_key: String(referral_key),
  }).toString()
}
