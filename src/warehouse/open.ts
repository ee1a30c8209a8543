import type { Logger } from '../log.ts'
import { openDatabase, type Warehouse } from './connection/database.ts'
import { type EmbeddedServer, startEmbedded } from './embedded/embedded.ts'

export interface WarehouseOptions {
  readonly databaseUrl: string | undefined
  readonly home: string
  readonly postgresBinDir: string | undefined
  readonly postgresOsUser: string | undefined
  readonly path: string
}

export interface OpenWarehouse extends Warehouse {
  /** Connection string; holds the password of the embedded server, so it is never logged. */
  readonly url: string
  /** The embedded server; undefined for an external PostgreSQL. */
  readonly embedded: EmbeddedServer | undefined
}

/**
 * Opens the warehouse of the configuration: the PostgreSQL of `databaseUrl`, else the embedded one,
 * which is started when it is down. Closing leaves the embedded server as it was found, or running
 * with `keepRunning`. What is only inspected is opened however unfit it is.
 */
export async function openWarehouse(
  options: WarehouseOptions,
  logger: Logger,
  { keepRunning = false, isInspected = false } = {},
): Promise<OpenWarehouse> {
  if (options.databaseUrl !== undefined) {
    const opened = await openDatabase(options.databaseUrl, logger, { isInspected })
    return { ...opened, url: options.databaseUrl, embedded: undefined }
  }
  const embedded = await startEmbedded({
    home: options.home,
    binDir: options.postgresBinDir,
    osUser: options.postgresOsUser,
    path: options.path,
  })
  const restoreServer = async () => {
    if (embedded.startedHere && !keepRunning) await embedded.stop()
  }
  try {
    const opened = await openDatabase(embedded.url, logger, { isInspected })
    const close = () => opened.close().finally(restoreServer)
    return { ...opened, url: embedded.url, embedded, close }
  } catch (error) {
    await restoreServer()
    throw error
  }
}
