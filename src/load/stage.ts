import { once } from 'node:events'
import { sql } from 'kysely'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type Database, type TableName, tables } from '../warehouse.ts'
import { copyLine, type RowFormat } from './copy-text.ts'
import { inTransaction, type Kysely, type Warehouse } from './database.ts'

export type StageTable = Extract<TableName, `stg.${string}`>
export type StagedBatch = { readonly [T in StageTable]?: readonly object[] }

/** Text gathered for a table before it is sent; with some twenty tables, 10 MB at most. */
const flushCharacters = 512 * 1024

/** Identity of the batch, the account and what the source changes on every write. */
const neverHashed = new Set(['partner_account_key', 'batch_no', 'etag'])

export const stageTables = Object.keys(tables).filter((name): name is StageTable =>
  name.startsWith('stg.'),
)

/**
 * Empties the staging tables of an account: by TRUNCATE when no other account is being loaded (no
 * dead rows are left), else by DELETE. The lease table is locked meanwhile, so no other load starts.
 */
export function clearStage(query: Kysely<Database>, partnerAccountKey: number): Promise<void> {
  return inTransaction(query, async (transaction) => {
    await sql`lock table etl.lease in share row exclusive mode`.execute(transaction)
    const others = await transaction
      .selectFrom('etl.lease')
      .select('partner_account_key')
      .where('partner_account_key', '<>', partnerAccountKey)
      .where('expires_at', '>', sql<string>`clock_timestamp()`)
      .execute()
    for (const table of stageTables) {
      if (table === 'stg.seen') continue
      if (others.length === 0) await sql`truncate table ${sql.table(table)}`.execute(transaction)
      else {
        await sql`delete from ${sql.table(table)} where partner_account_key = ${partnerAccountKey}`.execute(
          transaction,
        )
      }
    }
  })
}

/** Forgets the ids that a run has seen, once it is published or given up. */
export async function clearSeen(query: Kysely<Database>, partnerAccountKey: number) {
  await query.deleteFrom('stg.seen').where('partner_account_key', '=', partnerAccountKey).execute()
}

/**
 * Writes batches of rows into the staging tables by COPY over one connection and analyzes the tables
 * at the end: without statistics the joins of the publish step become nested loops.
 * Returns how many rows each table got.
 */
export async function stageRows(
  warehouse: Warehouse,
  batches: AsyncIterable<StagedBatch>,
): Promise<Map<StageTable, number>> {
  const client = await warehouse.pool.connect()
  const counts = new Map<StageTable, number>()
  let failure: unknown
  try {
    await copyBatches(client, batches, counts)
    for (const table of counts.keys()) await client.query(`analyze ${table}`)
  } catch (error) {
    failure = error
    throw error
  } finally {
    // A connection that failed in the middle of a COPY is not given back to the pool.
    client.release(failure !== undefined)
  }
  return counts
}

async function copyBatches(
  client: PoolClient,
  batches: AsyncIterable<StagedBatch>,
  counts: Map<StageTable, number>,
) {
  const pending = new Map<StageTable, string>()
  for await (const batch of batches) {
    for (const table of stageTables) {
      const rows = batch[table]
      if (rows === undefined || rows.length === 0) continue
      const format = formatOf(table)
      let text = pending.get(table) ?? ''
      for (const row of rows) text += copyLine(row, format)
      counts.set(table, (counts.get(table) ?? 0) + rows.length)
      if (text.length >= flushCharacters) {
        await copyInto(client, table, format, text)
        text = ''
      }
      pending.set(table, text)
    }
  }
  for (const [table, text] of pending) {
    if (text !== '') await copyInto(client, table, formatOf(table), text)
  }
}

async function copyInto(client: PoolClient, table: StageTable, format: RowFormat, text: string) {
  const columns = [...format.unhashed, ...format.hashed, ...(format.hasRowHash ? ['row_hash'] : [])]
  const stream = client.query(copyFrom(`copy ${table} (${columns.join(', ')}) from stdin`))
  stream.end(text)
  await once(stream, 'finish')
}

const formats = new Map<StageTable, RowFormat>()

export function formatOf(table: StageTable): RowFormat {
  const known = formats.get(table)
  if (known !== undefined) return known
  const columns: readonly string[] = tables[table].columns
  const format = {
    unhashed: columns.filter((column) => neverHashed.has(column)),
    hashed: columns.filter((column) => !neverHashed.has(column) && column !== 'row_hash'),
    hasRowHash: columns.includes('row_hash'),
  }
  formats.set(table, format)
  return format
}
