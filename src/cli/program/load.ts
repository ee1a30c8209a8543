import { type Command, Option } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { BackfillFlags } from '../commands/load/backfill.ts'
import type { FxFlags } from '../commands/load/fx.ts'
import type { ImportFlags } from '../commands/load/import.ts'
import type { RebuildFlags } from '../commands/load/rebuild.ts'
import type { RunFlags } from '../commands/load/run.ts'
import {
  addCommand,
  addMetricsOption,
  addWorkerOptions,
  examples,
  parseDay,
  parseDays,
} from '../help.ts'

/** Adds the commands that load. */
export function addLoadCommands(program: Command) {
  addRun(program)
  addBackfill(program)
  addImport(program)
  addRebuild(program)
  addFx(program)
}

function addRun(program: Command) {
  const command = addCommand(
    program,
    'run',
    'Read what changed in every account and publish it: the nightly job.',
  )
  addMetricsOption(addWorkerOptions(command))
    .option('--full', 'read everything, as the first run does')
    .option('--account <name...>', 'these accounts alone')
    .addHelpText(
      'after',
      examples(
        'cosell run',
        'cosell run --full',
        'cosell run --account contoso --json',
        'cosell run --workers 8 --tolerate 1 --json',
      ),
    )
    .action(async (flags: RunFlags) => {
      const { runAndPing } = await import('../commands/load/run.ts')
      await runAndPing(flags)
    })
}

function addBackfill(program: Command) {
  const command = addCommand(
    program,
    'backfill',
    'Read history month by month, beside the nightly job; resumes where it stopped.',
  )
  addMetricsOption(addWorkerOptions(command))
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
    .action(async (flags: BackfillFlags) => {
      const { backfillOrPlan } = await import('../commands/load/backfill.ts')
      await backfillOrPlan(flags)
    })
}

function addImport(program: Command) {
  addMetricsOption(
    addCommand(program, 'import', 'Load files downloaded from Partner Center, without the API.'),
  )
    .argument('<file...>', 'CSV files, folders and zip archives of them, or - for standard input')
    .option('--account <name>', 'account that the files are of; needed where there are several')
    .addOption(
      new Option(
        '--date-order <order>',
        'month first or day first, where the files do not prove it',
      ).choices(['mdy', 'dmy']),
    )
    .option('--as-of <day>', 'day of the download, YYYY-MM-DD: later files win', parseDay)
    .option('--complete', 'the files show every referral: others are missing')
    .addHelpText(
      'after',
      examples(
        'cosell import downloads',
        'cosell import cosell.csv registrations.csv --as-of 2026-03-31',
        'cosell import Referrals.zip --account contoso --json',
        'cosell import - < cosell.csv',
      ),
    )
    .addHelpText('after', fileHelp)
    .action(async (paths: readonly string[], flags: ImportFlags) => {
      const { importAll } = await import('../commands/load/import.ts')
      await importAll(paths, flags)
    })
}

function addRebuild(program: Command) {
  const command = addCommand(
    program,
    'rebuild',
    'Transform and publish again from the landing zone, without the API.',
  )
  addMetricsOption(addWorkerOptions(command))
    .addOption(
      new Option(
        '--diff',
        'tell by mart and column what would change, and change nothing',
      ).conflicts(['metricsFile', 'workers', 'tolerate']),
    )
    .addHelpText(
      'after',
      examples('cosell rebuild', 'cosell rebuild --json', 'cosell rebuild --diff'),
    )
    .addHelpText('after', diffHelp)
    .action(async (flags: RebuildFlags) => {
      const { rebuildAll } = await import('../commands/load/rebuild.ts')
      await rebuildAll(flags)
    })
}

const diffHelp = `

--diff replays each account in a transaction that is rolled back, and ends with ${exitCodes.stale.code} when anything
would differ: rows, money by currency, ten referrals of each. Readers wait for nothing; a run of
the same account ends with ${exitCodes.accountHeld.code} meanwhile. It asks for \`cosell migrate\` first where the schema is that of an older version.`

function addFx(program: Command) {
  addCommand(program, 'fx', 'Load exchange rates from a CSV file, for the converted columns.')
    .argument('<file>', 'the file, or - for standard input')
    .option('--carry-days <days>', 'days for which a rate is used until the next', parseDays)
    .addHelpText(
      'after',
      examples(
        'cosell fx eurofxref-hist.csv',
        'cosell fx monthly.csv --carry-days 30',
        'cosell fx - --json < rates.csv',
      ),
    )
    .addHelpText('after', rateFileHelp)
    .action(async (path: string, flags: FxFlags) => {
      const { loadRatesOf } = await import('../commands/load/fx.ts')
      await loadRatesOf(path, flags)
    })
}

const rateFileHelp = `

The header decides what kind of file it is:
  Date,USD,JPY,…      the ECB's euro reference rates: eurofxref.csv of one day, or the history
                      eurofxref-hist.csv; both come in a zip archive: unzip it first
  …,CURRENCY,CURRENCY_DENOM,…,TIME_PERIOD,OBS_VALUE
                      spot rates for the euro from the ECB's data portal
  currency,date,rate  what one unit of the currency is worth in the reporting currency on that day,
                      such as Microsoft's monthly rates; takes precedence over the ECB's rate of the
                      same currency and day

A file is loaded whole or not at all; a rate that is a hundredfold of its neighbour or of another
source is turned round, and refused. A day without a rate uses the last one before it, at most
fx_rate_days_max of etl.setting (7) days old, or as --carry-days says for the rates of this file.
A currency that joined the euro needs the rate of the euro alone. Loaded rates stay when the reporting
currency changes; a currency,date,rate file then counts only on days for which it has the new currency.`

const fileHelp = `

Each file is recognised by its header: co-sell opportunities (2021 or 2023), Azure IP co-sell deal
registrations, Insights co-sell, Insights leads. If one is not, nothing is loaded of any.

A bad cell is left out, a row without a readable Referral ID is quarantined; both are listed, and the
command ends with ${exitCodes.incomplete.code}. The same files again, in any order, change nothing. Where two files differ, the one
with the later --as-of wins, or the later update in its rows.`
