import { once } from 'node:events'
import { sql } from 'kysely'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type Database, type TableName, tables } from '../warehouse.ts'
import { copyLine, type RowFormat } from './copy-text.ts'
import type { Kysely, Warehouse } from './database.ts'
import { inLeasedTransaction, type Lease } from './lease.ts'

export type StageTable = Extract<TableName, `stg.${string}`>
export type StagedBatch = { readonly [T in StageTable]?: readonly object[] }

/**
 * Bytes gathered for a table before they are sent; with some twenty tables, 5 MB in all. Gathered
 * in a buffer that is used again, because strings put together piece by piece stay in memory as
 * their pieces: with those a load of 50,000 referrals took 60 MiB more.
 */
const gatheredBytesMax = 256 * 1024

/** Identity of the batch, the account and what the source changes on every write. */
const neverHashed = new Set(['partner_account_key', 'batch_no', 'etag'])

export const stageTables = Object.keys(tables).filter((name): name is StageTable =>
  name.startsWith('stg.'),
)

/**
 * Empties the staging tables of an account: by TRUNCATE when no other account is being loaded (no
 * dead rows are left), else by DELETE. The lease table is locked meanwhile, so no other load starts.
 */
export function clearStage(query: Kysely<Database>, lease: Lease): Promise<void> {
  const { partnerAccountKey } = lease
  return inLeasedTransaction(query, lease, async (transaction) => {
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

/** Counts the referrals that a run has seen (some come on two pages) and analyzes the list of them. */
export async function countSeen(
  query: Kysely<Database>,
  partnerAccountKey: number,
  runId: number,
): Promise<number> {
  await sql`analyze stg.seen`.execute(query)
  const counted = await query
    .selectFrom('stg.seen')
    .select(({ fn }) => fn.count<number>('resource_id').distinct().as('seen'))
    .where('partner_account_key', '=', partnerAccountKey)
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  return counted.seen
}

/** Forgets the ids that a run and those before it have seen. */
export async function clearSeen(query: Kysely<Database>, partnerAccountKey: number, runId: number) {
  await query
    .deleteFrom('stg.seen')
    .where('partner_account_key', '=', partnerAccountKey)
    .where('run_id', '<=', runId)
    .execute()
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

interface Gathered {
  readonly table: StageTable
  readonly bytes: Buffer
  used: number
}

async function copyBatches(
  client: PoolClient,
  batches: AsyncIterable<StagedBatch>,
  counts: Map<StageTable, number>,
) {
  const gathered = new Map<StageTable, Gathered>()
  for await (const batch of batches) {
    for (const table of stageTables) {
      const rows = batch[table]
      if (rows === undefined || rows.length === 0) continue
      const format = formatOf(table)
      const pending = gathered.get(table) ?? startGathering(table)
      gathered.set(table, pending)
      for (const row of rows) {
        const sent = gather(client, pending, copyLine(row, format))
        if (sent !== undefined) await sent
      }
      counts.set(table, (counts.get(table) ?? 0) + rows.length)
    }
  }
  for (const pending of gathered.values()) await send(client, pending)
}

function startGathering(table: StageTable): Gathered {
  return { table, bytes: Buffer.allocUnsafe(gatheredBytesMax), used: 0 }
}

/** A promise only when something is sent: for the other rows, waiting would cost more than the row. */
function gather(client: PoolClient, pending: Gathered, line: string): Promise<void> | undefined {
  // No UTF-16 unit takes more than three bytes.
  const fits = pending.used + 3 * line.length <= gatheredBytesMax
  if (!fits) return sendBefore(client, pending, line)
  pending.used += pending.bytes.write(line, pending.used)
  return undefined
}

async function sendBefore(client: PoolClient, pending: Gathered, line: string) {
  await send(client, pending)
  if (3 * line.length > gatheredBytesMax) return copyInto(client, pending.table, Buffer.from(line))
  pending.used = pending.bytes.write(line)
}

async function send(client: PoolClient, pending: Gathered) {
  if (pending.used === 0) return
  await copyInto(client, pending.table, pending.bytes.subarray(0, pending.used))
  pending.used = 0
}

async function copyInto(client: PoolClient, table: StageTable, bytes: Buffer) {
  const format = formatOf(table)
  const columns = [...format.unhashed, ...format.hashed, ...(format.hasRowHash ? ['row_hash'] : [])]
  const stream = client.query(copyFrom(`copy ${table} (${columns.join(', ')}) from stdin`))
  stream.end(bytes)
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
