/** Order of day and month in dates that do not begin with the year. */
export type DateOrder = 'mdy' | 'dmy'

/** What one cell shows about the order of its file. */
export type DateEvidence =
  /** A date in this order alone. */
  | DateOrder
  /** A date in both orders, and another one in each. */
  | 'either'
  /** A date in no order, or one that is the same in both. */
  | 'none'

const yearMin = 2000
const yearMax = 2099

const dateText = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})\.?(?:(?:T|,?\s+)(\S.*))?$/
const timeText =
  /^(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:\.(\d{1,9}))?)?(?:\s*(?:([AaPp])\.?[Mm]\.?|([Zz])))?$/

/**
 * Returns what a cell shows about the order of day and month. Dates with points are day first, as
 * no country writes them with the month first, unless only that makes a date.
 */
export function dateEvidence(cell: string): DateEvidence {
  const match = dateText.exec(cell)
  if (match === null) return 'none'
  const [, first = '', separator, second = '', third = ''] = match
  if (first.length > 2) return 'none'
  const isMdy = calendarDay(third, first, second) !== null
  const isDmy = calendarDay(third, second, first) !== null
  if (isMdy !== isDmy) return isMdy ? 'mdy' : 'dmy'
  if (!isMdy || Number(first) === Number(second)) return 'none'
  return separator === '.' ? 'dmy' : 'either'
}

/**
 * Returns the date of a cell as YYYY-MM-DD, or as `YYYY-MM-DDThh:mm:ssZ` when it has a time of day
 * other than midnight; null for any other text and for a year outside 2000 to 2099. Years of two
 * digits are 20YY. A date that begins with a year of four digits has no other order.
 */
export function readDate(cell: string, order: DateOrder): string | null {
  const match = dateText.exec(cell)
  if (match === null) return null
  const [, first = '', , second = '', third = '', time] = match
  let day: string | null
  if (first.length > 2) day = third.length > 2 ? null : calendarDay(first, second, third)
  else if (order === 'mdy') day = calendarDay(third, first, second)
  else day = calendarDay(third, second, first)
  if (day === null || time === undefined) return day
  const clock = timeOfDay(time)
  if (clock === null) return null
  return /^[0:.]+$/.test(clock) ? day : `${day}T${clock}Z`
}

function calendarDay(yearDigits: string, monthDigits: string, dayDigits: string): string | null {
  if (yearDigits.length !== 2 && yearDigits.length !== 4) return null
  const year = yearDigits.length === 2 ? 2000 + Number(yearDigits) : Number(yearDigits)
  const [month, day] = [Number(monthDigits), Number(dayDigits)]
  if (year < yearMin || year > yearMax || month < 1 || month > 12 || day < 1) return null
  if (day > daysInMonth(year, month)) return null
  return `${year}-${twoDigits(month)}-${twoDigits(day)}`
}

function daysInMonth(year: number, month: number): number {
  // Every fourth year of 2000 to 2099 is a leap year.
  if (month === 2) return year % 4 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function timeOfDay(text: string): string | null {
  const match = timeText.exec(text)
  if (match === null) return null
  const [, hourDigits = '', minute = '', second = '00', fraction, half] = match
  const hour = hourOf(Number(hourDigits), half?.toLowerCase())
  if (hour === null || minute > '59' || second > '59') return null
  return `${twoDigits(hour)}:${minute}:${second}${fraction === undefined ? '' : `.${fraction}`}`
}

function hourOf(hour: number, half: string | undefined): number | null {
  if (half === undefined) return hour > 23 ? null : hour
  if (hour < 1 || hour > 12) return null
  return (hour % 12) + (half === 'p' ? 12 : 0)
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : `${number}`
}
