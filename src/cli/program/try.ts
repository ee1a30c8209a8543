import { type Command, Option } from 'commander'
import { statusFilters } from '../../sandbox/api/options.ts'
import { policyPlaces } from '../../sandbox/data/policies.ts'
import type { DemoFlags } from '../commands/try/demo.ts'
import type { SandboxFlags } from '../commands/try/sandbox.ts'
import { addCommand, addPopulationOptions, examples, parsePort, parseWholeNumber } from '../help.ts'

/** Adds the commands that need no partner account. */
export function addTryCommands(program: Command) {
  addDemo(program)
  addSandbox(program)
}

function addDemo(program: Command) {
  addPopulationOptions(
    addCommand(program, 'demo', 'Run the whole pipeline over a simulated API; needs no settings.'),
  )
    .addHelpText('after', examples('cosell demo', 'cosell demo --change 25', 'cosell demo --json'))
    .action(async (flags: DemoFlags) => {
      const { demo } = await import('../commands/try/demo.ts')
      await demo(flags)
    })
}

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
    .addHelpText(
      'after',
      examples('cosell sandbox --port 8080', 'cosell sandbox --referrals 50000'),
    )
    .action(async (flags: SandboxFlags) => {
      const { serveSandbox } = await import('../commands/try/sandbox.ts')
      await serveSandbox(flags)
    })
}
