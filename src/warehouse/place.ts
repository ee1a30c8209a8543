import { parseAddress, placeOf } from './connection/address.ts'
import { findStateHome } from './embedded/home.ts'
import type { WarehouseOptions } from './open.ts'

/**
 * Returns where the warehouse of a configuration is, without user and password: host, port and
 * database of a server, or the folder of the embedded one.
 *
 * @throws CosellError `configuration` as `parseAddress`.
 */
export function warehousePlace(options: WarehouseOptions): string {
  const { databaseUrl, home, postgresOsUser: osUser, path } = options
  if (databaseUrl === undefined) return embeddedFolder({ home, osUser, path })
  return placeOf(parseAddress(databaseUrl))
}

/** Folder of the data where there are some, else the one that a first start would try. */
function embeddedFolder(options: Parameters<typeof findStateHome>[0]): string {
  try {
    return findStateHome(options)?.folder ?? options.home
  } catch {
    return options.home
  }
}
