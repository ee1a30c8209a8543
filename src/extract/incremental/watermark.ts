import dayjs from 'dayjs'

/**
 * Returns the watermark after a read: the latest source time seen, but never past the start of the
 * read and never back. A row dated in the future must not hide what comes after it. The result has
 * seven fraction digits, as many as the source sends. A text that is not an instant in UTC counts as
 * nothing.
 */
export function advanceWatermark(
  before: string | null,
  latest: string | null,
  startedAt: string,
): string | null {
  const old = paddedInstant(before)
  const start = paddedInstant(startedAt)
  const seen = paddedInstant(latest)
  const reached = seen > start ? start : seen
  return (reached > old ? reached : old) || null
}

const utcInstant = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00)$/

/** Returns an instant as text that sorts by time, with seven fraction digits; else an empty text. */
function paddedInstant(text: string | null): string {
  const [, second = '', fraction = ''] = utcInstant.exec(text ?? '') ?? []
  const whole = dayjs(`${second}Z`)
  // 30 February and 24:00 would move on to the next day.
  if (second === '' || !whole.isValid() || !whole.toISOString().startsWith(second)) return ''
  return `${second}.${fraction.slice(0, 7).padEnd(7, '0')}Z`
}
