import { type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { openToBi } from '../../../warehouse/bi-connection.ts'
import { stopEmbedded } from '../../../warehouse/embedded/embedded.ts'
import { abortController, type JsonFlag, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'
import { renderBiConnection } from '../../text/bi-connection.ts'
import { renderStopped } from '../../text/warehouse.ts'
import { withWarehouse } from '../../with-warehouse.ts'

export type WarehouseFlags = JsonFlag & { readonly stop?: true }

/** Keeps the embedded warehouse up, or stops it. */
export function keepOrStop({ json, stop }: WarehouseFlags) {
  return stop === true ? stopWarehouse(json) : keepWarehouse(json)
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
