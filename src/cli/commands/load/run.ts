import { loadConfig } from '../../../config.ts'
import { run } from '../../../pipeline/run.ts'
import { type JsonFlag, log, toFailure } from '../../output.ts'
import { ping } from '../../ping.ts'
import {
  type LoadContext,
  type MetricsFlag,
  printRun,
  withRunContext,
} from '../../with-warehouse.ts'

export type RunFlags = JsonFlag & MetricsFlag & { readonly full?: true }

/** Runs the nightly job, and reports its end to the dead-man's switch where one is configured. */
export async function runAndPing({ json, full, metricsFile }: RunFlags) {
  const config = loadConfig()
  try {
    const use = async (context: LoadContext) => {
      const result = await run(context, full === true)
      printRun(json, context.place, result)
      // A monitor is another company's: it gets counts, and no name.
      const { accounts: _, ...summary } = result
      await ping(config, 'done', summary, log.logger)
    }
    const watched = { command: 'run', metricsFile }
    await withRunContext(config, use, { readsAccounts: true, watched })
  } catch (error) {
    const { code, exitCode } = toFailure(error)
    await ping(config, 'failed', { code, exitCode }, log.logger)
    throw error
  }
}
