import { retryTransient } from '../warehouse/connection/retry-transient.ts'
import { type EarlyLoad, initialLoad } from './initial/initial-load.ts'
import { publish } from './publish/publish.ts'
import type { LoadRun, LoadTask, PublishResult } from './publish/publish-task.ts'
import { clearListed, clearStage, stageRows } from './staging/stage.ts'

/**
 * Publishes transformed referrals: by an initial load where the account has no rows yet, otherwise,
 * or when PostgreSQL rejects a row of it, through the staging tables. Transient failures are
 * retried from the empty stage on. An `early` load, which began while the source was read, comes first.
 *
 * @throws CosellError as `publish`.
 */
export async function loadReferrals(
  run: LoadRun,
  task: LoadTask,
  early?: EarlyLoad,
): Promise<PublishResult> {
  const { warehouse, lease } = run
  let isStageEmpty = false
  try {
    const loaded = await early?.published
    if (loaded !== undefined) return loaded
    return await retryTransient(async () => {
      await clearStage(warehouse.query, lease)
      const loaded = await initialLoad(run, task)
      if (loaded !== undefined) return loaded
      const staged = await stageRows(warehouse, lease, task.batches())
      isStageEmpty = staged.size === 0
      return publish(warehouse, lease, { ...task, staged, ...task.atEnd() })
    })
  } finally {
    // Staged rows hold people too. The next run of the account empties what is left.
    if (!isStageEmpty) {
      await cleanUp(run, 'the staged rows', () => clearStage(warehouse.query, lease))
    }
    await cleanUp(run, 'the list of referrals read', () =>
      clearListed(warehouse.query, lease, task.runId),
    )
  }
}

/** Runs a step after which the run is over, however it ended: a failure is logged. */
async function cleanUp({ log, lease }: LoadRun, what: string, step: () => Promise<unknown>) {
  try {
    await step()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const account = lease.partnerAccountKey
    log.logger.warn({ account, what, reason }, 'not removed: `cosell doctor` shows what is left')
  }
}
