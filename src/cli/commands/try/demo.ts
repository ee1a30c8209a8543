import { type Config, loadConfig } from '../../../config.ts'
import { checkHome } from '../../../doctor/settings-in-force.ts'
import { CosellError } from '../../../errors.ts'
import { loadRates, readReportingCurrency } from '../../../exchange-rates/store.ts'
import { listEnabled } from '../../../pipeline/accounts/accounts-in-force.ts'
import { demoAccount, holdsDemo } from '../../../pipeline/accounts/demo-account.ts'
import { importFiles } from '../../../pipeline/import/import-files.ts'
import { run } from '../../../pipeline/run.ts'
import type { RunResult } from '../../../pipeline/run-summary.ts'
import { readAcvByFiscalYear, readConvertedAcv } from '../../../report/queries/acv.ts'
import { countRows, readStatus } from '../../../report/queries/status.ts'
import { type SandboxOptions, startSandbox } from '../../../sandbox/api/sandbox-server.ts'
import { writeLatestDownloads } from '../../../sandbox/csv/file/latest-downloads.ts'
import { inventedRates } from '../../../sandbox/data/invented-rates.ts'
import { demoSettings } from '../../../sandbox/settings.ts'
import { openToBi } from '../../../warehouse/bi-connection.ts'
import type { Warehouse } from '../../../warehouse/connection/database.ts'
import { defaultReferrals, defaultSeed } from '../../help.ts'
import { type JsonFlag, log, printResult } from '../../output.ts'
import { renderDemo } from '../../text/demo.ts'
import { type LoadContext, type MetricsFlag, withRunContext } from '../../with-warehouse.ts'
import { defaultReport, writeReport } from '../look/report.ts'

type Population = Pick<SandboxOptions, 'referrals' | 'seed' | 'change'>
export type DemoFlags = JsonFlag & MetricsFlag & Population & { readonly fromCsv?: true }

/** Where the invented referrals come from. */
interface DemoSource {
  /** Address of the API in the settings. */
  readonly url: string
  /** Day of the invented business, as YYYY-MM-DD. */
  readonly day: string
  load(context: LoadContext): Promise<RunResult>
  close(): Promise<void>
}

/** Runs the pipeline over a simulated API, or over the files that a person downloads from it. */
export async function demo({ json, metricsFile, ...flags }: DemoFlags) {
  const source = flags.fromCsv ? await downloadedFiles(flags) : await simulatedApi(flags)
  log.end()
  const config = loadConfig(demoSettings(source.url))
  const use = async (context: LoadContext) => {
    const { warehouse, place } = context
    await requireHome(config)
    await refuseOtherAccounts(warehouse)
    log.progress({ phase: 'loading exchange rates' })
    await loadInventedRates(warehouse, config.reportingCurrency, new Date())
    const summary = await source.load(context)
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
    await writeReport(warehouse, report, new Date(), source.day)
    const bi = await openToBi(warehouse)
    printResult(json, { ...summary, warehouse: place, bi_url: bi.url }, (style) =>
      renderDemo({ summary, tables, acv, report, bi, day: source.day, ...nextSteps(flags) }, style),
    )
  }
  const watched = { command: 'demo', metricsFile }
  await withRunContext(config, use, { keepRunning: true, readsAccounts: true, watched }).finally(
    () => source.close(),
  )
}

async function simulatedApi(population: Population): Promise<DemoSource> {
  const { referrals, seed, change } = population
  const served = { referrals, seed, change, count: 'total' } as const
  const sandbox = await startSandbox(served, showInvented(referrals))
  return {
    url: sandbox.url,
    day: sandbox.now().slice(0, 10),
    load: (context) => run(context, false),
    close: () => sandbox.close(),
  }
}

/** No server listens at the address, and an import asks none. */
const noApi = 'http://127.0.0.1'

async function downloadedFiles(population: Population): Promise<DemoSource> {
  const files = await writeLatestDownloads(population, showInvented(population.referrals))
  const request = { paths: [files.folder], standardInput: process.stdin, asOf: files.day }
  return {
    url: noApi,
    day: files.day,
    load: (context) => importFiles(context, request),
    close: files.close,
  }
}

function showInvented(total: number) {
  return (done: number) => log.progress({ phase: 'inventing', done, total, unit: 'referrals' })
}

/** Arguments of a demo of the same partner in which 25 more referrals changed, and of its files. */
function nextSteps({ referrals, seed, change, fromCsv }: Omit<DemoFlags, 'json' | 'metricsFile'>) {
  const partner = [
    ...(referrals === defaultReferrals ? [] : [`--referrals ${referrals}`]),
    ...(seed === defaultSeed ? [] : [`--seed ${seed}`]),
  ]
  const changed = change === 0 ? [] : [`--change ${change}`]
  const source = fromCsv ? ['--from-csv'] : []
  return {
    nextNight: ['demo', ...source, ...partner, `--change ${change + 25}`].join(' '),
    writeFiles: fromCsv
      ? ['sandbox --write-csv downloads', ...partner, ...changed].join(' ')
      : undefined,
  }
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
 * @throws CosellError `configuration` when the warehouse holds referrals of another account, or has stored one.
 */
async function refuseOtherAccounts({ query }: Warehouse): Promise<void> {
  const loaded = (await readStatus(query)).filter(({ referrals }) => referrals > 0)
  const isHeld = await holdsDemo(query)
  const others = loaded.filter(({ account }) => !isHeld || account !== demoAccount)
  const stored = await listEnabled(query)
  const all = new Set([...others.map(({ account }) => account), ...stored])
  if (all.size === 0) return
  const names = [...all].join(', ')
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
