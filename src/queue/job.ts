import type { FailureKind } from '../exit-codes.ts'
import type { BackfillRequest } from '../extract/incremental/backfill-windows.ts'

// Pure: what a job is, and when it is tried again.

/** What a job loads: one account, what changed or what was created in a span. */
export type JobData =
  | { readonly kind: 'run'; readonly account: string }
  | ({ readonly kind: 'backfill'; readonly account: string } & BackfillRequest)

/** Returns the key of which the queue holds one job that waits, runs or is tried again later. */
export function keyOf(job: JobData): string {
  if (job.kind === 'run') return `run ${job.account}`
  return `backfill ${job.account} ${job.from} ${job.to ?? ''}`.trimEnd()
}

/** What follows from the end of a job; `pauseSeconds` before it is tried again. */
export type Verdict =
  | { readonly next: 'none' }
  | { readonly next: 'given_up' }
  | { readonly next: 'again'; readonly pauseSeconds: number }

/** Pauses before the tries that follow the first, in minutes; later ones are as long as the last. */
const pauseMinutes = [1, 2, 5, 10, 15, 30, 60] as const
/** With these pauses some 14 hours; the next night puts a new job on the queue. */
const triesMax = 20

/**
 * Decides about a job of which `failure` is the kind of its failure, undefined for none, at its try
 * number `tries`. What may be well later is tried again after a pause, and what a signal ended at once, by
 * another worker. Anything else takes a person, or would fail the same way.
 */
export function verdictOf(failure: FailureKind | undefined, tries: number): Verdict {
  switch (failure) {
    case undefined:
      return { next: 'none' }
    case 'interrupted':
    case 'terminated':
    case 'hangup':
      return { next: 'again', pauseSeconds: 0 }
    case 'tryAgainLater':
    case 'accountHeld': {
      if (tries >= triesMax) return { next: 'given_up' }
      const minutes = pauseMinutes[Math.min(tries, pauseMinutes.length) - 1] ?? 1
      return { next: 'again', pauseSeconds: minutes * 60 }
    }
    default:
      return { next: 'given_up' }
  }
}
