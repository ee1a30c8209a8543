import type { Logger } from '../../log.ts'
import type { Clock } from '../clock.ts'
import type { Route } from './proxy.ts'
import type { Permit, RateLimiter } from './rate-limiter.ts'
import { exhaustedError, type RequestFailure } from './request-failure.ts'
import { budgetExhausted, type RetryBudget } from './retry-budget.ts'
import { isThrottling, retryDelayMs } from './retry-delay.ts'
import type { Answer, Peer, Request, SendOnce } from './send.ts'

/** Requests of one connection, retries included. */
export interface RequestCounts extends CountedRequests {
  /** Milliseconds in which answers 429 or 509 made all requests wait. */
  readonly throttledMs: number
}

/** What is counted when it is sent or answered. */
export interface CountedRequests {
  requests: number
  /** Answers 429 or 509 among them. */
  throttled: number
}

/** Means and limits of sending to one server. */
export interface RetryContext {
  peer: Peer
  route: Route
  setting: 'COSELL_API_URL' | 'COSELL_AUTHORITY_URL'
  sendOnce: SendOnce
  rateLimiter: RateLimiter
  retries: RetryBudget
  /** Counted up by each try. */
  counts: CountedRequests
  clock: Clock
  random: () => number
  signal: AbortSignal
  log: Logger
}

/**
 * Sends until there is a final answer: a good one, or an error that a retry would not change.
 *
 * @throws CosellError when the tries of the request, the retries of the run or its time are used up
 */
export async function sendWithRetries(request: Request, context: RetryContext): Promise<Answer> {
  const { rateLimiter, clock, signal } = context
  context.retries.earn()
  for (let tries = 1; ; tries += 1) {
    const result = await rateLimiter.run(
      (permit) => attempt(request, tries, permit, context),
      signal,
    )
    if (!('delayMs' in result)) return result
    if (result.delayMs === 0) continue
    rateLimiter.checkWait(result.delayMs)
    await clock.sleep(result.delayMs, signal)
  }
}

/** Sends once; returns the answer, or how long to wait before the next try. */
async function attempt(
  request: Request,
  tries: number,
  permit: Permit,
  context: RetryContext,
): Promise<Answer | { delayMs: number }> {
  const { counts, signal, log } = context
  const headers = await request.headers()
  await permit.ready(signal)
  signal.throwIfAborted()
  counts.requests += 1
  const result = await context.sendOnce(request, headers)
  if (!('reason' in result)) {
    permit.succeeded()
    log.debug({ requestId: result.requestId, status: result.status }, request.what)
    return result
  }
  const delayMs = retryDelayMs(tries, result.reason, context.random(), context.peer.isKnown)
  const isPaused = pauseAllRequests(counts, permit, result, delayMs ?? 0)
  if (delayMs === null)
    throw exhaustedError(result, { ...context, ...context.peer, what: request.what, tries })
  if (!context.retries.take()) throw budgetExhausted(request.what, result.got)
  const { got, requestId } = result
  log.warn({ requestId, tries, delayMs: Math.round(delayMs), got }, `${request.what}: try again`)
  return { delayMs: isPaused ? 0 : delayMs }
}

/** Makes every request wait after a 429 or a Retry-After; returns whether this one waits as well. */
function pauseAllRequests(
  counts: RetryContext['counts'],
  permit: Permit,
  { reason }: RequestFailure,
  delayMs: number,
): boolean {
  if (reason.kind !== 'status') return false
  if (isThrottling(reason.status)) {
    counts.throttled += 1
    permit.throttled(reason.retryAfterMs ?? delayMs)
    return true
  }
  if (reason.retryAfterMs === null) return false
  permit.pause(reason.retryAfterMs)
  return true
}
