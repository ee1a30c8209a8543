#!/usr/bin/env node
import { Argument, Command, CommanderError } from 'commander'
import { backfill } from './backfill.ts'
import { planBackfill } from './backfill-plan.ts'
import { examples, exitCodeHelp, wholeNumber } from './cli/help.ts'
import { aborted, listenToSignals } from './cli/signals.ts'
import { type Config, loadConfig, variableHelp } from './config.ts'
import { demoSettings, refuseForeignData, sandboxSettings } from './demo.ts'
import { readSignIns } from './doctor/sign-in-age.ts'
import { diagnose, exitKindOf } from './doctor.ts'
import { CosellError, exitCodes } from './errors.ts'
import type { BackfillRequest } from './extract/backfill-windows.ts'
import { ping } from './extract/ping.ts'
import { databaseFailure } from './load/database.ts'
import { stopEmbedded } from './load/embedded.ts'
import { countRows, readAcvByFiscalYear, readStatus } from './load/figures.ts'
import { migrate } from './load/migrate.ts'
import { type OpenWarehouse, openWarehouse } from './load/open.ts'
import { createLog } from './log.ts'
import { login, renderLogin } from './login.ts'
import { type RetryRequest, rebuild, retry, run } from './pipeline.ts'
import { listHeld, misused, quarantineHelp, showHeld } from './quarantine.ts'
import { renderBackfillPlan } from './report/backfill.ts'
import { renderDiagnosis, toJson } from './report/doctor.ts'
import { renderHeld, renderQuarantine } from './report/quarantine.ts'
import { renderAcv, renderRun, renderStatus, renderTables } from './report/summary.ts'
import type { RunEnvironment } from './run-environment.ts'
import { type SandboxOptions, startSandbox } from './sandbox/server.ts'
import { appVersion } from './version.ts'

const log = createLog({
  isTerminal: process.stderr.isTTY === true,
  write: (text) => process.stderr.write(text),
})

/** Ends whatever is under way at the next safe point; a second signal ends it at once. */
const interruption = new AbortController()

/** How the process ends when nothing is thrown. */
let ending: keyof typeof exitCodes = 'done'

interface JsonFlag {
  readonly json?: true
}
type Population = Pick<SandboxOptions, 'referrals' | 'seed' | 'change'>
type SandboxFlags = JsonFlag & Partial<SandboxOptions> & { readonly documentedNextLink?: true }

const program = new Command('cosell')
  .description('Loads Microsoft Partner Center referrals into a PostgreSQL star schema.')
  .version(appVersion)
  .showSuggestionAfterError()
  .exitOverride()
  .addHelpText('after', () => `\n${variableHelp()}\n\n${exitCodeHelp()}`)

populationFlags(command('demo', 'Run the whole pipeline over a simulated API; needs no settings.'))
  .addHelpText('after', examples('cosell demo', 'cosell demo --change 25', 'cosell demo --json'))
  .action(demo)

command('run', 'Read what changed in every account and publish it: the nightly job.')
  .option('--full', 'read everything, as the first run does')
  .addHelpText('after', examples('cosell run', 'cosell run --full', 'cosell run --json'))
  .action(({ json, full }: JsonFlag & { full?: true }) => nightly(json, full === true))

command(
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

command('rebuild', 'Transform and publish again from the landing zone, without the API.')
  .addHelpText('after', examples('cosell rebuild', 'cosell rebuild --json'))
  .action(({ json }: JsonFlag) =>
    inRun(loadConfig(), async (environment) => {
      const summary = await rebuild(environment)
      say(json, summary, () => renderRun(summary))
    }),
  )

command('login', 'Sign a person in with a code entered in a browser, and keep the sign-in.')
  .option('--account <name>', 'needed when several accounts are configured')
  .addHelpText('after', examples('cosell login', 'cosell login --account contoso'))
  .action(async ({ json, account }: JsonFlag & { account?: string }) => {
    const { signal } = interruption
    const tell = (text: string) => process.stderr.write(`${text}\n`)
    const result = await login({ config: loadConfig(), account, log: log.logger, signal, tell })
    say(json, result, () => renderLogin(result))
  })

command('doctor', 'Look at settings, sign-in, API and database, and say what to mend.')
  .addHelpText('after', examples('cosell doctor', 'cosell doctor --json'))
  .action(async ({ json }: JsonFlag) => {
    const diagnosis = await diagnose({ config: loadConfig(), log, signal: interruption.signal })
    say(json, toJson(diagnosis), () => renderDiagnosis(diagnosis))
    ending = exitKindOf(diagnosis)
  })

command('status', 'Show how fresh each account is, its last runs and what needs attention.')
  .addHelpText('after', examples('cosell status', 'cosell status --json'))
  .action(({ json }: JsonFlag) => {
    const config = loadConfig()
    return withWarehouse(config, async ({ query }) => {
      const accounts = await readStatus(query, await readSignIns(config, Date.now()))
      say(json, { status: 'ok', accounts }, () => renderStatus(accounts))
    })
  })

command('quarantine', 'List, show or try again the referrals that could not be read.')
  .addArgument(new Argument('<action>', 'what to do').choices(['list', 'show', 'retry']))
  .argument('[referral-id...]', 'show: one; retry: some, or all that are set aside')
  .option('--account <name>', 'only this account; needed when two have the same referral')
  .addHelpText(
    'after',
    examples(
      'cosell quarantine list',
      'cosell quarantine show 5d3f9a10-0000-4000-8000-000000000001',
      'cosell quarantine retry',
      'cosell quarantine retry 5d3f9a10-0000-4000-8000-000000000001 --account contoso --json',
    ),
  )
  .addHelpText('after', quarantineHelp)
  .action(quarantine)

command('migrate', 'Bring the schema up to date; run, rebuild and demo do it too.')
  .addHelpText('after', examples('cosell migrate', 'cosell migrate --json'))
  .action(({ json }: JsonFlag) =>
    withWarehouse(loadConfig(), async (_, applied) => {
      const done = applied.length === 0 ? 'already up to date' : `now has ${applied.join(', ')}`
      say(json, { status: 'migrated', applied }, () => `The schema is ${done}.`)
    }),
  )

command('warehouse', 'Keep the embedded warehouse up for psql and BI tools until interrupted.')
  .option('--stop', 'stop the embedded warehouse, whoever started it')
  .addHelpText('after', examples('cosell warehouse', 'cosell warehouse --stop'))
  .action(({ json, stop }: JsonFlag & { stop?: true }) =>
    stop === true ? stopWarehouse(json) : keepWarehouse(json),
  )

populationFlags(command('sandbox', 'Serve the simulated Referrals API until interrupted.'))
  .option('--broken <count>', 'referrals that cannot be read', wholeNumber, 0)
  .option('--port <number>', '0 takes a free one', wholeNumber, 0)
  .option('--requests-per-minute <count>', 'limit beyond which 429 is answered', wholeNumber)
  .option('--page-cap <count>', 'longest page that is served', wholeNumber, 100)
  .option('--no-date-filter', 'refuse a filter on updatedDateTime')
  .option('--no-skip', 'ignore $skip')
  .option('--documented-next-link', 'next links as documented: plain http, without /engagements')
  .addHelpText('after', examples('cosell sandbox --port 8080', 'cosell sandbox --referrals 50000'))
  .action(serveSandbox)

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
    const summary = await run(environment, false)
    const tables = await countRows(warehouse.query)
    const acv = await readAcvByFiscalYear(warehouse.query)
    say(json, summary, () => {
      const parts = [renderRun(summary), renderTables(tables), renderAcv(acv)]
      return [...parts, lookAround(warehouse)].join('\n\n')
    })
  }
  await inRun(config, use, keepRunning).finally(() => sandbox.close())
}

type QuarantineFlags = JsonFlag & { readonly account?: string }

async function quarantine(
  action: string,
  ids: readonly string[],
  { json, account }: QuarantineFlags,
) {
  if (action === 'retry') return retryHeld({ referralIds: ids, account }, json)
  if (action === 'list' && ids.length > 0) throw misused('list takes no referral id.')
  await withWarehouse(loadConfig(), async ({ query }) => {
    if (action === 'show') {
      const entries = await showHeld(query, ids, account)
      say(json, { status: 'ok', entries }, () => entries.map(renderHeld).join('\n\n'))
    } else {
      const entries = await listHeld(query, account)
      say(json, { status: 'ok', entries }, () => renderQuarantine(entries))
    }
  })
}

function retryHeld(request: RetryRequest, json: true | undefined) {
  return inRun(loadConfig(), async (environment) => {
    const summary = await retry(environment, request)
    say(json, summary, () => renderRun(summary))
  })
}

function lookAround({ url, embedded }: OpenWarehouse): string {
  const lines = [
    'Look around:',
    `  psql '${url}'`,
    `Connection string for BI tools: ${url}`,
    'The embedded warehouse stays up; `npx cosell warehouse --stop` ends it.',
  ]
  return (embedded === undefined ? lines.slice(0, -1) : lines).join('\n')
}

async function keepWarehouse(json: true | undefined) {
  await withWarehouse(embeddedConfig(), async ({ url, embedded }) => {
    const { version } = embedded ?? {}
    say(json, { status: 'running', url, version }, () =>
      [`PostgreSQL ${version} is up.`, '', `  psql '${url}'`, '', 'Ctrl-C ends it.'].join('\n'),
    )
    await aborted(interruption.signal)
  })
}

async function stopWarehouse(json: true | undefined) {
  const config = embeddedConfig()
  const { home, postgresBinDir: binDir, postgresOsUser: osUser, path } = config
  const status = (await stopEmbedded({ home, binDir, osUser, path })) ? 'stopped' : 'not running'
  say(json, { status }, () => `The embedded warehouse is ${status}.`)
}

function embeddedConfig(): Config {
  const config = loadConfig()
  if (config.databaseUrl === undefined) return config
  const text =
    'COSELL_DATABASE_URL is set: that server is yours to start and stop. Unset it to use the ' +
    'embedded warehouse.'
  throw new CosellError('configuration', 'warehouse.not_embedded', text)
}

async function serveSandbox({ json, documentedNextLink, ...options }: SandboxFlags) {
  const nextLink = documentedNextLink ? 'http-without-engagements' : 'same-origin'
  const sandbox = await startSandbox({ ...options, nextLink })
  const settings = Object.entries(sandboxSettings(sandbox.url))
  say(json, { status: 'running', url: sandbox.url }, () =>
    [
      `The simulated Referrals API answers at ${sandbox.url}. To load it, in another terminal:`,
      ...settings.map(([name, value]) => `  export ${name}=${value}`),
      '  cosell run',
      `curl -X POST '${sandbox.url}/sandbox/change?count=25' makes 25 referrals change.`,
      'Ctrl-C ends it.',
    ].join('\n'),
  )
  await aborted(interruption.signal)
  await sandbox.close()
}

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--json', 'end with one line of JSON instead of text for people')
    .exitOverride()
}

function populationFlags(of: Command): Command {
  return of
    .option('--referrals <count>', 'referrals of the simulated partner', wholeNumber, 2_000)
    .option('--seed <number>', 'another seed makes another partner', wholeNumber, 1)
    .option('--change <count>', 'referrals that changed since the base state', wholeNumber, 0)
}

/** Opens and migrates the warehouse, and puts it back as it was found. */
async function withWarehouse(
  config: Config,
  use: (warehouse: OpenWarehouse, applied: readonly string[]) => Promise<void>,
  keepRunning = false,
) {
  const warehouse = await openWarehouse(config, log.logger, keepRunning)
  try {
    await use(warehouse, await migrate(warehouse.query))
  } catch (error) {
    throw databaseFailure(error)
  } finally {
    await warehouse.close()
  }
}

/** As `withWarehouse`, with what a run needs; past its deadline the run ends, to go on next time. */
function inRun(
  config: Config,
  use: (environment: RunEnvironment & { warehouse: OpenWarehouse }) => Promise<void>,
  keepRunning = false,
) {
  const minutes = config.runDeadlineMinutes
  const deadline = setTimeout(() => {
    const text = `The run took longer than COSELL_RUN_DEADLINE_MINUTES (${minutes}). What was read is kept; run again.`
    interruption.abort(new CosellError('tryAgainLater', 'run.deadline', text))
  }, minutes * 60_000)
  const { signal } = interruption
  const deadlineAt = performance.now() + minutes * 60_000
  return withWarehouse(
    config,
    (warehouse) => use({ config, warehouse, log, signal, deadlineAt }),
    keepRunning,
  ).finally(() => clearTimeout(deadline))
}

function say(json: true | undefined, result: object, text: () => string) {
  log.end()
  process.stdout.write(`${json ? JSON.stringify(result) : text()}\n`)
}

/** Says what went wrong and returns the exit code. */
function fail(error: unknown, isJson: boolean): number {
  log.end()
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  const failure = toFailure(error)
  process.stderr.write(`cosell: ${failure.message}\n`)
  if (isJson) {
    const { code, message, exitCode } = failure
    process.stdout.write(
      `${JSON.stringify({ status: 'failed', code, message, exit_code: exitCode })}\n`,
    )
  }
  return failure.exitCode
}

function toFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const text = `Unexpected: ${error instanceof Error ? error.stack : error}`
  return new CosellError('bug', 'unexpected', text, { cause: error })
}

async function main(args: readonly string[]): Promise<number> {
  listenToSignals(interruption, process.exit)
  // `cosell status | head -1` closes the pipe: not a failure of the run.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    const { signal } = interruption
    return signal.aborted && signal.reason instanceof CosellError
      ? signal.reason.exitCode
      : exitCodes[ending]
  } catch (error) {
    return fail(error, args.includes('--json'))
  }
}

process.exitCode = await main(process.argv.slice(2))
// A socket that its library forgot must not keep a finished command, and the cron job, alive.
setTimeout(() => process.exit(), 2_000).unref()
