import { sql } from 'kysely'
import type { PoolClient } from 'pg'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../warehouse/tables.generated.ts'
import { type Gathered, Outbox } from '../copy/copy-buffer.ts'
import { type CopyValue, copyLine, copyValue, targetLine } from '../copy/copy-format.ts'
import { copyInto } from '../copy/copy-into.ts'
import { addStatuses } from '../publish/publish-dimensions.ts'
import { children } from '../publish/publish-facts.ts'
import type { Publication } from '../publish/upsert.ts'
import { naming } from '../staging/rejected-rows.ts'
import type { StagedBatch, StageTable } from '../staging/stage.ts'
import {
  accountFor,
  describeLines,
  type Line,
  type Poured,
  type PouredTable,
  type StillStaged,
} from './copy-lines.ts'
import {
  type NaturalRow,
  previousStatusOf,
  Surrogates,
  solutionOf,
  statusOf,
  tagOf,
} from './surrogate-keys.ts'

/** The transaction of a publish, and the connection that it is on. */
export interface PouringPublish {
  readonly transaction: Transaction<Database>
  readonly client: PoolClient
  /** Another connection, for keys. */
  readonly query: Kysely<Database>
  readonly publication: Publication
}

/**
 * Writes rows straight into a star that has none of the account, by COPY, in the publish transaction
 * and while the next referrals are transformed: without staging them first, a first load takes half
 * the time. Only findings, values and what is set aside are staged, as are later words about a
 * solution, and `stg.referral_key` is filled.
 *
 * @throws pg.DatabaseError when PostgreSQL refuses a row: the transaction is over then.
 */
export async function copyDirectly(
  publish: PouringPublish,
  batches: AsyncIterable<StagedBatch>,
): Promise<Poured> {
  const lines = describeLines(publish.publication.runId)
  const outbox = new Outbox<TableName>((gathered) => copyAll(publish.client, lines, gathered))
  const surrogates = new Surrogates(publish.query)
  surrogates.statuses = await readStatuses(publish.transaction)
  const pouring = { publish, outbox, surrogates, lines, said: new Map(), statusesAdded: 0 }
  try {
    for await (const batch of batches) {
      await pourReferral(pouring, batch)
      await outbox.passOn()
    }
    await outbox.ship()
  } finally {
    await outbox.settle()
  }
  return accountFor(lines, pouring.statusesAdded)
}

interface Pouring {
  readonly publish: PouringPublish
  readonly outbox: Outbox<TableName>
  readonly surrogates: Surrogates
  readonly lines: ReadonlyMap<TableName, Line>
  /** What the best row about a solution so far weighs. */
  readonly said: Map<string, string>
  statusesAdded: number
}

async function copyAll(
  client: PoolClient,
  lines: ReadonlyMap<TableName, Line>,
  gathered: Gathered<TableName>,
) {
  for (const [table, line] of lines) {
    const pieces = gathered.get(table)
    if (pieces === undefined) continue
    line.taken += await copyInto(client, table, line.columns, pieces).catch(naming(table))
  }
}

async function pourReferral(pouring: Pouring, batch: StagedBatch) {
  const { surrogates } = pouring
  for (const table of ['stg.fact_referral', 'stg.fact_referral_history'] as const) {
    for (const row of rowsOf(batch, table)) {
      if (!surrogates.statuses.has(statusOf(row))) await learnStatus(pouring, row)
    }
  }
  await pourMembers(pouring, batch)
  for (const table of ['stg.enum_value', 'stg.dq_finding', 'stg.quarantine'] as const) {
    for (const row of rowsOf(batch, table)) addStaged(pouring, table, row)
  }
  const [referral] = rowsOf(batch, 'stg.dim_referral')
  if (referral === undefined) return
  const [fact] = rowsOf(batch, 'stg.fact_referral')
  const owner = {
    referral_key: await surrogates.next('referral_key'),
    customer_key: surrogates.customers.get(String(fact?.profile_hash)) ?? null,
  }
  const { partner_account_key, referral_no, referral_id } = referral
  addStaged(pouring, 'stg.referral_key', {
    partner_account_key,
    referral_no,
    referral_id,
    ...owner,
  })
  add(pouring, 'dw.dim_referral', referral, owner)
  for (const { target, stage } of children) {
    for (const row of rowsOf(batch, stage)) add(pouring, target, row, owner)
  }
}

/** Members of dimensions that no referral had before. */
async function pourMembers(pouring: Pouring, batch: StagedBatch) {
  const { customers, solutions, tags } = pouring.surrogates
  for (const row of rowsOf(batch, 'stg.dim_customer')) {
    const profile = String(row.profile_hash)
    if (customers.get(profile) !== undefined) continue
    customers.set(profile, await pouring.surrogates.next('customer_key'))
    add(pouring, 'dw.dim_customer', row, nobody)
  }
  for (const row of rowsOf(batch, 'stg.dim_tag')) {
    const tag = tagOf(row)
    if (tags.has(tag)) continue
    tags.set(tag, await pouring.surrogates.next('tag_key'))
    add(pouring, 'dw.dim_tag', row, nobody)
  }
  for (const row of rowsOf(batch, 'stg.dim_solution')) {
    const solution = solutionOf(row)
    const weight = `${row.solution_name !== '(Not provided)'} ${row.source_updated_at}`
    const heaviest = pouring.said.get(solution)
    if (heaviest === undefined) {
      solutions.set(solution, await pouring.surrogates.next('solution_key'))
      add(pouring, 'dw.dim_solution', row, nobody)
      // The rest of the rule, among equals, is for SQL.
    } else if (weight >= heaviest) addStaged(pouring, 'stg.dim_solution', row)
    if (heaviest === undefined || weight > heaviest) pouring.said.set(solution, weight)
  }
}

async function learnStatus(pouring: Pouring, row: NaturalRow) {
  const { publish, outbox, surrogates } = pouring
  // Not in the middle of a COPY.
  await outbox.settle()
  const { inserted } = await addStatuses(
    publish.transaction,
    sql`select ${row.referral_status}::text as referral_status,
      ${row.referral_substatus}::text as referral_substatus`,
  )
  pouring.statusesAdded += inserted
  surrogates.statuses = await readStatuses(publish.transaction)
}

async function readStatuses(transaction: Transaction<Database>) {
  const rows = await transaction
    .selectFrom('dw.dim_status')
    .select(['status_key', 'referral_status', 'referral_substatus'])
    .execute()
  return new Map(rows.map((row) => [statusOf({ ...row }), row.status_key]))
}

/** The referral that a row belongs to. */
interface Owner {
  readonly referral_key: number | null
  readonly customer_key: number | null
}

/** Of a member of a dimension. */
const nobody: Owner = { referral_key: null, customer_key: null }

function add(
  { outbox, surrogates, lines }: Pouring,
  table: PouredTable,
  row: NaturalRow,
  owner: Owner,
) {
  const line = countOne(lines, table)
  let keys = ''
  for (const column of line.surrogates) {
    keys += `${copyValue(keyOf(column, row, owner, surrogates))}\t`
  }
  for (const column of line.kept) keys += `${copyValue(row[column] as CopyValue)}\t`
  outbox.add(table, targetLine(row, line.format, keys, line.audit))
}

function addStaged({ outbox, lines }: Pouring, table: StillStaged, row: NaturalRow) {
  outbox.add(table, copyLine(row, countOne(lines, table).format))
}

function countOne(lines: ReadonlyMap<TableName, Line>, table: TableName): Line {
  const line = lines.get(table)
  if (line === undefined) throw new Error(`${table} is not among those that are poured`)
  line.sent += 1
  return line
}

function keyOf(column: string, row: NaturalRow, owner: Owner, known: Surrogates) {
  switch (column) {
    case 'referral_key':
      return owner.referral_key
    case 'customer_key':
      return row.profile_hash === undefined
        ? owner.customer_key
        : known.customers.get(String(row.profile_hash))
    case 'status_key':
      return known.statuses.get(statusOf(row))
    case 'previous_status_key':
      return known.statuses.get(previousStatusOf(row))
    case 'solution_key':
      return known.solutions.get(solutionOf(row))
    default:
      return known.tags.get(tagOf(row))
  }
}

function rowsOf(batch: StagedBatch, table: StageTable): readonly NaturalRow[] {
  return (batch[table] ?? []) as readonly NaturalRow[]
}
