import { type Command, Option } from 'commander'
import { type SandboxOptions, startSandbox } from '../../../sandbox/api/sandbox-server.ts'
import { policyPlaces } from '../../../sandbox/data/policies.ts'
import { sandboxSettings } from '../../../sandbox/settings.ts'
import {
  addCommand,
  addPopulationOptions,
  examples,
  parsePort,
  parseWholeNumber,
} from '../../help.ts'
import { invocation } from '../../invocation.ts'
import { abortController, type JsonFlag, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'

type SandboxFlags = JsonFlag & Partial<SandboxOptions> & { readonly documentedNextLink?: true }

/** Adds the command that serves the simulated API. */
export function addSandbox(program: Command) {
  addPopulationOptions(
    addCommand(program, 'sandbox', 'Serve the simulated Referrals API until interrupted.'),
  )
    .option('--broken <count>', 'referrals that cannot be loaded', parseWholeNumber, 0)
    .option('--port <number>', '0 takes a free one', parsePort, 0)
    .option('--requests-per-minute <count>', 'limit above which it answers 429', parseWholeNumber)
    .option('--page-cap <count>', 'largest page that is served', parseWholeNumber, 100)
    .option('--no-date-filter', 'reject a filter on updatedDateTime')
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
    .action(serveSandbox)
}

async function serveSandbox({ json, documentedNextLink, ...options }: SandboxFlags) {
  const nextLink = documentedNextLink ? 'http-without-engagements' : 'same-origin'
  const sandbox = await startSandbox({ ...options, nextLink })
  const settings = Object.entries(sandboxSettings(sandbox.url))
  printResult(json, { status: 'running', url: sandbox.url }, () =>
    [
      `The simulated Referrals API answers at ${sandbox.url}. To load it, in another terminal:`,
      ...settings.map(([name, value]) => `  export ${name}=${value}`),
      `  ${invocation('run')}`,
      `curl -X POST '${sandbox.url}/sandbox/change?count=25' changes 25 referrals.`,
      'Ctrl-C ends it.',
    ].join('\n'),
  )
  await untilAborted(abortController.signal)
  await sandbox.close()
}
