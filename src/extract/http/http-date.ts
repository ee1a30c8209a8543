const months = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** Date forms of RFC 9110, 5.6.7: IMF-fixdate, RFC 850 and asctime. */
const forms = [
  /(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT/,
  /(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT/,
  /(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})/,
]

/** Returns the HTTP dates in a header value (milliseconds since 1970) and the rest of the text. */
export function findHttpDates(text: string, nowMs: number): { dates: number[]; rest: string } {
  const dates: number[] = []
  let rest = text
  for (const form of forms) {
    rest = rest.replaceAll(new RegExp(form, 'g'), (...match) => {
      const groups = match.at(-1) as Record<'day' | 'month' | 'year' | 'time', string>
      const instant = toInstant(groups, nowMs)
      if (instant !== null) dates.push(instant)
      return ''
    })
  }
  return { dates, rest }
}

/** Milliseconds since 1970 of one HTTP date; `null` when the text is not exactly one. */
export function parseHttpDate(text: string | undefined, nowMs: number): number | null {
  const { dates, rest } = findHttpDates(text ?? '', nowMs)
  return dates.length === 1 && rest.trim() === '' ? (dates[0] ?? null) : null
}

function toInstant(
  parts: { day: string; month: string; year: string; time: string },
  nowMs: number,
): number | null {
  const month = months.indexOf(parts.month) / 3
  if (!Number.isInteger(month) || month < 0) return null
  const year =
    Number(parts.year) + (parts.year.length === 2 ? century(Number(parts.year), nowMs) : 0)
  const [hour = 0, minute = 0, second = 0] = parts.time.split(':').map(Number)
  if (hour > 23 || minute > 59 || second > 60) return null
  return Date.UTC(year, month, Number(parts.day), hour, minute, second)
}

/** Century of a two-digit year: more than 50 years ahead means the one before (RFC 9110). */
function century(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const base = thisYear - (thisYear % 100)
  return base + twoDigits > thisYear + 50 ? base - 100 : base
}
