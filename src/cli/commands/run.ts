import type { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { run } from '../../pipeline/run.ts'
import { addCommand, examples } from '../help.ts'
import { type JsonFlag, log, printResult, toFailure } from '../output.ts'
import { ping } from '../ping.ts'
import { renderRun } from '../text/run-summary.ts'
import { withRunContext } from '../with-warehouse.ts'

type RunFlags = JsonFlag & { readonly full?: true }

/** Adds the nightly job. */
export function addRun(program: Command) {
  addCommand(program, 'run', 'Read what changed in every account and publish it: the nightly job.')
    .option('--full', 'read everything, as the first run does')
    .addHelpText('after', examples('cosell run', 'cosell run --full', 'cosell run --json'))
    .action(runAndPing)
}

/** Runs the nightly job, and reports its end to the dead-man's switch where one is configured. */
async function runAndPing({ json, full }: RunFlags) {
  const config = loadConfig()
  const { pingUrl } = config
  try {
    await withRunContext(config, async (context) => {
      const summary = await run(context, full === true)
      printResult(json, summary, () => renderRun(summary))
      if (pingUrl !== undefined) await ping(pingUrl, 'done', summary, log.logger)
    })
  } catch (error) {
    const { code, exitCode } = toFailure(error)
    if (pingUrl !== undefined) await ping(pingUrl, 'failed', { code, exitCode }, log.logger)
    throw error
  }
}
