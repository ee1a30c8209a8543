import type { IncomingHttpHeaders } from 'node:http'
import { findHttpDates, parseHttpDate } from './http-date.ts'

/** Why a request gave nothing usable, as far as the decision to try again needs it. */
export type Trouble =
  | { kind: 'status'; status: number; retryAfterMs: number | null }
  /** Nobody listens there, or no such host. */
  | { kind: 'unreachable' }
  /** Reset, timed out, or cut in the middle of the body. */
  | { kind: 'interrupted' }
  /** A whole answer that is not what the contract says: no JSON, no envelope, unknown encoding. */
  | { kind: 'unusable' }
  /** The other side could not prove who it is. */
  | { kind: 'identity' }

const baseMs = 1_000
const capMs = 60_000
export const triesMax = 8

/**
 * Milliseconds to wait before the next try; `null` means give up. `attempt` counts the tries made,
 * `random` is in [0, 1). A time told by the server is kept to the millisecond, otherwise the wait is
 * drawn evenly from zero to an exponentially growing bound, so that many clients do not come back at once.
 */
export function retryDelayMs(attempt: number, trouble: Trouble, random: number): number | null {
  if (attempt >= triesFor(trouble)) return null
  if (trouble.kind === 'status' && trouble.retryAfterMs !== null) return trouble.retryAfterMs
  return random * Math.min(capMs, baseMs * 2 ** (attempt - 1))
}

function triesFor(trouble: Trouble): number {
  switch (trouble.kind) {
    case 'status':
      return triesForStatus(trouble.status)
    case 'interrupted':
      return triesMax
    // A wrong address stays wrong; a restarting server is back within seconds.
    case 'unreachable':
      return 4
    case 'unusable':
      return 2
    case 'identity':
      return 1
  }
}

function triesForStatus(status: number): number {
  if (status === 409 || status === 412) return 3
  if (status === 501 || status === 505) return 1
  return status >= 500 || [408, 423, 425, 429].includes(status) ? triesMax : 1
}

/** Whether the answer means that we send too much; 509 is documented as "bandwidth limit exceeded". */
export function isThrottling(status: number): boolean {
  return status === 429 || status === 509
}

/**
 * Milliseconds for which the server asks to be left alone; `null` when it does not say so
 * intelligibly. Of several values the longest counts. Dates are measured against the server's own
 * `Date`, because our clock may be wrong by minutes.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, nowMs: number): number | null {
  const { dates, rest } = findHttpDates(joined(headers['retry-after']), nowMs)
  const serverNowMs = parseHttpDate(joined(headers.date), nowMs) ?? nowMs
  const waits = [
    ...dates.map((date) => date - serverNowMs),
    ...numbers(rest).map((seconds) => seconds * 1_000),
    ...numbers(joined(headers['retry-after-ms'])),
    ...numbers(joined(headers['x-ms-retry-after-ms'])),
  ]
  const longest = Math.ceil(Math.max(0, ...waits))
  return longest > 0 ? longest : null
}

function joined(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

function numbers(list: string): number[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => /^\d{1,15}(?:\.\d{1,9})?$/.test(item))
    .map(Number)
}
