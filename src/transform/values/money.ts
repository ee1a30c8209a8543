/**
 * Money as `numeric(19,4)` stores it: ten-thousandths in a bigint. No amount passes through a
 * floating-point number here, so all 19 digits survive.
 */
export type Money = bigint

export type ParsedDecimal =
  | { ok: true; value: Money; rounded: boolean }
  | { ok: false; why: 'not_a_number' | 'too_large' }

const decimals = 4
const integerDigitsMax = 15
const scale = 10n ** BigInt(decimals)
const moneyLimit = 10n ** BigInt(integerDigitsMax + decimals)
/** Ten-thousandths in one unit of the last decimal, by number of decimals. */
const steps = [10_000n, 1_000n, 100n, 10n, 1n] as const

// The branches cannot match the same digits twice, so a long invalid text is rejected in linear
// time.
const decimalText = /^\s*([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+))?\s*$/

const zeroCode = 48
const notANumber: ParsedDecimal = { ok: false, why: 'not_a_number' }
const tooLarge: ParsedDecimal = { ok: false, why: 'too_large' }

/**
 * Exact amount of a JSON number or of a plain decimal text with optional sign and exponent. Digits
 * after the fourth decimal are rounded half away from zero and reported as `rounded`.
 */
export function parseMoney(wire: number | string): ParsedDecimal {
  if (typeof wire === 'number') {
    if (Number.isSafeInteger(wire) && Math.abs(wire) < 1e15) {
      return { ok: true, value: BigInt(wire) * scale, rounded: false }
    }
    // The shortest text that reads back as the same double is what the source had written.
    return Number.isFinite(wire) ? parseText(String(wire)) : notANumber
  }
  return parseText(wire)
}

function parseText(text: string): ParsedDecimal {
  const match = decimalText.exec(text)
  if (match === null) return notANumber
  const [, sign, mantissa = '', exponent] = match
  const dot = mantissa.indexOf('.')
  const digits = dot < 0 ? mantissa : mantissa.slice(0, dot) + mantissa.slice(dot + 1)
  const first = digits.search(/[1-9]/)
  if (first < 0) return { ok: true, value: 0n, rounded: false }

  const point = (dot < 0 ? digits.length : dot) + (exponent === undefined ? 0 : Number(exponent))
  if (point - first > integerDigitsMax) return tooLarge

  // Only the digits that are kept become a bigint: '1e-999999999' costs nothing.
  const cut = point + decimals
  const kept = cut > first ? digits.slice(first, cut).padEnd(cut - first, '0') : '0'
  let magnitude = BigInt(kept)
  if (digits.charCodeAt(cut) >= zeroCode + 5) magnitude += 1n
  if (magnitude >= moneyLimit) return tooLarge
  return {
    ok: true,
    value: sign === '-' ? -magnitude : magnitude,
    rounded: lastNonZero(digits) >= cut,
  }
}

function lastNonZero(digits: string): number {
  let index = digits.length - 1
  while (digits.charCodeAt(index) === zeroCode) index--
  return index
}

/** Canonical decimal text: no exponent, no trailing zeros, no `-0`. */
export function formatMoney(money: Money): string {
  const text = formatFixed(money, decimals)
  let end = text.length
  while (text.charCodeAt(end - 1) === zeroCode) end--
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end)
}

/** Text with exactly `places` (at least one) decimals of a number given in units of the last. */
export function formatFixed(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0')
  const point = digits.length - places
  return `${units < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Quotient rounded to the nearest integer, halves away from zero. */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  const remainder = numerator % denominator
  if (remainder === 0n) return quotient
  const twice = 2n * (remainder < 0n ? -remainder : remainder)
  if (twice < (denominator < 0n ? -denominator : denominator)) return quotient
  return numerator < 0n === denominator < 0n ? quotient + 1n : quotient - 1n
}

/**
 * Smallest difference that results computed from `value` may show, in ten-thousandths: the
 * currency's minor unit, or the last decimal that `value` itself uses when that is finer.
 */
export function roundingStep(value: Money, minorUnit: number): bigint {
  let places = Math.min(Math.max(minorUnit, 0), decimals)
  while (places < decimals && value % (steps[places] ?? 1n) !== 0n) places++
  return steps[places] ?? 1n
}

/** `value * numerator / denominator`, rounded half away from zero to a multiple of `step`. */
export function roundedShare(
  value: Money,
  numerator: bigint,
  denominator: bigint,
  step: bigint,
): Money {
  return divideRounded(value * numerator, denominator * step) * step
}

/** Returns true if the amount fits `numeric(19,4)`. */
export function fitsMoney(money: Money): boolean {
  return money < moneyLimit && money > -moneyLimit
}

/** The amount as the database reads it; null stays null. */
export function amountText(amount: Money | null): string | null {
  return amount === null ? null : formatMoney(amount)
}
