/**
 * Days and instants as text, in UTC. JavaScript's `Date` is not used: it keeps three fraction
 * digits where the source sends seven, turns 30 February into 1 March, and knows the local zone.
 */
export type ParsedInstant =
  /** `isAssumed` marks a time without zone, read as UTC, and a day without time. */
  | { kind: 'instant'; value: string; isAssumed?: true }
  /** `0001-01-01T00:00:00`, what .NET writes for "not set". */
  | { kind: 'unset' }
  /** Written as an instant, but impossible (30 February, 24:00) or outside 2000..2099. */
  | { kind: 'implausible' }
  | { kind: 'invalid' }

export type CalendarDateRule = 'nearest_midnight' | 'utc'

const firstDate = '2000-01-01'
const lastDate = '2099-12-31'
const minutesOfDay = 24 * 60
/** Largest offset from UTC on earth, and the largest that .NET represents. */
const offsetMinutesMax = 14 * 60

const instantText =
  /^(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$/
const bareText = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?)?$/
const unsetText = /^0001-01-01[Tt]00:00:00(?:\.0+)?(?:[Zz]|[+-]\d\d:\d\d)?$/

const unset: ParsedInstant = { kind: 'unset' }
const implausible: ParsedInstant = { kind: 'implausible' }
const invalid: ParsedInstant = { kind: 'invalid' }

/**
 * Reads RFC 3339 strictly: date, `T`, time with any number of fraction digits, and `Z` or an
 * offset. The value is in UTC with exactly six fraction digits, truncated and never rounded, so
 * that a watermark is not later than the instant it came from. A leap second is implausible. A time
 * without zone is taken as UTC, and a day without time as its first instant.
 */
export function parseInstant(wire: string): ParsedInstant {
  const usual = usualInstant(wire, 6)
  if (usual !== null && digitsAt(usual, 0) === 20) return { kind: 'instant', value: usual }
  if (wire.startsWith('0001') && unsetText.test(wire)) return unset
  const match = instantText.exec(wire)
  if (match === null) return parseBare(wire)
  const value = universalTime(match, 6)
  if (value === null) return implausible
  const date = value.slice(0, 10)
  return date < firstDate || date > lastDate ? implausible : { kind: 'instant', value }
}

function parseBare(wire: string): ParsedInstant {
  const completed = completedInstant(wire)
  if (completed === null) return invalid
  const parsed = parseInstant(completed)
  return parsed.kind === 'instant' ? { ...parsed, isAssumed: true } : parsed
}

/** The text with what it lacks to be an instant in UTC; null when it lacks more than zone and time. */
function completedInstant(wire: string): string | null {
  const match = bareText.exec(wire)
  if (match === null) return null
  const [, date = '', hour = '00', minute = '00', second = '00'] = match
  return `${date}T${hour}:${minute}:${second}Z`
}

/**
 * Text of a source time that orders as the instants do: UTC with exactly seven fraction digits.
 * Any other text gives '' and so comes first.
 */
export function sortableInstant(wire: string): string {
  const usual = usualInstant(wire, 7)
  if (usual !== null) return usual
  const match = instantText.exec(wire)
  if (match !== null) return universalTime(match, 7) ?? ''
  const completed = completedInstant(wire)
  return completed === null ? '' : sortableInstant(completed)
}

const instantLayout = '0000-00-00T00:00:00'
const zeros = '0000000'

/**
 * Result of `universalTime` for a possible instant with capital `T` and `Z`, as nearly all are:
 * no match object, no strings of parts, a sixth less for reading a referral. Null for other text.
 */
function usualInstant(wire: string, fractionDigits: number): string | null {
  const end = wire.length - 1
  const dot = instantLayout.length
  if (end < dot || wire.charCodeAt(end) !== letterZ) return null
  for (let index = 0; index < dot; index++) {
    const expected = instantLayout.charCodeAt(index)
    const code = wire.charCodeAt(index)
    if (expected === zero ? code < zero || code > nine : code !== expected) return null
  }
  if (end > dot && (end === dot + 1 || wire.charCodeAt(dot) !== point)) return null
  for (let index = dot + 1; index < end; index++) {
    const code = wire.charCodeAt(index)
    if (code < zero || code > nine) return null
  }
  if (digitsAt(wire, 11) > 23 || digitsAt(wire, 14) > 59 || digitsAt(wire, 17) > 59) return null
  if (!isDate(wire)) return null
  const missing = fractionDigits - Math.max(0, end - dot - 1)
  if (missing === 0) return wire
  if (missing < 0) return `${wire.slice(0, missing - 1)}Z`
  return `${wire.slice(0, end)}${end === dot ? '.' : ''}${zeros.slice(0, missing)}Z`
}

const zero = 48
const nine = 57
const point = 46
const letterZ = 90

/** The matched instant in UTC with `digits` fraction digits; null when the calendar lacks it. */
function universalTime(match: RegExpExecArray, fractionDigits: number): string | null {
  const [, date = '', hour = '', minute = '', second = '', fraction = '', utc] = match
  if (!isDate(date) || hour > '23' || minute > '59' || second > '59') return null
  const tail = `${second}.${fraction.slice(0, fractionDigits).padEnd(fractionDigits, '0')}Z`
  if (utc !== undefined) return `${date}T${hour}:${minute}:${tail}`

  const [, , , , , , , sign, offsetHour = '', offsetMinute = ''] = match
  const offset = Number(offsetHour) * 60 + Number(offsetMinute)
  if (offsetMinute > '59' || offset > offsetMinutesMax) return null
  const local = dayNumber(date) * minutesOfDay + Number(hour) * 60 + Number(minute)
  const minutes = sign === '-' ? local + offset : local - offset
  const day = Math.floor(minutes / minutesOfDay)
  const ofDay = minutes - day * minutesOfDay
  const shifted = dateOfDay(day)
  // Outside the years of four digits, where text no longer orders as instants do.
  if (day < 0 || shifted.length > 10) return null
  return `${shifted}T${twoDigits(Math.floor(ofDay / 60))}:${twoDigits(ofDay % 60)}:${tail}`
}

/** UTC day of an instant given by `parseInstant`. */
export function utcDate(instant: string): string {
  return instant.slice(0, 10)
}

/**
 * Day that a person picked in a local calendar, of an instant given by `parseInstant`. Pickers send
 * local midnight in UTC (18:30 from India, 03:00 from Argentina), so an exact quarter hour means
 * the nearest UTC midnight; any other time of day, and rule `utc`, means the UTC day.
 */
export function calendarDate(instant: string, rule: CalendarDateRule): string {
  const date = utcDate(instant)
  // Noon is as near to both. It is midnight in New Zealand and Fiji; UTC-12 is uninhabited.
  if (rule === 'utc' || instant.slice(11, 13) < '12' || !isQuarterHour(instant)) return date
  return date === lastDate ? date : addDays(date, 1)
}

function isQuarterHour(instant: string): boolean {
  return /^.{14}(?:00|15|30|45):00\.0+Z$/.test(instant)
}

/** The day `months` later, the last of its month when that month is too short. */
export function addMonths(date: string, months: number): string {
  const month = yearOf(date) * 12 + monthOf(date) - 1 + months
  const year = Math.floor(month / 12)
  const monthOfYear = month - year * 12 + 1
  return dateText(year, monthOfYear, Math.min(dayOf(date), daysInMonth(year, monthOfYear)))
}

export function addDays(date: string, days: number): string {
  const day = dayOf(date) + days
  // Most steps are one day back or forth inside a month.
  if (day >= 1 && day <= 28) return date.slice(0, 8) + twoDigits(day)
  return dateOfDay(dayNumber(date) + days)
}

/** Days from one date to the other, negative when `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return dayNumber(to) - dayNumber(from)
}

/** Calendar months from the month of `from` to the month of `to`, whatever the days. */
export function monthsApart(from: string, to: string): number {
  return (yearOf(to) - yearOf(from)) * 12 + monthOf(to) - monthOf(from)
}

/**
 * Days from one instant of `parseInstant` to another as text with two decimals, half away from
 * zero; negative when `to` is earlier.
 */
export function daysBetweenInstants(from: string, to: string): string {
  // At most 100 years of microseconds: 3.2e15, which a double still counts exactly.
  const microseconds =
    daysBetween(from, to) * 86_400_000_000 + microsecondsOfDay(to) - microsecondsOfDay(from)
  const span = Math.abs(microseconds)
  const hundredthOfDay = 864_000_000
  const rest = span % hundredthOfDay
  const hundredths = (span - rest) / hundredthOfDay + (2 * rest >= hundredthOfDay ? 1 : 0)
  const sign = microseconds < 0 && hundredths > 0 ? '-' : ''
  return `${sign}${Math.floor(hundredths / 100)}.${twoDigits(hundredths % 100)}`
}

function microsecondsOfDay(instant: string): number {
  const minutes = digitsAt(instant, 11) * 60 + digitsAt(instant, 14)
  return (minutes * 60 + digitsAt(instant, 17)) * 1_000_000 + Number(instant.slice(20, 26))
}

function isDate(date: string): boolean {
  const month = monthOf(date)
  const day = dayOf(date)
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(yearOf(date), month)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

// Day numbers of the proleptic Gregorian calendar. Years are taken to begin in March, so that the
// leap day is the last of its year and month lengths follow (153 * month + 2) / 5; a span of 400
// years has 146,097 days.
function dayNumber(date: string): number {
  const month = monthOf(date)
  const year = month > 2 ? yearOf(date) : yearOf(date) - 1
  const monthFromMarch = month > 2 ? month - 3 : month + 9
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  return year * 365 + leapDays + Math.floor((153 * monthFromMarch + 2) / 5) + dayOf(date) - 1
}

function dateOfDay(number: number): string {
  const era = Math.floor(number / 146_097)
  const dayOfEra = number - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return dateText(era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
}

function dateText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : `${number}`
}

function yearOf(date: string): number {
  return digitsAt(date, 0) * 100 + digitsAt(date, 2)
}

function monthOf(date: string): number {
  return digitsAt(date, 5)
}

function dayOf(date: string): number {
  return digitsAt(date, 8)
}

function digitsAt(text: string, index: number): number {
  return (text.charCodeAt(index) - 48) * 10 + text.charCodeAt(index + 1) - 48
}

/** UTC date of an instant; null stays null. */
export function dateOf(instant: string | null): string | null {
  return instant === null ? null : utcDate(instant)
}

/** Days from one date to another, at least 0; null while one of them is missing. */
export function wholeDays(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, daysBetween(from, to))
}
