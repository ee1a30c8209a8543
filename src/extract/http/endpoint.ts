import { setMaxListeners } from 'node:events'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { Clock } from '../clock.ts'
import { openDispatcher } from './dispatcher.ts'
import { type NetworkVariables, routeTo } from './proxy.ts'
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts'
import type { RetryBudget } from './retry-budget.ts'
import { type Answer, createSendOnce, type Peer, type Request } from './send.ts'
import { type RequestCounts, type RetryContext, sendWithRetries } from './send-with-retries.ts'

// Connections go to two servers alone, or to them through a proxy: the API and the sign-in service,
// both from the configuration. No text of an answer can lead to a third: redirects are not followed,
// and of a next link only the query is used.

/** One of the two servers, with its connections, request budget and retries. */
export interface Endpoint {
  send(request: Request): Promise<Answer>
  /** Requests sent, retries included, and how many of them were answered by 429 or 509. */
  readonly counts: Readonly<RequestCounts>
  readonly rateLimiter: RateLimiter
  /** Its address, and whether it gave a good answer. */
  readonly peer: Readonly<Peer>
  close(): Promise<void>
}

export interface EndpointOptions {
  requestsPerMinute: number
  /** Rate that an earlier run learned; never above `requestsPerMinute`. */
  startingRate?: number | undefined
  concurrency: number
  /** End of the run, in the clock's monotonic milliseconds: no wait goes past it. */
  deadlineAt?: number | undefined
  clock: Clock
  retries: RetryBudget
  random?: (() => number) | undefined
  signal: AbortSignal
  timeouts?: Timeouts | undefined
  /** Variables that choose a proxy. */
  network: NetworkVariables
  /** Addresses that gave a good answer in an earlier run: scheme, host and port. */
  knownOrigins?: readonly string[] | undefined
  log: Logger
}

export interface Timeouts {
  connectMs: number
  headersMs: number
  /** Between two pieces of a body. */
  bodyIdleMs: number
  /** From sending to the last byte: a body that drips never reaches the idle limit. */
  totalMs: number
}

const defaultTimeouts: Timeouts = {
  connectMs: 10_000,
  headersMs: 30_000,
  bodyIdleMs: 30_000,
  totalMs: 120_000,
}

/** Opens the server that `setting` names. */
export function openEndpoint(
  base: URL,
  setting: RetryContext['setting'],
  options: EndpointOptions,
): Endpoint {
  const timeouts = options.timeouts ?? defaultTimeouts
  const { origin } = base
  const { network } = options
  const dispatcher = openDispatcher(base, {
    ...timeouts,
    connections: options.concurrency,
    network,
  })
  const peer = { origin, isKnown: options.knownOrigins?.includes(origin) ?? false }
  const context: RetryContext = {
    ...options,
    peer,
    route: routeTo(base, network),
    setting,
    sendOnce: createSendOnce(dispatcher, peer, { ...options, totalMs: timeouts.totalMs }),
    rateLimiter: createRateLimiter(options),
    counts: { requests: 0, throttled: 0 },
    random: options.random ?? Math.random,
  }
  // A pause that is not over goes on without anyone who waits for it.
  let throttledMsAtClose: number | undefined
  return {
    send: (request) => sendWithRetries(request, context),
    counts: {
      get requests() {
        return context.counts.requests
      },
      get throttled() {
        return context.counts.throttled
      },
      get throttledMs() {
        return throttledMsAtClose ?? context.rateLimiter.throttledMs
      },
    },
    rateLimiter: context.rateLimiter,
    peer,
    close: () => {
      throttledMsAtClose ??= context.rateLimiter.throttledMs
      return dispatcher.destroy()
    },
  }
}

/** Signal for everything sent until `end` is called, or until the given signal is aborted. */
export interface Lifetime {
  readonly signal: AbortSignal
  end(): void
}

export function createLifetime(outer: AbortSignal | undefined): Lifetime {
  const own = new AbortController()
  // Each request under way listens; the default warns of a leak at eleven.
  setMaxListeners(0, own.signal)
  const follow = () => own.abort(outer?.reason)
  outer?.addEventListener('abort', follow, { once: true })
  if (outer?.aborted) follow()
  return {
    signal: own.signal,
    end() {
      outer?.removeEventListener('abort', follow)
      own.abort(new CosellError('api.closed', 'The connection to the API was closed.'))
    },
  }
}

/** Address of a path below a base address, which may have a path itself. */
export function addressBelow(base: URL, path: string): URL {
  return new URL(base.pathname.replace(/\/+$/, '') + path, base)
}
