import { sql } from 'kysely'
import type { PoolClient } from 'pg'
import type { Kysely, Warehouse } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'
import { Outbox } from '../copy/copy-buffer.ts'
import { copiedText, copyLine, type RowFormat, stagedColumns } from '../copy/copy-format.ts'
import { copyInto } from '../copy/copy-into.ts'
import { copyUnderLease, inLeasedTransaction, type Lease } from '../runs/lease.ts'
import { findRefused, isRefusal, type Refused, setAside } from './rejected-rows.ts'

export type StageTable = Extract<TableName, `stg.${string}`>
export type StagedBatch = { readonly [T in StageTable]?: readonly object[] }

/** Identity of the batch, the account and what the source changes on every write. */
const neverHashed = new Set(['partner_account_key', 'referral_no', 'etag'])

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
    const emptied = stageTables.filter((table) => table !== 'stg.listed_referral')
    if (others.length === 0) {
      await sql`truncate table ${sql.join(emptied.map(sql.table))}`.execute(transaction)
      return
    }
    for (const table of emptied) {
      await sql`delete from ${sql.table(table)} where partner_account_key = ${partnerAccountKey}`.execute(
        transaction,
      )
    }
  })
}

/** Counts the referrals that a run has seen (some come on two pages) and analyzes the list of them. */
export async function countListed(
  query: Kysely<Database>,
  partnerAccountKey: number,
  runId: number,
): Promise<number> {
  await sql`analyze stg.listed_referral`.execute(query)
  const counted = await query
    .selectFrom('stg.listed_referral')
    .select(({ fn }) => fn.count<number>('resource_id').distinct().as('seen'))
    .where('partner_account_key', '=', partnerAccountKey)
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  return counted.seen
}

/** Forgets the ids that a run and those before it have seen. */
export async function clearListed(query: Kysely<Database>, lease: Lease, runId: number) {
  await inLeasedTransaction(query, lease, (transaction) =>
    transaction
      .deleteFrom('stg.listed_referral')
      .where('partner_account_key', '=', lease.partnerAccountKey)
      .where('run_id', '<=', runId)
      .execute(),
  )
}

/**
 * Writes batches of rows into the staging tables by COPY over one connection and analyzes the tables
 * at the end: without statistics the joins of the publish step become nested loops. A referral of
 * which PostgreSQL refuses a row is staged as set aside. Returns how many rows each table got.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing more was staged.
 */
export async function stageRows(
  warehouse: Warehouse,
  lease: Lease,
  batches: AsyncIterable<StagedBatch>,
): Promise<Map<StageTable, number>> {
  const client = await warehouse.pool.connect()
  const counts = new Map<StageTable, number>()
  const refused: RefusedLine[] = []
  let failure: unknown
  try {
    await copyBatches({ client, lease, refused }, batches, counts)
    for (const table of counts.keys()) await client.query(`analyze ${table}`)
  } catch (error) {
    failure = error
    throw error
  } finally {
    // A connection that failed in the middle of a COPY is not given back to the pool.
    client.release(failure !== undefined)
  }
  const [first] = refused
  if (first === undefined) return counts
  for (const { table } of refused) counts.set(table, (counts.get(table) ?? 0) - 1)
  return inLeasedTransaction(warehouse.query, lease, (transaction) =>
    setAside(transaction, first.partnerAccountKey, refused, counts),
  )
}

/** One connection, and what it would not take. */
interface Stage {
  readonly client: PoolClient
  readonly lease: Lease
  readonly refused: RefusedLine[]
}

interface RefusedLine extends Refused {
  readonly table: StageTable
  readonly partnerAccountKey: number
}

async function copyBatches(
  stage: Stage,
  batches: AsyncIterable<StagedBatch>,
  counts: Map<StageTable, number>,
) {
  const outbox = new Outbox<StageTable>(async (gathered) => {
    for (const [table, pieces] of gathered) await copyRows(stage, table, pieces)
  })
  try {
    for await (const batch of batches) {
      for (const table of stageTables) {
        const rows = batch[table]
        if (rows === undefined || rows.length === 0) continue
        const format = formatOf(table)
        for (const row of rows) outbox.add(table, copyLine(row, format))
        counts.set(table, (counts.get(table) ?? 0) + rows.length)
      }
      await outbox.passOn()
    }
    await outbox.ship()
  } finally {
    await outbox.settle()
  }
}

/** COPY takes all the rows or none; those that it refuses are found among them and left out. */
async function copyRows(
  { client, lease, refused }: Stage,
  table: StageTable,
  pieces: readonly Buffer[],
) {
  const columns = stagedColumns(formatOf(table))
  const copy = (some: readonly (Buffer | string)[]) =>
    copyUnderLease(client, lease, async () => {
      await copyInto(client, table, columns, some)
    })
  try {
    return await copy(pieces)
  } catch (error) {
    if (!isRefusal(error) || table === 'stg.quarantine') throw error
  }
  // COPY writes a line end within a value as two characters.
  const lines = pieces.flatMap((piece) => piece.toString().match(/[^\n]*\n/g) ?? [])
  for (const { item, error } of await findRefused(lines, copy)) {
    refused.push({ ...identityOf(table, item, error), error })
  }
}

/** Whose line it is. Without a number of its own, the refusal is a fault of ours and passed on. */
function identityOf(table: StageTable, line: string, error: unknown) {
  const values = line.slice(0, -1).split('\t')
  const [partnerAccountKey = '', referralNo = ''] = values
  if (!/^\d+$/.test(partnerAccountKey) || !/^\d+$/.test(referralNo)) throw error
  const referralId = values[stagedColumns(formatOf(table)).indexOf('referral_id')]
  return {
    table,
    partnerAccountKey: Number(partnerAccountKey),
    referralNo: Number(referralNo),
    ...(referralId === undefined ? {} : { referralId: copiedText(referralId) }),
  }
}

const formats = new Map<StageTable, RowFormat>()

export function formatOf(table: StageTable): RowFormat {
  const known = formats.get(table)
  if (known !== undefined) return known
  const columns: readonly string[] = tables[table].columns
  const hashed = columns.filter((column) => !neverHashed.has(column) && column !== 'row_hash')
  const target = targetOf(table)
  const isShared = (column: string) =>
    target === undefined || (tables[target].columns as readonly string[]).includes(column)
  const format = {
    unhashed: columns.filter((column) => neverHashed.has(column)),
    natural: hashed.filter((column) => !isShared(column)),
    shared: hashed.filter(isShared),
    hasRowHash: columns.includes('row_hash'),
  }
  formats.set(table, format)
  return format
}

/** The table of the star, or of people, that a staging table is the twin of; none for some. */
export function targetOf(table: StageTable): TableName | undefined {
  const name = table.slice('stg.'.length)
  return [`dw.${name}`, `pii.${name}`].find((one): one is TableName => one in tables)
}
