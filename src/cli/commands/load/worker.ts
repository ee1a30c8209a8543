import { loadConfig } from '../../../config.ts'
import { workersDefault } from '../../../pipeline/accounts/workers.ts'
import { keepErased } from '../../../pipeline/erase/keep-erased.ts'
import { loadQueueLibrary } from '../../../queue/load-library.ts'
import { prepareQueue } from '../../../queue/prepare.ts'
import { type JobReport, work } from '../../../queue/work.ts'
import { keepBiLogin } from '../../../warehouse/bi-connection.ts'
import { abortController, type JsonFlag, log, printResult } from '../../output.ts'
import { startWatch } from '../../telemetry/watch.ts'
import { renderJob } from '../../text/load/queue.ts'
import { announce, withWarehouse } from '../../with-warehouse.ts'

export type WorkerFlags = JsonFlag & { readonly workers?: number }

/** Loads what waits on the queue, until it is stopped; prints a line, or a paragraph, a job. */
export async function workQueue({ json, workers = workersDefault }: WorkerFlags) {
  const config = loadConfig()
  const library = await loadQueueLibrary()
  const place = announce(config)
  const report = (ended: JobReport) =>
    printResult(json, { ...lineOf(ended), warehouse: place }, () => renderJob(ended))
  // The connections of one more leave the queue its own, so that no load keeps a heartbeat waiting.
  const connections = { workers: workers + 1 }
  await withWarehouse(
    config,
    async (warehouse) => {
      await prepareQueue(library, warehouse, log.logger)
      await keepBiLogin(warehouse, log.logger)
      const { signal } = abortController
      const context = { config, warehouse, log, signal }
      await keepErased(context)
      const watch = (command: string) => startWatch(config, { command }, log.logger)
      await work(context, { library, workers, report, watch })
    },
    connections,
  )
}

/** The line of a job for machines: the last line of its run, with what became of the job. */
function lineOf({ job, kind, account, tries, next, retry_seconds, result, failure }: JobReport) {
  const { code, message, exitCode: exit_code } = failure ?? {}
  const failed = failure === undefined ? {} : { status: 'failed', code, message, exit_code }
  return { job, kind, account, tries, next, retry_seconds, ...failed, ...result }
}
