import type { IncomingHttpHeaders } from 'node:http'
import { findHttpDates, parseHttpDate } from './http-date.ts'

/** Reason why a try failed, as far as the decision to retry needs it. */
export type FailureReason =
  | { kind: 'status'; status: number; retryAfterMs: number | null }
  /** Connection refused, or no such host. */
  | { kind: 'unreachable' }
  /** Reset, timed out, or cut in the middle of the body. */
  | { kind: 'interrupted' }
  /** A whole answer that breaks the contract. */
  | { kind: 'unusable'; form: UnusableForm }
  /** The certificate or the TLS of the peer is not accepted; `code` as OpenSSL or Node.js names it. */
  | { kind: 'identity'; code: string }
  /** A proxy that opens no tunnel, also at a later try. */
  | { kind: 'refusedByProxy' }

/**
 * Form of an answer that breaks the contract: a page or no text of ours (HTML, an empty or damaged
 * body, another encoding), JSON without what was asked for, or more than is read.
 */
export type UnusableForm = 'notJson' | 'otherJson' | 'tooLarge'

const baseMs = 1_000
const capMs = 60_000
const triesMax = 8

/**
 * Milliseconds to wait before the next try; `null` when there is none. `attempt` counts the tries
 * made, `random` is in [0, 1). `isKnown` says that the address gave a good answer before: then a page
 * instead of JSON, or a redirect, comes from something in between and passes like a 503. At first
 * contact it means a wrong address.
 *
 * A request that gets 429 is tried eight times; `createRateLimiter` slows down all others meanwhile.
 * A Retry-After is obeyed to the millisecond. Without one the wait is drawn evenly from zero to an
 * exponentially growing bound, so that many clients do not come back at once.
 */
export function retryDelayMs(
  attempt: number,
  reason: FailureReason,
  random: number,
  isKnown = false,
): number | null {
  if (attempt >= triesFor(reason, isKnown)) return null
  if (reason.kind === 'status' && reason.retryAfterMs !== null) return reason.retryAfterMs
  return random * Math.min(capMs, baseMs * 2 ** (attempt - 1))
}

function triesFor(reason: FailureReason, isKnown: boolean): number {
  switch (reason.kind) {
    case 'status':
      return isKnown && isRedirect(reason.status) ? triesMax : triesForStatus(reason.status)
    case 'interrupted':
      return triesMax
    // A wrong address stays wrong; a restarting server is back within seconds.
    case 'unreachable':
      return 4
    case 'unusable':
      return isKnown && reason.form !== 'tooLarge' ? triesMax : 2
    case 'identity':
    case 'refusedByProxy':
      return 1
  }
}

function triesForStatus(status: number): number {
  if (status === 409 || status === 412) return 3
  if (status === 501 || status === 505) return 1
  return status >= 500 || [408, 423, 425, 429].includes(status) ? triesMax : 1
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

/** Whether a status means that we send too much: 429, or 509 ("bandwidth limit exceeded"). */
export function isThrottling(status: number): boolean {
  return status === 429 || status === 509
}

/**
 * Pause in milliseconds that an answer asks for; `null` when it has none that can be read. The
 * longest of several values counts. Dates are compared with the server's own `Date`, because our
 * clock may be wrong by minutes.
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
