import { resolve } from 'node:path'
import { type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { keepErased } from '../../../pipeline/erase/keep-erased.ts'
import { openToBi } from '../../../warehouse/bi-connection.ts'
import { restoreDump } from '../../../warehouse/dump/restore-dump.ts'
import { writeDump } from '../../../warehouse/dump/write-dump.ts'
import { stopEmbedded } from '../../../warehouse/embedded/embedded.ts'
import { abortController, type JsonFlag, log, printResult } from '../../output.ts'
import { untilAborted } from '../../signals.ts'
import { renderBiConnection } from '../../text/bi-connection.ts'
import { renderMoved, renderStopped } from '../../text/warehouse.ts'
import { withWarehouse } from '../../with-warehouse.ts'

export type WarehouseFlags = JsonFlag & {
  readonly stop?: true
  readonly dump?: string
  readonly restore?: string
}

/** Keeps the embedded warehouse up, stops it, or moves all of it to a file or from one. */
export function warehouse({ json, stop, dump, restore }: WarehouseFlags) {
  if (dump !== undefined) return dumpWarehouse(json, resolve(dump))
  if (restore !== undefined) return restoreWarehouse(json, resolve(restore))
  return stop === true ? stopWarehouse(json) : keepWarehouse(json)
}

function dumpWarehouse(json: true | undefined, file: string) {
  return withWarehouse(embeddedConfig(), async (warehouse) => {
    const dumped = await writeDump(warehouse, file, (part) =>
      log.progress({ phase: 'dumping', part }),
    )
    printResult(json, { status: 'dumped', file, ...dumped }, () =>
      renderMoved(dumped, `are in ${file}, people among them: keep it as you keep the warehouse.`),
    )
  })
}

function restoreWarehouse(json: true | undefined, file: string) {
  const config = embeddedConfig()
  return withWarehouse(config, async (warehouse) => {
    const restored = await restoreDump(warehouse, file, (part) =>
      log.progress({ phase: 'restoring', part }),
    )
    // The dump may be older than an erasure.
    await keepErased({ config, warehouse, log, signal: abortController.signal })
    printResult(json, { status: 'restored', file, ...restored }, () =>
      renderMoved(restored, `of ${file} are in the embedded warehouse.`),
    )
  })
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
    'COSELL_DATABASE_URL is set: cosell does not start, stop, dump or restore that server. Unset it to ' +
    'use the embedded warehouse; pg_dump and pg_restore move one of your own.'
  throw new CosellError('warehouse.not_embedded', text)
}
