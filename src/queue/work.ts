import { once, setMaxListeners } from 'node:events'
import { CosellError, PartialFailure } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { withStoredAccounts } from '../pipeline/accounts/accounts-in-force.ts'
import { backfill } from '../pipeline/backfill/backfill.ts'
import { run } from '../pipeline/run.ts'
import type { RunContext } from '../pipeline/run-context.ts'
import type { Observer } from '../pipeline/run-events.ts'
import type { RunResult } from '../pipeline/run-summary.ts'
import { lastStepMsMax, limitRun, unlessStalled } from '../pipeline/watchdog.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import { requireUpToDate } from '../warehouse/migrate/migrate.ts'
import type { OpenWarehouse } from '../warehouse/open.ts'
import { type JobData, type Verdict, verdictOf } from './job.ts'
import {
  type Boss,
  connectQueue,
  type JobEnd,
  type QueueLibrary,
  queueName,
  type TakenJob,
  within,
} from './library.ts'
import { stopQueue } from './prepare.ts'

/** How one job ended, and what becomes of it. */
export interface JobReport {
  /** Id of the job. */
  readonly job: string
  readonly kind: JobData['kind']
  readonly account: string
  /** Number of this try. */
  readonly tries: number
  /** `none` when it is done, `again` when it is tried again, `given_up` when it needs a person. */
  readonly next: Verdict['next']
  /** Seconds until it is tried again; null when it is not. */
  readonly retry_seconds: number | null
  /** Sums of its runs; absent when it failed before it reached its account. */
  readonly result: RunResult | undefined
  /** Why it failed; absent when it is done. */
  readonly failure: CosellError | undefined
}

export interface WorkRequest {
  readonly library: QueueLibrary
  /** Jobs side by side. */
  readonly workers: number
  /** Is told how each job ended. */
  report(ended: JobReport): void
  /** Begins to watch a job; `end` is told its exit code. */
  watch(kind: JobData['kind']): {
    readonly observe: Observer
    /** Is told of which accounts it may be, before its run. */
    opened(warehouse: OpenWarehouse, inForce: RunContext['config']): Promise<void>
    end(exitCode: number): Promise<void>
  }
}

type WorkContext = RunContext & { readonly warehouse: OpenWarehouse }

/** A new job waits for so long at most. */
const lookForJobsSeconds = 2
/** As many as Node.js takes for a leak when there is one. */
const listenersPerJob = 10

/**
 * Takes jobs from the queue until the signal of the context. It then takes none any more, ends those that
 * are under way at their next safe point, and puts them back. Each job is a run or a backfill of its own,
 * under the lease of its account.
 *
 * @throws CosellError `configuration` when another version of cosell migrated the warehouse meanwhile; the
 * job is put back.
 */
export async function work(context: WorkContext, request: WorkRequest): Promise<void> {
  const { warehouse, log } = context
  const { library, workers } = request
  const unfit = new AbortController()
  const signal = AbortSignal.any([context.signal, unfit.signal])
  setMaxListeners(listenersPerJob * workers, context.signal, signal)
  const boss = connectQueue(library, warehouse, log.logger, { supervise: true })
  await boss.start()
  const handle = async ([job]: readonly TakenJob[]): Promise<JobEnd[]> => {
    if (job === undefined) return []
    if (signal.aborted) {
      // It was asked for before the worker was stopped. Nothing was begun, so there is nothing to report.
      const failure = signal.reason as CosellError
      const nothing = { ...nameOf(job), result: undefined, failure }
      return [await settle(context, boss, job, putBack, nothing)]
    }
    const ended = await loadJob({ ...context, signal }, request, job)
    // A newer cosell has taken over, which this process cannot become.
    if (ended.failure?.code.startsWith('migrate.')) unfit.abort(ended.failure)
    const verdict = unfit.signal.aborted ? putBack : verdictOf(ended.failure?.kind, ended.tries)
    const end = await settle(context, boss, job, verdict, ended)
    const seconds = verdict.next === 'again' ? verdict.pauseSeconds : null
    request.report({ ...ended, next: verdict.next, retry_seconds: seconds })
    return [end]
  }
  try {
    await boss.work(
      queueName,
      {
        batchSize: 1,
        localConcurrency: workers,
        pollingIntervalSeconds: lookForJobsSeconds,
        perJobResults: true,
      },
      handle,
    )
    log.logger.info({ workers }, 'waiting for jobs')
    if (!signal.aborted) await once(signal, 'abort')
    await boss.offWork(queueName, { wait: true })
  } finally {
    await stopQueue(boss)
  }
  if (unfit.signal.aborted) throw unfit.signal.reason
}

const putBack: Verdict = { next: 'again', pauseSeconds: 0 }

type EndedJob = Omit<JobReport, 'next' | 'retry_seconds'>

function nameOf({ id, data: { kind, account }, retryCount }: TakenJob) {
  return { job: id, kind, account, tries: retryCount + 1 }
}

/** Loads the account of a job; it never throws. */
async function loadJob(
  context: WorkContext,
  { watch }: Pick<WorkRequest, 'watch'>,
  job: TakenJob,
): Promise<EndedJob> {
  const { id, data } = job
  const told = nameOf(job)
  const { account, kind } = told
  const log = context.log.within(account, { job: id })
  const { config, signal: stopped } = context
  const controller = new AbortController()
  const { signal } = controller
  const stop = () => controller.abort(stopped.reason)
  const lose = () => controller.abort(lostClaim(account))
  if (stopped.aborted) stop()
  stopped.addEventListener('abort', stop, { once: true })
  job.signal.addEventListener('abort', lose, { once: true })
  const { deadlineAt, mustEnd, stop: stopLimits } = limitRun(controller, config.runDeadlineMinutes)
  log.logger.info({ account, kind, tries: told.tries }, 'job begins')
  const watched = watch(kind)
  let failure: CosellError | undefined
  let result: RunResult | undefined
  try {
    const ofJob = { ...context, log, signal, stalled: mustEnd, deadlineAt }
    const loading = load({ ...ofJob, observe: watched.observe }, watched, data)
    result = await unlessStalled(loading, mustEnd, 4 * lastStepMsMax)
  } catch (error) {
    if (error instanceof PartialFailure) result = error.result as RunResult
    else if (signal.aborted) failure = signal.reason
    failure ??= databaseFailure(error)
  } finally {
    stopLimits()
    stopped.removeEventListener('abort', stop)
    // pg-boss aborts it behind a job that ended well, too: findings/queue-signal-aborts-after-success.sh.
    job.signal.removeEventListener('abort', lose)
  }
  await watched.end(failure?.exitCode ?? exitCodes.done.code)
  return { ...told, result, failure }
}

async function load(
  context: WorkContext,
  watched: ReturnType<WorkRequest['watch']>,
  data: JobData,
): Promise<RunResult> {
  const { config, warehouse } = context
  await requireUpToDate(warehouse.query)
  // Accounts of the warehouse change while a worker waits.
  const inForce = await withStoredAccounts(config, warehouse.query)
  await watched.opened(warehouse, inForce)
  const account = inForce.accounts.find(({ name }) => name === data.account)
  if (account === undefined) throw unknownAccount(data.account)
  const ofOne = { ...context, config: { ...inForce, accounts: [account] } }
  return data.kind === 'run' ? run(ofOne, false) : backfill(ofOne, data)
}

/**
 * Returns what pg-boss is to do with a job. A pause before the next try is entered here, together with its
 * failure, so that no other worker takes it in between.
 */
async function settle(
  { warehouse, log }: RunContext,
  boss: Boss,
  job: TakenJob,
  verdict: Verdict,
  { failure, result, kind, account }: EndedJob,
): Promise<JobEnd> {
  const { id } = job
  const output = {
    exit_code: failure?.exitCode ?? exitCodes.done.code,
    code: failure?.code ?? null,
    run_ids: result?.run_ids ?? [],
  }
  const fields = { account, kind, job: id, code: output.code, next: verdict.next }
  if (verdict.next === 'none') {
    log.logger.info(fields, 'job done')
    return { id, status: 'completed', output }
  }
  log.logger[verdict.next === 'given_up' ? 'error' : 'warn'](
    { ...fields, ...(verdict.next === 'again' ? { retry_seconds: verdict.pauseSeconds } : {}) },
    verdict.next === 'given_up' ? 'job given up' : 'job goes back to the queue',
  )
  if (verdict.next === 'given_up') return { id, status: 'deadletter', output }
  const { pauseSeconds } = verdict
  if (pauseSeconds > 0) {
    const pause = warehouse.query.transaction().execute(async (transaction) => {
      const db = within(transaction)
      await boss.fail(queueName, [job], output, { db })
      await boss.update(queueName, undefined, { id, startAfter: pauseSeconds, db })
    })
    await pause.catch((error: unknown) => {
      const { code } = databaseFailure(error)
      log.logger.warn({ ...fields, code }, 'the pause of the job was not entered')
    })
  }
  // Of a job that was failed above nothing is left to settle.
  return { id, status: 'failed', output }
}

function lostClaim(account: string): CosellError {
  const text =
    `Account ${account}: the queue has given this job to another worker, since it did not hear of this ` +
    'one in time; nothing was published in part.'
  return new CosellError('queue.claim_lost', text)
}

function unknownAccount(account: string): CosellError {
  const text =
    `Account ${account}: the queue has a job for it, and neither the settings of this worker nor an enabled ` +
    'account of the warehouse name it. Give every worker the same accounts, then run `cosell enqueue`.'
  return new CosellError('queue.unknown_account', text)
}
