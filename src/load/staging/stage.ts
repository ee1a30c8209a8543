import { type QueryCreator, sql } from 'kysely'
import type { PoolClient } from 'pg'
import { isShared } from '../../warehouse/connection/client.ts'
import type { Kysely, Transaction, Warehouse } from '../../warehouse/connection/database.ts'
import { beginText } from '../../warehouse/connection/session.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { CopyBuffer } from '../copy/copy-buffer.ts'
import { copiedText, copyLine, stagedColumns } from '../copy/copy-format.ts'
import { copyInto } from '../copy/copy-into.ts'
import { copyUnderLease, fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import {
  findRejected,
  isRowRejected,
  quarantineRejected,
  type RejectedRow,
} from './rejected-rows.ts'
import { formatOf, type StagedBatch, type StageTable, stageTables } from './stage-tables.ts'

/** Staging tables that hold one batch; the list of a read is kept until the run is over. */
const batchTables = stageTables.filter((table) => table !== 'stg.listed_referral')

/**
 * Empties the staging tables of an account, in one statement. TRUNCATE would be quicker and leave no
 * dead rows, but waits for every other account that reads the stage in its publish, and lets them
 * wait in turn. Autovacuum removes the dead rows.
 */
export function clearStage(query: Kysely<Database>, lease: Lease): Promise<unknown> {
  const { partnerAccountKey } = lease
  return fencedTransaction(query, lease, (transaction) =>
    batchTables
      .reduce<QueryCreator<Database>>(
        (deleting, table) =>
          deleting.with(table.replace('.', '_'), (from) =>
            from.deleteFrom(table).where('partner_account_key', '=', partnerAccountKey),
          ),
        transaction,
      )
      .selectNoFrom(sql.lit(1).as('one'))
      .execute(),
  )
}

/** Returns the number of referrals on the pages of a run, each once, and analyzes their list. */
export async function countListed(
  query: Kysely<Database>,
  partnerAccountKey: number,
  runId: number,
): Promise<number> {
  await sql`analyze stg.listed_referral`.execute(query)
  const counted = await query
    .selectFrom('stg.listed_referral')
    .select(({ fn }) => fn.count<number>('resource_id').distinct().as('referrals'))
    .where('partner_account_key', '=', partnerAccountKey)
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  return counted.referrals
}

/** Deletes the lists of a run and of the runs before it. */
export async function clearListed(query: Kysely<Database>, lease: Lease, runId: number) {
  await fencedTransaction(query, lease, (transaction) =>
    transaction
      .deleteFrom('stg.listed_referral')
      .where('partner_account_key', '=', lease.partnerAccountKey)
      .where('run_id', '<=', runId)
      .execute(),
  )
}

/**
 * Writes batches of rows into the staging tables by COPY over one connection. Analyzes the tables
 * at the end: without statistics the joins of the publish become nested loops. A referral of which
 * PostgreSQL rejects a row is staged as quarantined. Returns the number of rows by table.
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
  const rejected: RejectedLine[] = []
  let failure: unknown
  try {
    const apart = (copy: () => Promise<void>) => copyUnderLease(client, lease, copy)
    await copyBatches({ client, apart, rejected }, batches, counts)
    await analyzeStages(client, [...counts.keys()])
  } catch (error) {
    failure = error
    throw error
  } finally {
    // A connection that failed in the middle of a COPY is not given back to the pool.
    client.release(failure !== undefined)
  }
  const [first] = rejected
  if (first === undefined) return counts
  for (const { table } of rejected) counts.set(table, (counts.get(table) ?? 0) - 1)
  return fencedTransaction(warehouse.query, lease, (transaction) =>
    quarantineRejected(transaction, first.partnerAccountKey, rejected, counts),
  )
}

/**
 * As `stageRows`, within a transaction of the caller that is rolled back, and over its connection. It
 * empties the stage first. Nothing is analyzed: the lock of ANALYZE would last as long as the trial,
 * and let the loads of other accounts wait.
 */
export async function stageOnTrial(
  transaction: Transaction<Database>,
  client: PoolClient,
  partnerAccountKey: number,
  batches: AsyncIterable<StagedBatch>,
): Promise<Map<StageTable, number>> {
  for (const table of batchTables) {
    await transaction
      .deleteFrom(table)
      .where('partner_account_key', '=', partnerAccountKey)
      .execute()
  }
  const counts = new Map<StageTable, number>()
  const rejected: RejectedLine[] = []
  const apart = async (copy: () => Promise<void>) => {
    await client.query('savepoint copied')
    try {
      await copy()
    } catch (error) {
      await client.query('rollback to savepoint copied')
      throw error
    }
    await client.query('release savepoint copied')
  }
  await copyBatches({ client, apart, rejected }, batches, counts)
  if (rejected.length === 0) return counts
  for (const { table } of rejected) counts.set(table, (counts.get(table) ?? 0) - 1)
  return quarantineRejected(transaction, partnerAccountKey, rejected, counts)
}

/**
 * A publish joins whole stages, so a tenth of the usual sample tells it enough. Each table has a transaction
 * of its own, since ANALYZE lets other accounts wait until it ends; without one, a session that a pooler
 * lends would have no settings of ours.
 */
async function analyzeStages(client: PoolClient, tables: readonly StageTable[]) {
  if (tables.length === 0) return
  const begin = beginText(isShared(client))
  const analyze = tables.map(
    (table) => `${begin}; set local default_statistics_target = 10; analyze ${table}; commit`,
  )
  await client.query(analyze.join('; '))
}

/** Connection that rows are staged over, and the rows that it rejected. */
interface Stage {
  readonly client: PoolClient
  /** Runs a COPY so that a rejected row undoes it alone. */
  apart(copy: () => Promise<void>): Promise<void>
  readonly rejected: RejectedLine[]
}

interface RejectedLine extends RejectedRow {
  readonly table: StageTable
  readonly partnerAccountKey: number
}

async function copyBatches(
  stage: Stage,
  batches: AsyncIterable<StagedBatch>,
  counts: Map<StageTable, number>,
) {
  const buffer = new CopyBuffer<StageTable>(async (buffered) => {
    for (const [table, pieces] of buffered) await copyRows(stage, table, pieces)
  })
  try {
    for await (const batch of batches) {
      for (const table of stageTables) {
        const rows = batch[table]
        if (rows === undefined || rows.length === 0) continue
        const format = formatOf(table)
        for (const row of rows) buffer.add(table, copyLine(row, format))
        counts.set(table, (counts.get(table) ?? 0) + rows.length)
      }
      await buffer.flushIfFull()
    }
    await buffer.flush()
  } finally {
    await buffer.drain()
  }
}

/**
 * Copies the rows but for the rejected ones, which have to be found: COPY takes all rows or none.
 */
async function copyRows(
  { client, apart, rejected }: Stage,
  table: StageTable,
  pieces: readonly Buffer[],
) {
  const columns = stagedColumns(formatOf(table))
  const copy = (some: readonly (Buffer | string)[]) =>
    apart(async () => {
      await copyInto(client, table, columns, some)
    })
  try {
    return await copy(pieces)
  } catch (error) {
    if (!isRowRejected(error) || table === 'stg.quarantine') throw error
  }
  // COPY writes a line end within a value as two characters.
  const lines = pieces.flatMap((piece) => piece.toString().match(/[^\n]*\n/g) ?? [])
  for (const { item, error } of await findRejected(lines, copy)) {
    rejected.push({ ...identityOf(table, item, error), error })
  }
}

/**
 * Referral of a line. A rejected line without a referral is a fault of cosell: its error is thrown.
 */
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
