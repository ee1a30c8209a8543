/** Character before the decimals of an amount. */
export type DecimalSign = 'point' | 'comma'

/** What one cell shows about the decimal sign of its column. */
export type AmountEvidence =
  /** An amount with this sign alone. */
  | DecimalSign
  /** An amount with both signs, and another one with each: `1.234`. */
  | 'either'
  /** No amount, or one without separators. */
  | 'none'

const wholeDigitsMax = 15
const cellLengthMax = 60

/** Returns what a cell shows about the decimal sign of its column. */
export function amountEvidence(cell: string): AmountEvidence {
  if (/^\d*$/.test(cell)) return 'none'
  const isPoint = readAmount(cell, 'point') !== null
  const isComma = readAmount(cell, 'comma') !== null
  if (isPoint !== isComma) return isPoint ? 'point' : 'comma'
  return isPoint && /[.,]/.test(cell) ? 'either' : 'none'
}

/**
 * Returns the amount of a cell as a plain decimal without superfluous zeros, exact to the last
 * digit; null for any other text, for scientific notation and for more than 15 digits before the
 * decimals. Groups of three digits, and of two as in India, may be separated by the other sign, a
 * blank or an apostrophe. One sign of a currency may stand before or after.
 */
export function readAmount(cell: string, decimal: DecimalSign): string | null {
  const match = cell.length > cellLengthMax ? null : amountText[decimal].exec(cell)
  if (match === null) return null
  const { minus = '', grouped = '', fraction = '' } = match.groups ?? {}
  const whole = grouped.replace(/\D/g, '').replace(/^0+(?=\d)/, '')
  if (whole.length > wholeDigitsMax) return null
  const decimals = fraction.replace(/0+$/, '')
  const number = decimals === '' ? whole : `${whole === '' ? '0' : whole}.${decimals}`
  if (number === '') return fraction === '' ? null : '0'
  return minus === '' || number === '0' ? number : `-${number}`
}

const amountText: Readonly<Record<DecimalSign, RegExp>> = {
  point: amountPattern('\\.', ','),
  comma: amountPattern(',', '\\.'),
}

function amountPattern(decimal: string, group: string): RegExp {
  const currency = '(?:\\p{Sc}|[A-Z]{3})?\\s*'
  // One separator between all groups, so that 1,234.567,8 is no amount.
  const groups = `[1-9]\\d{0,2}(?<by>${group}|[\\s'’])(?:\\d{2,3}\\k<by>)*\\d{3}`
  return new RegExp(
    `^${currency}(?<minus>[-−]?)\\s*${currency}(?<grouped>${groups}|\\d*)` +
      `(?:${decimal}(?<fraction>\\d+))?\\s*${currency}$`,
    'u',
  )
}
