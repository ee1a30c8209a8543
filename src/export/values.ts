// Pure: values as PostgreSQL writes them in text, in a session with ISO dates in UTC.

const dayMs = 86_400_000
const microsPerMs = 1_000n

/**
 * Returns the digits of a decimal without its point: `-0.5000` is -5000n at scale 4.
 *
 * @throws SyntaxError for NaN, which has no digits.
 */
export function unscaled(text: string): bigint {
  return BigInt(text.replace('.', ''))
}

/** Returns the text of a decimal with `scale` digits after its point. */
export function withPoint(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const part = scale === 0 ? '' : `.${digits.slice(-scale)}`
  return `${value < 0n ? '-' : ''}${whole}${part}`
}

/**
 * Returns the days from 1970-01-01 to a day of the years 1 to 9999.
 *
 * @throws RangeError for `infinity` and other years, which no file type has.
 */
export function dayNumber(text: string): number {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) throw new RangeError('a day of the years 1 to 9999')
  return Date.parse(`${text}T00:00:00Z`) / dayMs
}

/**
 * Returns an instant as ISO text in UTC: `2026-06-30 08:00:00.25+00` is `2026-06-30T08:00:00.25Z`.
 *
 * @throws RangeError for `infinity` and years beyond 1 to 9999.
 */
export function isoInstant(text: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00$/.exec(text) ?? []
  if (day === undefined) throw new RangeError('an instant of the years 1 to 9999, in UTC')
  return `${day}T${time}Z`
}

/** Returns the microseconds from 1970 to an instant. @throws RangeError as `isoInstant`. */
export function microseconds(text: string): bigint {
  const iso = isoInstant(text)
  const second = Date.parse(`${iso.slice(0, 19)}Z`)
  const fraction = iso.slice(20, -1).padEnd(6, '0')
  return BigInt(second) * microsPerMs + BigInt(fraction)
}
