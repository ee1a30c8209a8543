import type { Command } from 'commander'
import { loadConfig } from '../../config.ts'
import type { BackfillRequest } from '../../extract/incremental/backfill-windows.ts'
import { backfill } from '../../pipeline/backfill.ts'
import { planBackfill } from '../../pipeline/backfill-plan.ts'
import { rebuild, run } from '../../pipeline/run.ts'
import type { RunEnvironment } from '../../pipeline/run-context.ts'
import { countRows, readAcvByFiscalYear } from '../../report/queries/status.ts'
import { type SandboxOptions, startSandbox } from '../../sandbox/api/sandbox-server.ts'
import type { OpenWarehouse } from '../../warehouse/open.ts'
import { command, examples, populationFlags } from '../help.ts'
import { type JsonFlag, log, say, toFailure } from '../output.ts'
import { ping } from '../ping.ts'
import { renderBackfillPlan } from '../text/backfill-plan.ts'
import { renderAcv, renderRun, renderTables } from '../text/run-summary.ts'
import { inRun } from '../with-warehouse.ts'
import { demoSettings, loadInventedRates, refuseForeignData } from './demo.ts'
import { defaultReport, writeReport } from './report.ts'

type Population = Pick<SandboxOptions, 'referrals' | 'seed' | 'change'>

/** What brings referrals into the warehouse. */
export function addLoading(program: Command) {
  populationFlags(
    command(program, 'demo', 'Run the whole pipeline over a simulated API; needs no settings.'),
  )
    .addHelpText('after', examples('cosell demo', 'cosell demo --change 25', 'cosell demo --json'))
    .action(demo)

  command(program, 'run', 'Read what changed in every account and publish it: the nightly job.')
    .option('--full', 'read everything, as the first run does')
    .addHelpText('after', examples('cosell run', 'cosell run --full', 'cosell run --json'))
    .action(({ json, full }: JsonFlag & { full?: true }) => nightly(json, full === true))

  command(
    program,
    'backfill',
    'Read history month by month, beside the nightly job; goes on where it stopped.',
  )
    .requiredOption('--from <day>', 'first day of creation, YYYY-MM-DD')
    .option('--to <day>', 'first day that is not read (tomorrow)')
    .option('--plan', 'show windows, calls and time, and change nothing')
    .addHelpText(
      'after',
      examples(
        'cosell backfill --from 2022-01-01 --plan',
        'cosell backfill --from 2022-01-01 --to 2024-01-01',
      ),
    )
    .action(readHistory)

  command(program, 'rebuild', 'Transform and publish again from the landing zone, without the API.')
    .addHelpText('after', examples('cosell rebuild', 'cosell rebuild --json'))
    .action(({ json }: JsonFlag) =>
      inRun(loadConfig(), async (environment) => {
        const summary = await rebuild(environment)
        say(json, summary, () => renderRun(summary))
      }),
    )
}

type BackfillFlags = JsonFlag & BackfillRequest & { readonly plan?: true }

function readHistory({ json, plan, ...request }: BackfillFlags) {
  return inRun(loadConfig(), async (environment) => {
    if (plan) {
      const planned = await planBackfill(environment, request)
      say(json, planned, () => renderBackfillPlan(planned.accounts))
    } else {
      const summary = await backfill(environment, request)
      say(json, summary, () => renderRun(summary))
    }
  })
}

async function nightly(json: true | undefined, full: boolean) {
  const config = loadConfig()
  const { pingUrl } = config
  try {
    await inRun(config, async (environment) => {
      const summary = await run(environment, full)
      say(json, summary, () => renderRun(summary))
      if (pingUrl !== undefined) await ping(pingUrl, 'done', summary, log.logger)
    })
  } catch (error) {
    const { code, exitCode } = toFailure(error)
    if (pingUrl !== undefined) await ping(pingUrl, 'failed', { code, exitCode }, log.logger)
    throw error
  }
}

async function demo({ json, ...population }: JsonFlag & Population) {
  const sandbox = await startSandbox(population)
  const config = loadConfig(demoSettings(sandbox.url))
  const keepRunning = true
  const use = async (environment: RunEnvironment & { warehouse: OpenWarehouse }) => {
    const { warehouse } = environment
    await refuseForeignData(warehouse)
    await loadInventedRates(warehouse, config.reportingCurrency, new Date())
    const summary = await run(environment, false)
    const tables = await countRows(warehouse.query)
    const acv = await readAcvByFiscalYear(warehouse.query)
    const report = defaultReport(config)
    // The invented business lives in its own time.
    await writeReport(warehouse, report, new Date(), sandbox.now().slice(0, 10))
    say(json, summary, () => {
      const parts = [renderRun(summary), renderTables(tables), renderAcv(acv)]
      return [...parts, lookAround(warehouse, report)].join('\n\n')
    })
  }
  await inRun(config, use, keepRunning).finally(() => sandbox.close())
}

function lookAround({ url, embedded }: OpenWarehouse, report: string): string {
  const lines = [
    'Look around:',
    `  ${report}  the report, for a browser`,
    `  psql '${url}'`,
    `Connection string for BI tools: ${url}`,
    'The embedded warehouse stays up; `npx cosell warehouse --stop` ends it.',
  ]
  return (embedded === undefined ? lines.slice(0, -1) : lines).join('\n')
}
