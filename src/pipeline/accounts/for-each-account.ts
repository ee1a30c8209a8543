import pLimit from 'p-limit'
import { databaseFailure } from '../../warehouse/connection/database.ts'
import type { RunContext } from '../run-context.ts'
import type { Observer } from '../run-events.ts'
import { addSummaries, type RunResult, type RunSummary, type Stage } from '../run-summary.ts'
import { lastStepMsMax, unlessStalled } from '../watchdog.ts'
import { type AccountLoad, AccountsFailed, concludeLoads, gravestOf } from './account-outcomes.ts'
import { FirstPages } from './first-pages.ts'
import { RequestTally } from './request-tally.ts'

/**
 * Loads accounts, up to `workers` of the context side by side in the order in which they are given. One
 * that fails or hangs keeps no other from being loaded: each ends on its own.
 *
 * @throws AccountsFailed when accounts failed and the context does not tolerate as many.
 */
export async function forEachAccount<A extends { readonly name: string }>(
  context: RunContext,
  accounts: readonly A[],
  load: (account: A, context: RunContext) => Promise<RunSummary>,
): Promise<RunResult> {
  const { workers = 1, tolerated = 0 } = context
  const limit = pLimit(workers)
  const firstPages = new FirstPages()
  const loads = await limit.map(accounts, (account, index) => {
    const place = accounts.length === 1 ? undefined : `${index + 1} of ${accounts.length}`
    return loadAccount({ ...context, firstPages }, account, load, place)
  })
  const result = concludeLoads(loads, tolerated)
  const gravest = gravestOf(loads.flatMap(({ failure }) => failure ?? []))
  if (gravest === undefined || result.exit_code === 0) return result
  throw new AccountsFailed(gravest, result)
}

/** Loads one account and says how it ended; it never throws. `place` tells it from others. */
async function loadAccount<A extends { readonly name: string }>(
  context: RunContext,
  account: A,
  load: (account: A, context: RunContext) => Promise<RunSummary>,
  place: string | undefined,
): Promise<AccountLoad> {
  const { signal, stalled } = context
  const { name } = account
  const part = place === undefined ? undefined : `${name} (${place})`
  const log = context.log.within(part, { account: name })
  const watched = watchRuns(context.observe)
  const tally = new RequestTally()
  const ofAccount: RunContext = {
    ...context,
    log,
    account: name,
    observe: watched.observe,
    tally,
  }
  const startedAt = performance.now()
  const end = (given: Pick<AccountLoad, 'summary' | 'failure'>): AccountLoad => {
    const exitCode = given.failure?.exitCode ?? 0
    context.observe?.({ kind: 'account', account: name, exitCode, ...tally.since() })
    return { account: name, ...given, durationMs: performance.now() - startedAt }
  }
  if (signal.aborted) return end({ summary: addSummaries([]), failure: signal.reason })
  try {
    log.logger.info('account begins')
    // What hangs outside of a lease, such as the first sign-in, ends here.
    const work = load(account, ofAccount)
    const summary = await unlessStalled(work, stalled, 3 * lastStepMsMax)
    return end({ summary, failure: undefined })
  } catch (error) {
    const failure = signal.aborted ? signal.reason : databaseFailure(error)
    log.end()
    // The command ends with the reason of its only account, and it is needed once.
    const isSaidLater = part === undefined || signal.aborted || stalled?.aborted === true
    const text = isSaidLater ? 'account failed' : failure.message
    log.logger.error({ code: failure.code }, text)
    const { requests, throttled, throttledMs } = tally.since()
    const { begun: run_ids, stages } = watched
    const summary = {
      ...addSummaries(watched.published),
      ...{ run_ids, requests, throttled, throttled_ms: Math.round(throttledMs), stages },
      duration_ms: Object.values(stages).reduce((sum, ms) => sum + ms, 0),
    }
    return end({ summary, failure })
  }
}

/** Remembers what the runs of an account tell, on its way to the observer. */
function watchRuns(observe: Observer | undefined) {
  const begun: number[] = []
  const published: RunSummary[] = []
  const stages: Record<Stage, number> = { extract_ms: 0, transform_ms: 0, publish_ms: 0 }
  return {
    begun,
    published,
    /** Milliseconds, those of a stage that was cut among them. */
    stages,
    observe: ((event) => {
      if (event.kind === 'begun') begun.push(event.runId)
      if (event.kind === 'published') published.push(event.summary)
      if (event.kind === 'stage') {
        stages[`${event.stage}_ms`] += Math.round(event.endMs - event.startMs)
      }
      observe?.(event)
    }) satisfies Observer,
  }
}
