import type { AccountConfig } from '../config.ts'
import type { Capabilities } from '../extract/api/capabilities.ts'
import type { ReferralsApi } from '../extract/api/referrals-api.ts'
import {
  type BackfillRequest,
  type BackfillSpan,
  type BackfillStrategy,
  explainStrategy,
  readSpan,
  stateOf,
  strategyOf,
  type WindowState,
} from '../extract/incremental/backfill-windows.ts'
import { readWindow } from '../extract/paging/read-window.ts'
import { beginWindow } from '../load/landing/land-page.ts'
import { enterAccount } from '../load/runs/accounts.ts'
import { listBackfillAttempts } from '../load/runs/backfill-attempts.ts'
import { type Lease, pause } from '../load/runs/lease.ts'
import { type Reference, readReference } from '../load/runs/reference.ts'
import { countListed } from '../load/staging/stage.ts'
import { type Contact, inContact, type Turn } from './account-api.ts'
import { eachAccount, inRun, underLease } from './account-run.ts'
import { pauseBetweenWindowsMs, readStates, type WindowToRead } from './backfill-plan.ts'
import { conclude } from './extract-and-land.ts'
import { startLanding } from './land-pages.ts'
import type { RunEnvironment } from './run-context.ts'
import { addUp, type RunSummary, startStopwatch, summarize } from './run-summary.ts'
import { stageAndPublish } from './transform-and-publish.ts'

/** What tests set otherwise. */
export interface Timing {
  readonly now?: Date
  /** Between two windows, in which the account is free. */
  readonly pauseMs?: number
}

/** An account whose history is read. */
interface Reading {
  readonly environment: RunEnvironment
  readonly key: number
  readonly api: ReferralsApi
  readonly capabilities: Capabilities
  readonly strategy: BackfillStrategy
  readonly pauseMs: number
}

/**
 * Reads what was created between two days, window by window, each published by itself, and goes on
 * where an earlier try stopped. Windows that are done are left out, unless all are: then all are
 * read again. The watermark stays where it is: what changed is the nightly run's.
 *
 * @throws CosellError `usage` when the days are not in order.
 */
export async function backfill(
  environment: RunEnvironment,
  request: BackfillRequest,
  { now = new Date(), pauseMs = pauseBetweenWindowsMs }: Timing = {},
): Promise<RunSummary> {
  const { config, warehouse } = environment
  const span = readSpan(request, now)
  return eachAccount(config.accounts, environment, async (account) => {
    const key = await enterAccount(warehouse.query, account)
    // One budget per account: whatever sends requests waits for its turn.
    const turn: Turn = (ask) => underLease(environment, key, ask, 'backfill')
    const read = ({ api, capabilities }: Contact) => {
      const strategy = strategyOf(capabilities)
      const reading = { environment, key, api, capabilities, strategy, pauseMs }
      return readHistory(reading, account, span)
    }
    return inContact(environment, key, account, read, turn)
  })
}

async function readHistory(
  reading: Reading,
  { name: account }: AccountConfig,
  span: BackfillSpan,
): Promise<RunSummary> {
  const { environment, key, strategy, pauseMs } = reading
  const { logger } = environment.log
  const states = await readStates(environment, key, span, strategy)
  const isAgain = states.every(({ planned }) => planned.state === 'done')
  const turns = states.filter(({ planned }) => isAgain || planned.state !== 'done')
  const counts = { windows: states.length, to_read: turns.length }
  logger.info({ account, ...span, ...counts }, explainStrategy(strategy, span))
  if (isAgain) logger.info({ account }, 'every window was read before: all are read again')
  const done: RunSummary[] = []
  for (const [index, turn] of turns.entries()) {
    if (index > 0) await pause(pauseMs, environment.signal)
    logger.info({ from: turn.from, to: turn.to, window: index + 1, of: turns.length }, 'window')
    const take = (lease: Lease) => readTurn(reading, lease, turn)
    const summary = await underLease(environment, key, take, 'backfill')
    if (summary !== null) done.push(summary)
  }
  return addUp(done)
}

/** Reads and publishes one window; null when another run has finished it since the plan was made. */
async function readTurn(
  reading: Reading,
  lease: Lease,
  turn: WindowToRead,
): Promise<RunSummary | null> {
  const { environment, key, strategy } = reading
  const { warehouse, log } = environment
  const attempts = await listBackfillAttempts(warehouse.query, key, turn)
  const present = stateOf(turn, attempts, strategy)
  const wasDone = turn.planned.state === 'done' && turn.planned.runId === present.runId
  if (present.state === 'done' && !wasDone) {
    log.logger.info({ from: turn.from, run_id: present.runId }, 'window was finished meanwhile')
    return null
  }
  const isBegun = present.state === 'unfinished'
  if (isBegun) {
    const rest = present.isRead ? 'all its pages were landed' : 'it goes on where it stopped'
    log.logger.info({ from: turn.from, stopped_run_id: present.runId }, `window was begun: ${rest}`)
  }
  const start = isBegun ? present : { resumeAt: null, isRead: false }
  const reference = await readReference(warehouse.query)
  const window = { from: turn.from, to: turn.to }
  const span = { mode: 'backfill', since: window.from, to: window.to } as const
  return inRun(environment, lease, span, async (runId) => {
    const stopwatch = startStopwatch()
    const read = await landWindow(reading, lease, { runId, reference, window, start })
    stopwatch.lap('extract_ms')
    const published = await stageAndPublish(environment, lease, stopwatch, {
      runId,
      reference,
      scope: 'unpublished',
      rowsRead: read.rows,
      watermark: null,
    })
    return summarize(runId, read, published, stopwatch.stages)
  })
}

interface WindowRead {
  readonly runId: number
  readonly reference: Reference
  readonly window: BackfillSpan
  /** Where to begin. When its pages are landed already, nothing is left to ask for. */
  readonly start: Pick<WindowState, 'resumeAt' | 'isRead'>
}

async function landWindow(reading: Reading, lease: Lease, read: WindowRead) {
  const { environment, api, capabilities } = reading
  const { query } = environment.warehouse
  const { runId, reference, window, start } = read
  const before = { ...api.counts }
  const startedAt = new Date().toISOString()
  await beginWindow(query, { runId, windowNo: 1, ...window, resumeAt: start.resumeAt })
  const landing = startLanding({ ...environment, query, lease, runId, secret: reference.secret })
  if (!start.isRead) {
    const pages = readWindow(api, capabilities, window, start.resumeAt)
    for await (const page of pages) await landing.land(page)
  }
  const extracted = {
    seen: await countListed(query, lease.partnerAccountKey, runId),
    requests: api.counts.requests - before.requests,
    throttled: api.counts.throttled - before.throttled,
    isComplete: false,
    principal: api.principal(),
  }
  return conclude(environment, { lease, runId, reference, startedAt }, landing, extracted)
}
