import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { loadRates, readReportingCurrency } from '../../../exchange-rates/store.ts'
import { run } from '../../../pipeline/run.ts'
import { countRows, readAcvByFiscalYear, readStatus } from '../../../report/queries/status.ts'
import { type SandboxOptions, startSandbox } from '../../../sandbox/api/sandbox-server.ts'
import { inventedRates } from '../../../sandbox/data/invented-rates.ts'
import { demoAccount, demoSettings } from '../../../sandbox/settings.ts'
import type { Warehouse } from '../../../warehouse/connection/database.ts'
import { addCommand, addPopulationOptions, examples } from '../../help.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { renderDemo } from '../../text/demo.ts'
import { type LoadContext, withRunContext } from '../../with-warehouse.ts'
import { defaultReport, writeReport } from '../look/report.ts'

type DemoFlags = JsonFlag & Pick<SandboxOptions, 'referrals' | 'seed' | 'change'>

/** Adds the command that runs the pipeline over a simulated API. */
export function addDemo(program: Command) {
  addPopulationOptions(
    addCommand(program, 'demo', 'Run the whole pipeline over a simulated API; needs no settings.'),
  )
    .addHelpText('after', examples('cosell demo', 'cosell demo --change 25', 'cosell demo --json'))
    .action(demo)
}

async function demo({ json, ...population }: DemoFlags) {
  const sandbox = await startSandbox(population)
  const config = loadConfig(demoSettings(sandbox.url))
  const use = async (context: LoadContext) => {
    const { warehouse, place } = context
    await refuseOtherAccounts(warehouse)
    await loadInventedRates(warehouse, config.reportingCurrency, new Date())
    const summary = await run(context, false)
    const tables = await countRows(warehouse.query)
    const acv = await readAcvByFiscalYear(warehouse.query)
    const report = defaultReport(config)
    // The invented business has a calendar of its own.
    await writeReport(warehouse, report, new Date(), sandbox.now().slice(0, 10))
    const { url, embedded } = warehouse
    const isEmbedded = embedded !== undefined
    printResult(json, { ...summary, warehouse: place }, () =>
      renderDemo({ summary, tables, acv, report, url, isEmbedded }),
    )
  }
  await withRunContext(config, use, { keepRunning: true, readsAccounts: true }).finally(() =>
    sandbox.close(),
  )
}

/**
 * Keeps invented referrals out of a warehouse that holds real ones.
 *
 * @throws CosellError `configuration` when the warehouse holds referrals of another account.
 */
async function refuseOtherAccounts({ query }: Warehouse): Promise<void> {
  const loaded = (await readStatus(query)).filter(({ referrals }) => referrals > 0)
  const others = loaded.filter(({ account }) => account !== demoAccount)
  if (others.length === 0) return
  const names = others.map(({ account }) => account).join(', ')
  const text =
    `The warehouse holds other accounts (${names}); the demo would mix invented referrals with them. ` +
    'Set COSELL_HOME to another folder, or COSELL_DATABASE_URL to an empty database.'
  throw new CosellError('demo.not_empty', text)
}

/** Loads invented rates so that amounts can be converted. Has no effect once real rates exist. */
export async function loadInventedRates(
  { query }: Warehouse,
  configuredCurrency: string | undefined,
  now: Date,
): Promise<void> {
  const quotes = inventedRates(now.getTime()).map(({ currency, date, perDollar }) => ({
    currency,
    date,
    baseUnits: '1',
    currencyUnits: perDollar,
  }))
  const reportingCurrency = configuredCurrency ?? (await readReportingCurrency(query))
  await loadRates(query, reportingCurrency, { source: 'sandbox', base: 'USD', quotes })
}
