import { CosellError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isRowSecured } from './access/access-catalog.ts'
import { biLogin } from './access/roles.ts'
import { hostAndPort, type ServerAddress } from './connection/address.ts'
import type { OpenWarehouse } from './open.ts'

/** How BI tools connect to a warehouse. */
export interface BiConnection {
  /** Connection string; it has no user and no password where `login` is undefined. */
  readonly url: string
  /** Login in the string, made by cosell; undefined on a server of the user's own. */
  readonly login: string | undefined
  /** The login sees the accounts that etl.bi_access gives it, and no others. */
  readonly isRowSecured: boolean
}

/**
 * Returns how BI tools connect. On the embedded server their login is made when it is missing; on a
 * server of the user's own none is made. The schema must be migrated.
 *
 * @throws CosellError `postgres.login_taken` when others made a role with the name of the login.
 */
export async function openToBi(
  warehouse: Pick<OpenWarehouse, 'query' | 'server' | 'embedded'>,
): Promise<BiConnection> {
  const { query, server, embedded } = warehouse
  if (embedded === undefined) {
    return { url: addressOf(server), login: undefined, isRowSecured: await isRowSecured(query) }
  }
  const url = await embedded.biUrl(query)
  return { url, login: biLogin, isRowSecured: await isRowSecured(query) }
}

/**
 * Makes or repairs the login of the embedded server, for commands that print no connection string. A
 * load does not need the login, so a failure is logged and the command goes on.
 */
export async function keepBiLogin(
  { query, embedded }: Pick<OpenWarehouse, 'query' | 'embedded'>,
  logger: Logger,
): Promise<void> {
  try {
    await embedded?.biUrl(query)
  } catch (error) {
    if (!(error instanceof CosellError)) throw error
    logger.warn({ code: error.code }, error.message)
  }
}

/** Returns a connection string without user and password. */
export function addressOf({ host, port, database }: ServerAddress): string {
  const path = encodeURIComponent(database)
  // A socket's folder does not fit into the place of a host.
  if (host.startsWith('/')) {
    return `postgres:///${path}?host=${encodeURIComponent(host)}&port=${port}`
  }
  return `postgres://${hostAndPort({ host, port })}/${path}`
}
