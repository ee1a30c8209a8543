import type { PoolClient } from 'pg'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../warehouse/tables.generated.ts'
import { type BufferedLines, CopyBuffer } from '../copy/copy-buffer.ts'
import { type CopyValue, copyLine, copyValue, targetLine } from '../copy/copy-format.ts'
import { copyInto } from '../copy/copy-into.ts'
import { addStatuses } from '../publish/members/shared-members.ts'
import { withTableName } from '../staging/rejected-rows.ts'
import {
  type PublishedTable,
  referralTables,
  type StagedBatch,
  type StageTable,
  type SurrogateColumn,
} from '../staging/stage-tables.ts'
import {
  type CopiedTables,
  countCopied,
  describeLines,
  type Lines,
  type StagedTable,
} from './copy-lines.ts'
import { type NaturalRow, naturalKey, SurrogateKeys } from './surrogate-keys.ts'

/** Transaction of a direct COPY, and the connection that it uses. */
export interface DirectCopy {
  readonly transaction: Transaction<Database>
  readonly client: PoolClient
  /** Another connection, for keys and for the members that accounts share. */
  readonly query: Kysely<Database>
  readonly runId: number
}

/**
 * Copies rows straight into a star without rows of the account, in the publish transaction and
 * while the next referrals are transformed. Without the staging step, an initial load takes half
 * the time. Only findings, enum values, quarantined versions and further rows about a known
 * solution are staged, and `stg.referral_key` is filled.
 *
 * @throws pg.DatabaseError when PostgreSQL rejects a row, which ends the transaction.
 */
export async function copyDirectly(
  target: DirectCopy,
  batches: AsyncIterable<StagedBatch>,
): Promise<CopiedTables> {
  const lines = describeLines(target.runId)
  const buffer = new CopyBuffer<TableName>((buffered) => copyAll(target.client, lines, buffered))
  const keys = new SurrogateKeys(target.query)
  keys.statuses = await readStatuses(target.transaction)
  const state = { target, buffer, keys, lines, solutionRanks: new Map(), statusesAdded: 0 }
  try {
    for await (const batch of batches) {
      await copyBatch(state, batch)
      await buffer.flushIfFull()
    }
    await buffer.flush()
  } finally {
    await buffer.drain()
  }
  return countCopied(lines, state.statusesAdded)
}

interface CopyState {
  readonly target: DirectCopy
  readonly buffer: CopyBuffer<TableName>
  readonly keys: SurrogateKeys
  readonly lines: ReadonlyMap<TableName, Lines>
  /** Rank of the best row about each solution so far. */
  readonly solutionRanks: Map<string, string>
  statusesAdded: number
}

async function copyAll(
  client: PoolClient,
  lines: ReadonlyMap<TableName, Lines>,
  buffered: BufferedLines<TableName>,
) {
  for (const [table, line] of lines) {
    const pieces = buffered.get(table)
    if (pieces === undefined) continue
    line.received += await copyInto(client, table, line.columns, pieces).catch(withTableName(table))
  }
}

async function copyBatch(state: CopyState, batch: StagedBatch) {
  const { keys } = state
  for (const table of ['stg.fact_referral', 'stg.fact_referral_history'] as const) {
    for (const row of rowsOf(batch, table)) {
      if (keys.find('status_key', row) === undefined) await addStatus(state, row)
    }
  }
  await addDimensionRows(state, batch)
  for (const table of ['stg.enum_value', 'stg.dq_finding', 'stg.quarantine'] as const) {
    for (const row of rowsOf(batch, table)) addStaged(state, table, row)
  }
  const [referral] = rowsOf(batch, 'stg.dim_referral')
  if (referral === undefined) return
  const [fact] = rowsOf(batch, 'stg.fact_referral')
  const owner = {
    referral_key: await keys.next('referral_key'),
    customer_key: keys.customers.get(String(fact?.profile_hash)) ?? null,
  }
  const { partner_account_key, referral_no, referral_id } = referral
  addStaged(state, 'stg.referral_key', {
    partner_account_key,
    referral_no,
    referral_id,
    ...owner,
  })
  add(state, 'dw.dim_referral', referral, owner)
  for (const { target, stage } of referralTables) {
    for (const row of rowsOf(batch, stage)) add(state, target, row, owner)
  }
}

/** Adds customers, tags, sellers and solutions that no earlier referral had. */
async function addDimensionRows(state: CopyState, batch: StagedBatch) {
  const { customers, sellers, solutions, tags } = state.keys
  for (const row of rowsOf(batch, 'stg.dim_customer')) {
    const profile = String(row.profile_hash)
    if (customers.get(profile) !== undefined) continue
    customers.set(profile, await state.keys.next('customer_key'))
    add(state, 'dw.dim_customer', row, noReferral)
  }
  for (const row of rowsOf(batch, 'stg.dim_tag')) {
    const tag = naturalKey('tag_key', row)
    if (tags.has(tag)) continue
    tags.set(tag, await state.keys.next('tag_key'))
    add(state, 'dw.dim_tag', row, noReferral)
  }
  for (const row of rowsOf(batch, 'stg.dim_seller')) {
    const seller = naturalKey('seller_key', row)
    if (sellers.has(seller)) continue
    sellers.set(seller, await state.keys.next('seller_key'))
    add(state, 'dw.dim_seller', row, noReferral)
  }
  for (const row of rowsOf(batch, 'stg.dim_solution')) {
    const solution = naturalKey('solution_key', row)
    const rank = `${row.solution_name !== '(Not provided)'} ${row.source_updated_at}`
    const best = state.solutionRanks.get(solution)
    if (best === undefined) {
      solutions.set(solution, await state.keys.next('solution_key'))
      add(state, 'dw.dim_solution', row, noReferral)
      // Among rows of equal rank SQL decides, by their hash.
    } else if (rank >= best) addStaged(state, 'stg.dim_solution', row)
    if (best === undefined || rank > best) state.solutionRanks.set(solution, rank)
  }
}

async function addStatus(state: CopyState, row: NaturalRow) {
  const { target, keys } = state
  const pair = {
    referral_status: String(row.referral_status),
    referral_substatus: String(row.referral_substatus),
  }
  const { inserted } = await addStatuses(target.query, [pair])
  state.statusesAdded += inserted
  keys.statuses = await readStatuses(target.query)
}

async function readStatuses(query: Kysely<Database>) {
  const rows = await query
    .selectFrom('dw.dim_status')
    .select(['status_key', 'referral_status', 'referral_substatus'])
    .execute()
  return new Map(rows.map((row) => [naturalKey('status_key', { ...row }), row.status_key]))
}

/** Keys of the referral that a row belongs to. */
interface Owner {
  readonly referral_key: number | null
  readonly customer_key: number | null
}

/** Dimension rows belong to no referral. */
const noReferral: Owner = { referral_key: null, customer_key: null }

function add(
  { buffer, keys, lines }: CopyState,
  table: PublishedTable,
  row: NaturalRow,
  owner: Owner,
) {
  const { format, surrogates, unhashed, audit } = countOne(lines, table)
  let start = ''
  for (const column of surrogates) start += `${copyValue(keyOf(column, row, owner, keys))}\t`
  for (const column of unhashed) start += `${copyValue(row[column] as CopyValue)}\t`
  buffer.add(table, targetLine(row, format, start, audit))
}

function addStaged({ buffer, lines }: CopyState, table: StagedTable, row: NaturalRow) {
  buffer.add(table, copyLine(row, countOne(lines, table).format))
}

function countOne(lines: ReadonlyMap<TableName, Lines>, table: TableName): Lines {
  const found = lines.get(table)
  if (found === undefined) throw new Error(`${table} is not a table that an initial load writes`)
  found.sent += 1
  return found
}

function keyOf(column: SurrogateColumn, row: NaturalRow, owner: Owner, keys: SurrogateKeys) {
  if (column === 'referral_key') return owner.referral_key
  if (column === 'customer_key' && row.profile_hash === undefined) return owner.customer_key
  return keys.find(column, row)
}

function rowsOf(batch: StagedBatch, table: StageTable): readonly NaturalRow[] {
  return (batch[table] ?? []) as readonly NaturalRow[]
}
