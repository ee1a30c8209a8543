/** An exact fraction of whole numbers; the denominator is above 0. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Reads `1234.5` exactly. @throws RangeError when the text is not a plain decimal. */
export function fractionOf(text: string): Fraction {
  const [, sign, whole = '', decimals = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === '') throw new RangeError(`expected a plain decimal, got ${JSON.stringify(text)}`)
  const digits = BigInt(whole + decimals)
  return {
    numerator: sign === '-' ? -digits : digits,
    denominator: 10n ** BigInt(decimals.length),
  }
}

/** Returns the fraction times `numerator / denominator`, of which neither is negative. */
export function times(value: Fraction, numerator: bigint, denominator: bigint): Fraction {
  return {
    numerator: value.numerator * numerator,
    denominator: value.denominator * denominator,
  }
}

/** Returns the fraction with `digits` decimals, halves rounded away from zero: `0.50`. */
export function rounded({ numerator, denominator }: Fraction, digits: number): string {
  const isNegative = numerator < 0n
  const scaled = (isNegative ? -numerator : numerator) * 10n ** BigInt(digits)
  const units = (2n * scaled + denominator) / (2n * denominator)
  const text = String(units).padStart(digits + 1, '0')
  const [whole, decimals] = [text.slice(0, text.length - digits), text.slice(text.length - digits)]
  const sign = isNegative && units > 0n ? '-' : ''
  return digits === 0 ? `${sign}${text}` : `${sign}${whole}.${decimals}`
}
