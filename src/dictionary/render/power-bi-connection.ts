/** Where Power BI finds the warehouse. */
export interface Connection {
  /** Name and port. */
  readonly server: string
  readonly database: string
}

/** A data source file of Power BI Desktop, which asks for user and password itself. */
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
