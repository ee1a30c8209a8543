// Pure: days as ISO text, reckoned in UTC.

const dayMs = 86_400_000

/** Days from one day to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / dayMs)
}

export function addDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * dayMs).toISOString().slice(0, 10)
}

/** Whether text is a day of the calendar, such as 2026-06-30. */
export function isDay(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && addDays(text, 0) === text
  )
}

/** Last day of the month before that of a day. */
export function monthEndBefore(day: string): string {
  return addDays(`${day.slice(0, 7)}-01`, -1)
}

/** The day of a year before; of 29 February the 28th. */
export function yearBefore(day: string): string {
  const same = `${String(Number(day.slice(0, 4)) - 1).padStart(4, '0')}${day.slice(4)}`
  return isDay(same) ? same : `${same.slice(0, 8)}28`
}
