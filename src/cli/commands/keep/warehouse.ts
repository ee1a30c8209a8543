import type { Command } from 'commander'
import { type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { openToBi } from '../../../warehouse/bi-connection.ts'
import { stopEmbedded } from '../../../warehouse/embedded/embedded.ts'
import { addCommand, examples } from '../../help.ts'
import { abortController, type JsonFlag, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'
import { renderBiConnection } from '../../text/bi-connection.ts'
import { renderStopped } from '../../text/warehouse.ts'
import { withWarehouse } from '../../with-warehouse.ts'

/** Adds the command that starts and stops the embedded warehouse. */
export function addWarehouse(program: Command) {
  addCommand(
    program,
    'warehouse',
    'Keep the embedded warehouse up for BI tools and psql until interrupted.',
  )
    .option('--stop', 'stop the embedded warehouse, even if another process started it')
    .addHelpText('after', examples('cosell warehouse', 'cosell warehouse --stop'))
    .action(({ json, stop }: JsonFlag & { stop?: true }) =>
      stop === true ? stopWarehouse(json) : keepWarehouse(json),
    )
}

async function keepWarehouse(json: true | undefined) {
  await withWarehouse(embeddedConfig(), async (warehouse) => {
    const version = warehouse.embedded?.version
    const bi = await openToBi(warehouse)
    printResult(json, { status: 'running', url: bi.url, version }, () =>
      [`PostgreSQL ${version} is up.`, renderBiConnection(bi), 'Ctrl-C ends it.'].join('\n'),
    )
    await untilAborted(abortController.signal)
  })
}

async function stopWarehouse(json: true | undefined) {
  const config = embeddedConfig()
  const { home, postgresBinDir: binDir, postgresOsUser: osUser, path } = config
  const stopped = await stopEmbedded({ home, binDir, osUser, path })
  const status = stopped.wasRunning ? 'stopped' : 'not running'
  printResult(json, { status, folder: stopped.folder ?? null }, () => renderStopped(stopped, home))
}

/** @throws CosellError `configuration` when a server is configured. */
function embeddedConfig(): Config {
  const config = loadConfig()
  if (config.databaseUrl === undefined) return config
  const text =
    'COSELL_DATABASE_URL is set: cosell does not start or stop that server. Unset it to use the ' +
    'embedded warehouse.'
  throw new CosellError('warehouse.not_embedded', text)
}
