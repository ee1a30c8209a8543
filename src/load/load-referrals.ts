import { retryTransient } from '../warehouse/connection/retry-transient.ts'
import { initialLoad } from './initial/initial-load.ts'
import { publish } from './publish/publish.ts'
import type { LoadRun, LoadTask, PublishResult } from './publish/publish-task.ts'
import { clearListed, clearStage, stageRows } from './staging/stage.ts'

/**
 * Publishes transformed referrals: by an initial load where the account has no rows yet, otherwise,
 * or when PostgreSQL rejects a row of it, through the staging tables. Transient failures are
 * retried from the empty stage on.
 *
 * @throws CosellError as `publish`.
 */
export async function loadReferrals(run: LoadRun, task: LoadTask): Promise<PublishResult> {
  const { warehouse, lease } = run
  try {
    return await retryTransient(async () => {
      await clearStage(warehouse.query, lease)
      return (await initialLoad(run, task)) ?? (await stageAndPublish(run, task))
    })
  } finally {
    // Staged rows hold people too. A failure here means that the lease or the database is gone; the
    // next run empties the stage before it begins.
    await clearStage(warehouse.query, lease).catch(() => undefined)
    await clearListed(warehouse.query, lease, task.runId).catch(() => undefined)
  }
}

async function stageAndPublish({ warehouse, lease }: LoadRun, task: LoadTask) {
  const staged = await stageRows(warehouse, lease, task.batches())
  return publish(warehouse, lease, { ...task, staged, rowsRead: task.rowsRead() })
}
