import { once } from 'node:events'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { traceIo } from '../../io-boundary.ts'
import type { TableName } from '../../warehouse/tables.generated.ts'

/**
 * Copies lines of COPY text, in pieces, into some columns of a table; returns the number of rows.
 */
export async function copyInto(
  client: PoolClient,
  table: TableName,
  columns: readonly string[],
  pieces: readonly (Buffer | string)[],
): Promise<number> {
  const stream = client.query(copyFrom(`copy ${table} (${columns.join(', ')}) from stdin`))
  await traceIo('copy', table, async () => {
    const finished = once(stream, 'finish')
    for (const piece of pieces) stream.write(piece)
    stream.end()
    await finished
  })
  return stream.rowCount
}
