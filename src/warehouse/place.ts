import { findStateHome } from './embedded/home.ts'
import type { WarehouseOptions } from './open.ts'

/**
 * Returns where the warehouse of a configuration is, without user and password: host, port and
 * database of a server, or the folder of the embedded one.
 */
export function warehousePlace(options: WarehouseOptions): string {
  const { databaseUrl, home, postgresOsUser: osUser, path } = options
  if (databaseUrl === undefined) return embeddedFolder({ home, osUser, path })
  // Several hosts have commas between them, which no URL of the web has.
  const [, , authority = '', database = '', query = ''] =
    /^postgres(ql)?:\/\/(?:[^/?#]*@)?([^/?#]*)\/?([^?#]*)(?:\?([^#]*))?/.exec(databaseUrl) ?? []
  const parameters = new URLSearchParams(query)
  const host = parameters.get('host') ?? authority
  const port = parameters.get('port') ?? '5432'
  const hosts = host.split(',').map((one) => (/:\d+$/.test(one) ? one : `${one}:${port}`))
  return `${hosts.join(',')}/${decoded(parameters.get('dbname') ?? database)}`
}

/** Folder of the data where there are some, else the one that a first start would try. */
function embeddedFolder(options: Parameters<typeof findStateHome>[0]): string {
  try {
    return findStateHome(options)?.folder ?? options.home
  } catch {
    return options.home
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
