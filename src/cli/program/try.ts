import { type Command, InvalidArgumentError, Option } from 'commander'
import { statusFilters } from '../../sandbox/api/options.ts'
import {
  type AcvConvention,
  acvConventionWords,
  conventionOf,
} from '../../sandbox/csv/cell/annual-value.ts'
import { policyPlaces } from '../../sandbox/data/policies.ts'
import type { DemoFlags } from '../commands/try/demo.ts'
import type { SandboxFlags } from '../commands/try/sandbox.ts'
import {
  addCommand,
  addMetricsOption,
  addPopulationOptions,
  examples,
  parsePort,
  parseWholeNumber,
} from '../help.ts'

/** Adds the commands that need no partner account. */
export function addTryCommands(program: Command) {
  addDemo(program)
  addSandbox(program)
}

function addDemo(program: Command) {
  addMetricsOption(
    addPopulationOptions(
      addCommand(
        program,
        'demo',
        'Run the whole pipeline over a simulated API; needs no settings.',
      ),
    ),
  )
    .option('--from-csv', 'import the files that a person downloads, instead of asking the API')
    .addHelpText(
      'after',
      examples(
        'cosell demo',
        'cosell demo --change 25',
        'cosell demo --from-csv',
        'cosell demo --json',
      ),
    )
    .action(async (flags: DemoFlags) => {
      const { demo } = await import('../commands/try/demo.ts')
      await demo(flags)
    })
}

/** Options of the server, which a population in files has not. */
const serverOptions = [
  'port',
  'requestsPerMinute',
  'pageCap',
  'dateFilter',
  'statusFilter',
  'skip',
  'eligibility',
  'documentedNextLink',
]

function addSandbox(program: Command) {
  addPopulationOptions(
    addCommand(program, 'sandbox', 'Serve the simulated Referrals API until interrupted.'),
  )
    .option('--broken <count>', 'referrals that cannot be loaded', parseWholeNumber, 0)
    .option('--port <number>', '0 takes a free one', parsePort, 0)
    .option('--requests-per-minute <count>', 'limit above which it answers 429', parseWholeNumber)
    .option('--page-cap <count>', 'largest page that is served', parseWholeNumber, 100)
    .option('--no-date-filter', 'reject a filter on updatedDateTime')
    .addOption(
      new Option('--status-filter <how>', 'what becomes of a filter on registrationStatus')
        .choices(statusFilters)
        .default('obeyed'),
    )
    .option('--no-skip', 'ignore $skip')
    .addOption(
      new Option('--eligibility <place>', 'where eligibility policies are')
        .choices(policyPlaces)
        .default('none'),
    )
    .option('--documented-next-link', 'next links as documented: plain http, without /engagements')
    .addOption(
      new Option(
        '--write-csv <folder>',
        "write Partner Center's CSV files into the folder instead, also as a German Excel saves them",
      ).conflicts(serverOptions),
    )
    .option(
      '--acv-convention <words>',
      `how the CSV files annualize (365-days); ${acvConventionWords.join(', ')}, joined by commas`,
      parseConvention,
    )
    .addHelpText(
      'after',
      examples(
        'cosell sandbox --port 8080',
        'cosell sandbox --referrals 50000',
        'cosell sandbox --write-csv downloads',
        'cosell sandbox --write-csv downloads --acv-convention months,inclusive-end',
      ),
    )
    .action(async (flags: SandboxFlags, command: Command) => {
      const { writeCsv, acvConvention } = flags
      const { serveSandbox, writeCsvFiles } = await import('../commands/try/sandbox.ts')
      if (writeCsv !== undefined) return writeCsvFiles(flags, writeCsv)
      if (acvConvention === undefined) return serveSandbox(flags)
      return command.error("error: option '--acv-convention' is for --write-csv alone")
    })
}

function parseConvention(text: string): AcvConvention {
  const convention = conventionOf(text)
  if (convention !== undefined) return convention
  throw new InvalidArgumentError(`Expected words of ${acvConventionWords.join(', ')}.`)
}
