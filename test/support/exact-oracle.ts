import { Decimal } from 'decimal.js'
import type { ContractTerms } from '../../src/transform/contract/acv.ts'

/**
 * Independent implementation of contract arithmetic. It uses the platform's UTC calendar, counts
 * months day by day and computes amounts as decimals of 80 digits.
 */
export const Exact = Decimal.clone({ precision: 80, rounding: Decimal.ROUND_HALF_UP })

const dayMs = 86_400_000

export interface OracleContract {
  /** Days since 1970. */
  start: number
  endExclusive: number
  /** Months as a fraction: a rounded quotient would hide an exact half cent. */
  numerator: number
  denominator: number
}

export function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / dayMs
}

export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

/** The day `months` after `start`, or the last day of the month if the month is too short. */
export function anniversary(start: number, months: number): number {
  const from = new Date(start * dayMs)
  const firstOfMonth = Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months, 1)
  const nextMonth = Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months + 1, 1)
  return Math.min(firstOfMonth / dayMs + from.getUTCDate() - 1, nextMonth / dayMs - 1)
}

/** The contract from its start to its end date, or for six years if it is perpetual. */
export function oracleContract(terms: ContractTerms): OracleContract {
  const start = dayOf(terms.start ?? '')
  if (terms.term === 'Perpetual') {
    return { start, endExclusive: anniversary(start, 72), numerator: 72, denominator: 1 }
  }
  const end = dayOf(terms.end ?? '')
  const untilEnd = countMonths(start, end)
  const isAnniversary = untilEnd.whole > 0 && untilEnd.days === 0
  const endExclusive = isAnniversary ? end : end + 1
  const { whole, days, daysInMonth } = countMonths(start, endExclusive)
  const numerator = whole * daysInMonth + days
  return { start, endExclusive, numerator, denominator: daysInMonth }
}

function countMonths(from: number, to: number) {
  let whole = 0
  let monthBegan = from
  let monthEnds = anniversary(from, 1)
  for (let day = from; day < to; ) {
    day++
    if (day === monthEnds) {
      whole++
      monthBegan = monthEnds
      monthEnds = anniversary(from, whole + 1)
    }
  }
  return { whole, days: to - monthBegan, daysInMonth: monthEnds - monthBegan }
}

/** Rounds to the minor unit, or to the decimals of the value if it has more. */
export function roundLike(value: Decimal, amount: Decimal, minorUnit: number): Decimal {
  return amount.toDecimalPlaces(Math.max(value.decimalPlaces(), minorUnit))
}

/** Parses terms as in `'Finite 2024-01-01..2024-12-31'`; `-` is a missing term or date. */
export function termsOf(text: string): ContractTerms {
  const [term, start, end] = text.split(/ |\.\./).map((part) => (part === '-' ? null : part))
  return { term: term ?? null, start: start ?? null, end: end ?? null }
}

export function toDecimal(money: bigint): Decimal {
  return new Exact(money.toString()).div(10_000)
}

export function toMoney(amount: Decimal): bigint {
  return BigInt(amount.times(10_000).toFixed(0))
}

/** Pseudo-random numbers from 0 to 1, determined by the seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface RandomContract {
  terms: ContractTerms & { start: string }
  value: bigint
  minorUnit: number
}

/** A contract as people type it: months by anniversary or last day, any days, or perpetual. */
export function randomContract(random: () => number): RandomContract {
  const upTo = (limit: number) => Math.floor(random() * limit)
  const start = dayOf('2000-01-01') + upTo(365 * 90)
  const kind = upTo(5)
  const minorUnit = [0, 2, 2, 2, 3][upTo(5)] ?? 2
  const value = randomMoney(random, minorUnit)
  if (kind === 0) {
    return { terms: { term: 'Perpetual', start: dateOf(start), end: null }, value, minorUnit }
  }
  const whole = anniversary(start, 1 + upTo(100))
  const end = kind === 1 ? whole : kind === 2 ? whole - 1 : start + upTo(kind === 3 ? 400 : 3_000)
  return { terms: { term: 'Finite', start: dateOf(start), end: dateOf(end) }, value, minorUnit }
}

/** An amount of up to 19 digits and either sign; one in four is finer than the minor unit. */
export function randomMoney(random: () => number, minorUnit: number): bigint {
  const places = random() < 0.25 ? 4 : minorUnit
  const magnitude = 10 ** Math.ceil(random() * 15)
  const units = BigInt(Math.floor(random() * magnitude))
  const fraction = BigInt(Math.floor(random() * 10 ** places) * 10 ** (4 - places))
  const money = units * 10_000n + fraction
  return random() < 0.2 ? -money : money
}
