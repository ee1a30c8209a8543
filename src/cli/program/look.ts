import { Argument, type Command, Option } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CheckFlags } from '../commands/look/check.ts'
import type { DocsFlags } from '../commands/look/docs.ts'
import type { ExportFlags } from '../commands/look/export.ts'
import type { OpenFlags } from '../commands/look/open.ts'
import type { QuarantineFlags } from '../commands/look/quarantine.ts'
import type { ReportFlags } from '../commands/look/report.ts'
import { addCommand, examples, parseAge, parseDay, parsePort } from '../help.ts'
import type { JsonFlag } from '../output.ts'

/** Adds the commands that look at what was loaded, and at what it takes. */
export function addLookCommands(program: Command) {
  addStatus(program)
  addCheck(program)
  addDoctor(program)
  addOpen(program)
  addReport(program)
  addExport(program)
  addQuarantine(program)
  addDocs(program)
}

function addStatus(program: Command) {
  addCommand(
    program,
    'status',
    'Show how fresh each account is, its last runs and what needs attention.',
  )
    .addHelpText('after', examples('cosell status', 'cosell status --json'))
    .action(async (flags: JsonFlag) => {
      const { showStatus } = await import('../commands/look/status.ts')
      await showStatus(flags)
    })
}

function addCheck(program: Command) {
  addCommand(program, 'check', 'Tell a monitor whether every account was published lately enough.')
    .addOption(
      new Option('--max-age <age>', 'oldest publish that is well: 90m, 26h, 2d')
        .argParser(parseAge)
        .default(parseAge('26h'), '26h'),
    )
    .addOption(
      new Option('--metrics', "print metrics in Prometheus' format instead")
        .conflicts('json')
        .conflicts('maxAge'),
    )
    .addHelpText(
      'after',
      examples(
        'cosell check --max-age 26h',
        'cosell check --max-age 2d --json',
        'cosell check --metrics',
      ),
    )
    .addHelpText('after', checkHelp)
    .action(async (flags: CheckFlags) => {
      const { check } = await import('../commands/look/check.ts')
      await check(flags)
    })
}

const checkHelp = `

It prints one sentence, and ends with ${exitCodes.stale.code} when an account is older, or was never published. What counts
is the end of a run or an import: a rebuild or a backfill makes nothing fresh. It changes nothing.`

function addDoctor(program: Command) {
  addCommand(
    program,
    'doctor',
    'Check settings, sign-in, API and database, and say how to fix what is wrong.',
  )
    .addHelpText('after', examples('cosell doctor', 'cosell doctor --json'))
    .action(async (flags: JsonFlag) => {
      const { showDiagnosis } = await import('../commands/look/doctor.ts')
      await showDiagnosis(flags)
    })
}

function addOpen(program: Command) {
  addCommand(
    program,
    'open',
    'Open a page in the browser to look around: filters, any two days, the rows behind each number.',
  )
    .argument('[view]', 'address of a view that a colleague sent, in quotes')
    .option('--port <port>', 'port on 127.0.0.1; 0 for a free one', parsePort, 0)
    .option('--no-browser', 'print the address, and open nothing')
    .addHelpText(
      'after',
      examples(
        'cosell open',
        'cosell open --no-browser --port 8123',
        "cosell open '?as_of=2026-06-30'",
      ),
    )
    .addHelpText('after', openHelp)
    .action(async (view: string | undefined, flags: OpenFlags) => {
      const { openPage } = await import('../commands/look/open.ts')
      await openPage(view, flags)
    })
}

const openHelp = `

The page is served on 127.0.0.1 to those who have its address, until Ctrl-C. It only reads, as
cosell_bi, but for the explanation of a referral, which needs what was landed. It shows no
people. Nothing is fetched from the network.`

function addReport(program: Command) {
  addCommand(
    program,
    'report',
    'Write the report as one HTML page: pipeline, funnel, ACV, data quality.',
  )
    .option('--out <file>', 'file to write (report.html in COSELL_HOME)')
    .option('--account <name>', 'only this account')
    .option('--as-of <day>', 'as it stood at the end of a day, YYYY-MM-DD (now)', parseDay)
    .addHelpText(
      'after',
      examples(
        'cosell report',
        'cosell report --account contoso --as-of 2026-06-30',
        'cosell report --out reports/co-sell.html',
      ),
    )
    .action(async (flags: ReportFlags) => {
      const { drawReport } = await import('../commands/look/report.ts')
      await drawReport(flags)
    })
}

function addExport(program: Command) {
  addCommand(
    program,
    'export',
    'Write the marts as files, for lakes, notebooks and people without a database.',
  )
    .argument('<folder>', 'folder to write to')
    .addOption(
      new Option('--format <format>', 'kind of file')
        .choices(['parquet', 'csv'])
        .default('parquet'),
    )
    .option('--table <name>', 'only this mart; may be given several times', addName)
    .option('--account <name>', 'only this account')
    .option('--since <day>', 'only referrals changed on this day or later, YYYY-MM-DD', parseDay)
    .option('--people', 'people, notes and bi_access too, with a login that may read them')
    .addHelpText(
      'after',
      examples(
        'cosell export lake',
        'cosell export lake --format csv --table referral --table registration',
        'cosell export /srv/lake/cosell --account contoso --since 2026-06-01 --json',
      ),
    )
    .addHelpText('after', exportHelp)
    .action(async (folder: string, flags: ExportFlags) => {
      const { exportAll } = await import('../commands/look/export.ts')
      await exportAll(folder, flags)
    })
}

function addName(name: string, before: readonly string[] = []): string[] {
  return [...before, name]
}

const exportHelp = `

Every mart that the login may read becomes a file such as mart.referral.parquet, of one snapshot;
pipeline_as_of only when it is named, bi_access only with --people. manifest.json has rows, sums and
a hash of each file. --since leaves marts whole whose rows are not of one referral. A login in
cosell_bi is enough.`

function addQuarantine(program: Command) {
  addCommand(program, 'quarantine', 'List, show or retry the referrals that could not be loaded.')
    .addArgument(new Argument('<action>', 'what to do').choices(['list', 'show', 'retry']))
    .argument('[referral-id...]', 'show: one; retry: any number, all in quarantine if left out')
    .option('--account <name>', 'only this account; needed when two have the same referral')
    .option('--diff', 'retry: tell by mart and column what would change, and change nothing')
    .addHelpText(
      'after',
      examples(
        'cosell quarantine list',
        'cosell quarantine show 5d3f9a10-0000-4000-8000-000000000001',
        'cosell quarantine retry --diff',
        'cosell quarantine retry',
        'cosell quarantine retry 5d3f9a10-0000-4000-8000-000000000001 --account contoso --json',
      ),
    )
    .addHelpText('after', quarantineHelp)
    .action(async (action: string, referralIds: readonly string[], flags: QuarantineFlags) => {
      const { quarantine } = await import('../commands/look/quarantine.ts')
      await quarantine(action, referralIds, flags)
    })
}

const quarantineHelp = `

show prints the reason and the property types around the invalid value. It prints the value itself,
cut at 120 characters, only where it is a plain one outside people and free text. retry transforms
and publishes the landed versions without the API; it ends with 0 even if a referral stays in
quarantine. A newer version of a referral, and rebuild, retry it as well. retry --diff ends with ${exitCodes.stale.code}
when anything would differ.`

function addDocs(program: Command) {
  addCommand(
    program,
    'docs',
    'Write the data dictionary, sources for dbt, data contracts, and what Power BI and Superset open.',
  )
    .option('--out <folder>', 'folder to write to (docs in COSELL_HOME)')
    .addHelpText('after', examples('cosell docs', 'cosell docs --out shared/cosell'))
    .action(async (flags: DocsFlags) => {
      const { writeDictionary } = await import('../commands/look/docs.ts')
      await writeDictionary(flags)
    })
}
