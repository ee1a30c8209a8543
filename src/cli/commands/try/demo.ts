import { type Config, loadConfig } from '../../../config.ts'
import { checkHome } from '../../../doctor/settings-in-force.ts'
import { CosellError } from '../../../errors.ts'
import { loadRates, readReportingCurrency } from '../../../exchange-rates/store.ts'
import { demoAccount, holdsDemo } from '../../../pipeline/accounts/demo-account.ts'
import { run } from '../../../pipeline/run.ts'
import { readAcvByFiscalYear, readConvertedAcv } from '../../../report/queries/acv.ts'
import { countRows, readStatus } from '../../../report/queries/status.ts'
import { type SandboxOptions, startSandbox } from '../../../sandbox/api/sandbox-server.ts'
import { inventedRates } from '../../../sandbox/data/invented-rates.ts'
import { demoSettings } from '../../../sandbox/settings.ts'
import { openToBi } from '../../../warehouse/bi-connection.ts'
import type { Warehouse } from '../../../warehouse/connection/database.ts'
import { defaultReferrals, defaultSeed } from '../../help.ts'
import { type JsonFlag, log, printResult } from '../../output.ts'
import { renderDemo } from '../../text/demo.ts'
import { type LoadContext, withRunContext } from '../../with-warehouse.ts'
import { defaultReport, writeReport } from '../look/report.ts'

export type DemoFlags = JsonFlag & Pick<SandboxOptions, 'referrals' | 'seed' | 'change'>

/** Runs the pipeline over a simulated API. */
export async function demo({ json, ...population }: DemoFlags) {
  const total = population.referrals
  const sandbox = await startSandbox({ ...population, count: 'total' }, (done) =>
    log.progress({ phase: 'inventing', done, total, unit: 'referrals' }),
  )
  log.end()
  const config = loadConfig(demoSettings(sandbox.url))
  const use = async (context: LoadContext) => {
    const { warehouse, place } = context
    await requireHome(config)
    await refuseOtherAccounts(warehouse)
    log.progress({ phase: 'loading exchange rates' })
    await loadInventedRates(warehouse, config.reportingCurrency, new Date())
    const summary = await run(context, false)
    log.progress({ phase: 'counting rows' })
    const tables = await countRows(warehouse.query)
    const acv = {
      reportingCurrency: await readReportingCurrency(warehouse.query),
      converted: await readConvertedAcv(warehouse.query),
      signed: await readAcvByFiscalYear(warehouse.query),
    }
    log.progress({ phase: 'drawing the report' })
    const report = defaultReport(config)
    // The invented business has a calendar of its own.
    await writeReport(warehouse, report, new Date(), sandbox.now().slice(0, 10))
    const bi = await openToBi(warehouse)
    printResult(json, { ...summary, warehouse: place, bi_url: bi.url }, (style) =>
      renderDemo({ summary, tables, acv, report, bi, nextNight: nextNight(population) }, style),
    )
  }
  await withRunContext(config, use, { keepRunning: true, readsAccounts: true }).finally(() =>
    sandbox.close(),
  )
}

/** Arguments of a demo of the same partner, in which 25 more referrals changed. */
function nextNight({ referrals, seed, change }: Omit<DemoFlags, 'json'>): string {
  const partner = [
    ...(referrals === defaultReferrals ? [] : [`--referrals ${referrals}`]),
    ...(seed === defaultSeed ? [] : [`--seed ${seed}`]),
  ]
  return ['demo', ...partner, `--change ${change + 25}`].join(' ')
}

/** @throws CosellError `configuration` before anything is loaded, when the report has no place. */
async function requireHome(config: Config): Promise<void> {
  const { status, detail, remedy } = await checkHome(config)
  if (status !== 'fail') return
  throw new CosellError('report.not_written', `The report has no place: ${detail}. ${remedy}`)
}

/**
 * Keeps invented referrals out of a warehouse that holds real ones.
 *
 * @throws CosellError `configuration` when the warehouse holds referrals of another account.
 */
async function refuseOtherAccounts({ query }: Warehouse): Promise<void> {
  const loaded = (await readStatus(query)).filter(({ referrals }) => referrals > 0)
  const isHeld = await holdsDemo(query)
  const others = loaded.filter(({ account }) => !isHeld || account !== demoAccount)
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
