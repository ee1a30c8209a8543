import type { Connection } from '../connection.ts'

/** Renders a data source file of Power BI Desktop, which asks for user and password. */
export function pbids({ server, database }: Connection): string {
  const details = {
    protocol: 'postgresql',
    address: { server, database },
    authentication: null,
    query: null,
  }
  const file = { version: '0.1', connections: [{ details, options: {}, mode: 'Import' }] }
  return `${JSON.stringify(file, null, 2)}\n`
}
