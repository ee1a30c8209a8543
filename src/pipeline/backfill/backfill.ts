import type { AccountConfig } from '../../config.ts'
import {
  type BackfillRequest,
  type BackfillSpan,
  type BackfillStrategy,
  explainStrategy,
  readSpan,
  stateOf,
  strategyOf,
  type WindowState,
} from '../../extract/incremental/backfill-windows.ts'
import { readWindow } from '../../extract/paging/read-window.ts'
import { beginWindow } from '../../load/landing/land-page.ts'
import { readAhead } from '../../load/landing/read-ahead.ts'
import { listBackfillAttempts } from '../../load/runs/backfill-attempts.ts'
import { type Lease, pause } from '../../load/runs/lease.ts'
import { readReference } from '../../load/runs/reference.ts'
import { countListed } from '../../load/staging/stage.ts'
import { type AccountApi, type RequestGate, withAccountApi } from '../account-api.ts'
import { withLease, withRun } from '../account-run.ts'
import { requireAccounts } from '../accounts/accounts-in-force.ts'
import { forEachAccount } from '../accounts/for-each-account.ts'
import { openAccount } from '../accounts/open-account.ts'
import { readSecrets } from '../accounts/read-secrets.ts'
import { type Extraction, finishExtract } from '../extract-and-land.ts'
import { startLanding } from '../land-pages.ts'
import type { Run, RunContext } from '../run-context.ts'
import { withAskedAt } from '../run-events.ts'
import { addSummaries, type RunResult, type RunSummary, summarize } from '../run-summary.ts'
import { transformAndPublish } from '../transform-and-publish.ts'
import { type PlannedWindow, pauseBetweenWindowsMs, readWindowStates } from './backfill-plan.ts'

/** Clock and pause; tests set them otherwise. */
export interface Timing {
  readonly now?: Date
  /** Between two windows, in which the account is free. */
  readonly pauseMs?: number
}

/** An account whose history is read. */
interface History extends AccountApi {
  readonly account: AccountConfig
  readonly partnerAccountKey: number
  readonly strategy: BackfillStrategy
  readonly pauseMs: number
}

/**
 * Reads what was created between two days, window by window, each window published on its own, and
 * goes on where an earlier backfill stopped. Finished windows are left out; when all are finished,
 * all are read again. The watermark stays where it is, since later changes are the nightly run's.
 *
 * @throws CosellError `usage` when the days are not in order.
 */
export async function backfill(
  context: RunContext,
  request: BackfillRequest,
  { now = new Date(), pauseMs = pauseBetweenWindowsMs }: Timing = {},
): Promise<RunResult> {
  const { config } = context
  const span = readSpan(request, now)
  await requireAccounts(context)
  return forEachAccount(context, config.accounts, async (configured, ofAccount) => {
    const account = await readSecrets(ofAccount, configured)
    const partnerAccountKey = await openAccount(ofAccount, account)
    // One request budget per account: nothing is sent while another run holds the account.
    const gate: RequestGate = (ask) => withLease(ofAccount, partnerAccountKey, ask, 'backfill')
    return withAccountApi(ofAccount, { account, partnerAccountKey, gate }, (accountApi) => {
      const strategy = strategyOf(accountApi.capabilities)
      const history = { ...accountApi, account, partnerAccountKey, strategy, pauseMs }
      return readHistory(ofAccount, history, span)
    })
  })
}

async function readHistory(
  context: RunContext,
  history: History,
  span: BackfillSpan,
): Promise<RunSummary> {
  const { partnerAccountKey, strategy } = history
  const { logger } = context.log
  const windows = await readWindowStates(context, partnerAccountKey, span, strategy)
  const isAgain = windows.every(({ planned }) => planned.state === 'done')
  const toRead = windows.filter(({ planned }) => isAgain || planned.state !== 'done')
  const counts = { windows: windows.length, to_read: toRead.length }
  logger.info({ ...span, ...counts }, explainStrategy(strategy, span))
  if (isAgain) logger.info('every window was read before: all are read again')
  const done: RunSummary[] = []
  for (const [index, window] of toRead.entries()) {
    if (index > 0) await pause(history.pauseMs, context.signal)
    logger.info(
      { from: window.from, to: window.to, window: index + 1, of: toRead.length },
      'window',
    )
    const log = context.log.within(`window ${index + 1} of ${toRead.length}`)
    const ofWindow = { ...context, log }
    const use = (lease: Lease) => loadWindow(ofWindow, history, lease, window)
    const summary = await withLease(context, partnerAccountKey, use, 'backfill')
    if (summary !== null) done.push(summary)
  }
  return addSummaries(done)
}

/** Reads and publishes one window; null when another run has finished it since the plan was made. */
async function loadWindow(
  context: RunContext,
  history: History,
  lease: Lease,
  { planned, ...window }: PlannedWindow,
): Promise<RunSummary | null> {
  const { query } = context.warehouse
  const { logger } = context.log
  const attempts = await listBackfillAttempts(query, lease.partnerAccountKey, window)
  const present = stateOf(window, attempts, history.strategy)
  const wasDone = planned.state === 'done' && planned.runId === present.runId
  if (present.state === 'done' && !wasDone) {
    logger.info({ from: window.from, run_id: present.runId }, 'window was finished meanwhile')
    return null
  }
  const isBegun = present.state === 'unfinished'
  if (isBegun) {
    const rest = present.isRead ? 'all its pages were landed' : 'it goes on where it stopped'
    logger.info({ from: window.from, stopped_run_id: present.runId }, `window was begun: ${rest}`)
  }
  const start = isBegun ? present : { resumeAt: null, isRead: false }
  const reference = await readReference(query)
  const request = { lease, reference, mode: 'backfill', since: window.from, to: window.to } as const
  return withRun(context, request, async (run) => {
    const extraction = await landWindow(run, history, window, start)
    run.stopwatch.lap('extract_ms')
    const published = await transformAndPublish(run, {
      scope: 'unpublished',
      rowsRead: extraction.rows,
      watermark: null,
    })
    return summarize(run, extraction, published)
  })
}

async function landWindow(
  run: Run,
  { api, capabilities }: AccountApi,
  window: BackfillSpan,
  start: Pick<WindowState, 'resumeAt' | 'isRead'>,
): Promise<Extraction> {
  const { query } = run.warehouse
  const { runId } = run
  await beginWindow(query, { runId, windowNo: 1, ...window, resumeAt: start.resumeAt })
  const landing = startLanding(run)
  if (!start.isRead) {
    const pages = readWindow(api, capabilities, window, start.resumeAt)
    let no = 0
    for await (const [page, startMs] of readAhead(withAskedAt(pages))) {
      await landing.landPage(page)
      no += 1
      const { length: referrals } = page.referrals
      run.tell({ kind: 'page', no, referrals, startMs, endMs: Date.now() })
    }
  }
  return finishExtract(run, landing, {
    seen: await countListed(query, run.lease.partnerAccountKey, runId),
    ...run.asked(),
    isComplete: false,
    notFound: [],
    listedTotal: null,
    principal: api.principal(),
  })
}
