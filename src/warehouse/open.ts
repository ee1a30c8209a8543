import type { Logger } from '../log.ts'
import { parseAddress, type ServerAddress } from './connection/address.ts'
import { openDatabase, type Warehouse } from './connection/database.ts'
import { type ConnectionSecurity, securityOf } from './connection/tls.ts'
import { type EmbeddedServer, startEmbedded } from './embedded/embedded.ts'

export interface WarehouseOptions {
  readonly databaseUrl: string | undefined
  readonly home: string
  readonly postgresBinDir: string | undefined
  readonly postgresOsUser: string | undefined
  readonly path: string
}

/** An open warehouse; no part that commands use holds the password that it was opened with. */
export interface OpenWarehouse extends Warehouse {
  readonly server: ServerAddress
  readonly security: ConnectionSecurity
  /** The embedded server; undefined for an external PostgreSQL. */
  readonly embedded: Pick<EmbeddedServer, 'version' | 'biUrl'> | undefined
}

/**
 * Opens the warehouse of the configuration: the PostgreSQL of `databaseUrl`, else the embedded one,
 * which is started when it is down. Closing leaves the embedded server as it was found, or running
 * with `keepRunning`. What is only inspected is opened however unfit it is. `workers` accounts can be
 * loaded side by side.
 */
export async function openWarehouse(
  options: WarehouseOptions,
  logger: Logger,
  { keepRunning = false, isInspected = false, workers = 1 } = {},
): Promise<OpenWarehouse> {
  if (options.databaseUrl !== undefined) {
    const opened = await openDatabase(options.databaseUrl, logger, { isInspected, workers })
    return { ...opened, ...shownOf(options.databaseUrl), embedded: undefined }
  }
  const embedded = await startEmbedded({
    home: options.home,
    binDir: options.postgresBinDir,
    osUser: options.postgresOsUser,
    path: options.path,
  })
  reportTakenPort(embedded, logger)
  const restoreServer = async () => {
    if (embedded.startedHere && !keepRunning) await embedded.stop()
  }
  try {
    const opened = await openDatabase(embedded.url, logger, { isInspected, workers })
    const close = () => opened.close().finally(restoreServer)
    const { version, biUrl } = embedded
    return { ...opened, ...shownOf(embedded.url), embedded: { version, biUrl }, close }
  } catch (error) {
    await restoreServer()
    throw error
  }
}

/** Returns what commands may show of a connection string. */
function shownOf(url: string): Pick<OpenWarehouse, 'server' | 'security'> {
  const address = parseAddress(url)
  const { host, port, database } = address
  return { server: { host, port, database }, security: securityOf(address) }
}

function reportTakenPort({ port, takenPort }: EmbeddedServer, logger: Logger) {
  if (takenPort === undefined) return
  const text =
    `another program has taken port ${takenPort}: the warehouse listens on ${port} from now on; give ` +
    'BI tools the connection string that `cosell warehouse` prints'
  logger.warn({ port, takenPort }, text)
}
