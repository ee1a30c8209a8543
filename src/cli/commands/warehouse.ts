import type { Command } from 'commander'
import { type Config, loadConfig } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import { type SandboxOptions, startSandbox } from '../../sandbox/api/sandbox-server.ts'
import { stopEmbedded } from '../../warehouse/embedded/embedded.ts'
import { command, examples, populationFlags, wholeNumber } from '../help.ts'
import { interruption, type JsonFlag, say } from '../output.ts'
import { aborted } from '../signals.ts'
import { withWarehouse } from '../with-warehouse.ts'
import { sandboxSettings } from './demo.ts'
import { addMigrate } from './migrate.ts'

type SandboxFlags = JsonFlag & Partial<SandboxOptions> & { readonly documentedNextLink?: true }

/** What prepares the warehouse, and what stays up until it is interrupted. */
export function addServing(program: Command) {
  addMigrate(program)

  command(
    program,
    'warehouse',
    'Keep the embedded warehouse up for psql and BI tools until interrupted.',
  )
    .option('--stop', 'stop the embedded warehouse, whoever started it')
    .addHelpText('after', examples('cosell warehouse', 'cosell warehouse --stop'))
    .action(({ json, stop }: JsonFlag & { stop?: true }) =>
      stop === true ? stopWarehouse(json) : keepWarehouse(json),
    )

  populationFlags(
    command(program, 'sandbox', 'Serve the simulated Referrals API until interrupted.'),
  )
    .option('--broken <count>', 'referrals that cannot be read', wholeNumber, 0)
    .option('--port <number>', '0 takes a free one', wholeNumber, 0)
    .option('--requests-per-minute <count>', 'limit beyond which 429 is answered', wholeNumber)
    .option('--page-cap <count>', 'longest page that is served', wholeNumber, 100)
    .option('--no-date-filter', 'refuse a filter on updatedDateTime')
    .option('--no-skip', 'ignore $skip')
    .option('--documented-next-link', 'next links as documented: plain http, without /engagements')
    .addHelpText(
      'after',
      examples('cosell sandbox --port 8080', 'cosell sandbox --referrals 50000'),
    )
    .action(serveSandbox)
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
