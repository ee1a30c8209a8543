import type { Logger } from '../../log.ts'
import type { Answer } from '../api/api-errors.ts'
import type { Clock, Slot, Throttle } from './rate-limiter.ts'
import { type Failed, givenUp } from './request-failure.ts'
import { budgetExhausted, type RetryBudget } from './retry-budget.ts'
import { isThrottling, retryDelayMs } from './retry-delay.ts'

/** One of the two servers that are ever contacted. */
export interface Site {
  origin: string
  setting: 'COSELL_API_URL' | 'COSELL_AUTHORITY_URL'
  throttle: Throttle
  counts: { requests: number; throttled: number }
}

export interface Request {
  method: 'GET' | 'POST'
  path: string
  /** Method and path without the query, for people. */
  what: string
  /** Asked for each try, so that a token renewed during a long pause is used. */
  headers: () => Promise<Record<string, string>>
  body?: string
  /** Says why a body with status 200 cannot be used. */
  flawOf: (body: unknown) => string | null
}

/** One request and its whole body, as one thing that succeeds or fails. */
export type Send = (request: Request, headers: Record<string, string>) => Promise<Answer | Failed>

/**
 * Sends until there is an answer that asking again would not change: a good one, or a final refusal.
 *
 * @throws CosellError when the tries of the request, the retries of the run or its time are used up
 */
export function createExchange(context: {
  site: Site
  send: Send
  retries: RetryBudget
  clock: Clock
  random: () => number
  signal: AbortSignal
  log: Logger
}): (request: Request) => Promise<Answer> {
  const { site, retries, clock, signal, log } = context

  async function attempt(
    request: Request,
    tries: number,
    slot: Slot,
  ): Promise<Answer | { delayMs: number }> {
    const headers = await request.headers()
    await slot.ready(signal)
    signal.throwIfAborted()
    site.counts.requests += 1
    const result = await context.send(request, headers)
    if (!('trouble' in result)) {
      slot.accepted()
      log.debug({ requestId: result.requestId, status: result.status }, request.what)
      return result
    }
    const delayMs = retryDelayMs(tries, result.trouble, context.random())
    const isHeld = holdOthers(site, slot, result, delayMs ?? 0)
    if (delayMs === null) throw givenUp(result, { ...site, what: request.what, tries })
    if (!retries.take()) throw budgetExhausted(request.what, result.got)
    const { got, requestId } = result
    log.warn({ requestId, tries, delayMs: Math.round(delayMs), got }, `${request.what}: try again`)
    return { delayMs: isHeld ? 0 : delayMs }
  }

  return async (request) => {
    retries.earn()
    for (let tries = 1; ; tries += 1) {
      const result = await site.throttle.run((slot) => attempt(request, tries, slot), signal)
      if (!('delayMs' in result)) return result
      if (result.delayMs === 0) continue
      site.throttle.checkWait(result.delayMs)
      await clock.sleep(result.delayMs, signal)
    }
  }
}

/** Says whether the budget now keeps everybody, this request included, from sending too early. */
function holdOthers(site: Site, slot: Slot, { trouble }: Failed, delayMs: number): boolean {
  if (trouble.kind !== 'status') return false
  if (isThrottling(trouble.status)) {
    site.counts.throttled += 1
    slot.refused(trouble.retryAfterMs ?? delayMs)
    return true
  }
  if (trouble.retryAfterMs === null) return false
  slot.pause(trouble.retryAfterMs)
  return true
}
