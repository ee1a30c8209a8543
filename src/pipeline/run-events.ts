import type { RequestCounts } from '../extract/http/send-with-retries.ts'
import type { RunMode } from '../load/runs/ledger.ts'
import type { RunSummary } from './run-summary.ts'

/** Part of a run that took time; both ends in milliseconds since 1970. */
export interface Span {
  readonly startMs: number
  readonly endMs: number
}

/** A stage that ended; one that `isCut` is the last of a run that failed. */
export interface StageEnd {
  readonly stage: 'extract' | 'transform' | 'publish'
  readonly isCut: boolean
}

/** What a run tells those that watch it, in the order in which it happens. */
export type RunEvent =
  | { readonly kind: 'begun'; readonly mode: RunMode; readonly atMs: number }
  | ({ readonly kind: 'stage' } & Span & StageEnd)
  | ({ readonly kind: 'page'; readonly no: number; readonly referrals: number } & Span)
  | { readonly kind: 'published'; readonly atMs: number; readonly summary: RunSummary }
  | ({ readonly kind: 'failed'; readonly atMs: number; readonly code: string } & RequestCounts)

/** The run that an event is of. */
export interface RunName {
  readonly account: string
  readonly runId: number
}

/** The end of an account in a command with all its requests, whether or not a run of it began. */
export interface AccountEnd extends RequestCounts {
  readonly kind: 'account'
  readonly account: string
  /** 0 when it published. */
  readonly exitCode: number
}

export type WatchedEvent = (RunEvent & RunName) | AccountEnd

/** Is told of every event, and neither throws nor waits. */
export type Observer = (event: WatchedEvent) => void

/** Yields each item with the time at which it was asked for, in milliseconds since 1970. */
export async function* withAskedAt<T>(
  source: AsyncIterable<T>,
): AsyncGenerator<readonly [item: T, askedAtMs: number]> {
  let askedAtMs = Date.now()
  for await (const item of source) {
    yield [item, askedAtMs]
    askedAtMs = Date.now()
  }
}
