import { sql } from 'kysely'
import type { PoolClient } from 'pg'
import { CosellError } from '../errors.ts'
import { type Database, type TableName, tables } from '../warehouse.ts'
import { copyInto } from './copy-into.ts'
import {
  type CopyValue,
  copyLine,
  copyValue,
  type RowFormat,
  stagedColumns,
  targetLine,
} from './copy-text.ts'
import type { Kysely, Transaction } from './database.ts'
import { type Gathered, Outbox } from './outbox.ts'
import { children } from './publish-children.ts'
import { addStatuses } from './publish-dimensions.ts'
import { naming } from './refusal.ts'
import { formatOf, type StagedBatch, type StageTable } from './stage.ts'
import {
  type NaturalRow,
  previousStatusOf,
  Surrogates,
  solutionOf,
  statusOf,
  tagOf,
} from './surrogates.ts'
import type { Publication, RowsWritten } from './upsert.ts'

/** The transaction of a publish, and the connection that it is on. */
export interface PouringPublish {
  readonly transaction: Transaction<Database>
  readonly client: PoolClient
  /** Another connection, for keys. */
  readonly query: Kysely<Database>
  readonly publication: Publication
}

export interface Poured {
  readonly written: readonly RowsWritten[]
  /** Lines by the staging table that they would have gone through, or went into. */
  readonly staged: ReadonlyMap<StageTable, number>
}

const poured = [
  { target: 'dw.dim_customer', stage: 'stg.dim_customer' },
  { target: 'dw.dim_solution', stage: 'stg.dim_solution' },
  { target: 'dw.dim_tag', stage: 'stg.dim_tag' },
  { target: 'dw.dim_referral', stage: 'stg.dim_referral' },
  ...children,
] as const

type Target = (typeof poured)[number]['target']

/** Small, or for later statements of the publish; SQL takes them from there as it always does. */
const stillStaged = [
  'stg.referral_key',
  'stg.dim_solution',
  'stg.enum_value',
  'stg.dq_finding',
  'stg.quarantine',
] as const

/**
 * Writes rows straight into a star that has none of the account, by COPY, in the publish transaction
 * and while the next referrals are transformed: without staging them first, a first load takes half
 * the time. Only findings, values and what is set aside are staged, as are later words about a
 * solution, and `stg.referral_key` is filled.
 *
 * @throws pg.DatabaseError when PostgreSQL refuses a row: the transaction is over then.
 */
export async function pour(
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
  const next = surrogates.next('referral_key')
  const owner = {
    referral_key: typeof next === 'number' ? next : await next,
    customer_key: surrogates.customers.get(String(fact?.profile_hash)) ?? null,
  }
  const { partner_account_key, batch_no, referral_id } = referral
  addStaged(pouring, 'stg.referral_key', { partner_account_key, batch_no, referral_id, ...owner })
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

function add({ outbox, surrogates, lines }: Pouring, table: Target, row: NaturalRow, owner: Owner) {
  const line = lines.get(table)
  if (line === undefined) throw new Error(`${table} is not on the list`)
  let keys = ''
  for (const column of line.surrogates) {
    keys += `${copyValue(keyOf(column, row, owner, surrogates))}\t`
  }
  for (const column of line.kept) keys += `${copyValue(row[column] as CopyValue)}\t`
  outbox.add(table, targetLine(row, line.format, keys, line.audit))
  line.sent += 1
}

function addStaged(
  { outbox, lines }: Pouring,
  table: (typeof stillStaged)[number],
  row: NaturalRow,
) {
  const line = lines.get(table)
  if (line === undefined) throw new Error(`${table} is not on the list`)
  outbox.add(table, copyLine(row, line.format))
  line.sent += 1
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

/** How the lines of a table are made up, and how many there were. */
interface Line {
  readonly format: RowFormat
  readonly columns: readonly string[]
  readonly surrogates: readonly string[]
  /** Columns that the hash leaves out and the target has. */
  readonly kept: readonly string[]
  /** The same at the end of each line. */
  readonly audit: string
  sent: number
  taken: number
}

const surrogateColumns = new Set([
  'referral_key',
  'customer_key',
  'status_key',
  'previous_status_key',
  'solution_key',
  'tag_key',
])

/** In the order in which they are sent: what foreign keys refer to goes first. */
function describeLines(runId: number): Map<TableName, Line> {
  const counts = { sent: 0, taken: 0 }
  // Whether a tag is documented is found in SQL at the end.
  const audits: Record<string, string> = {
    is_documented: 'f',
    created_run_id: String(runId),
    updated_run_id: String(runId),
  }
  const lines = new Map<TableName, Line>()
  for (const { target, stage } of poured) {
    const all: readonly string[] = tables[target].columns
    const format = formatOf(stage)
    const surrogates = all.filter((column) => surrogateColumns.has(column))
    const kept = format.unhashed.filter((column) => all.includes(column))
    const hash = format.hasRowHash ? ['row_hash'] : []
    const audited = all.filter((column) => column in audits)
    const columns = [...surrogates, ...kept, ...format.shared, ...hash, ...audited]
    const audit = audited.map((column) => `\t${audits[column]}`).join('')
    lines.set(target, { format, columns, surrogates, kept, audit, ...counts })
  }
  for (const stage of stillStaged) {
    const format = formatOf(stage)
    const columns = stagedColumns(format)
    lines.set(stage, { format, columns, surrogates: [], kept: [], audit: '', ...counts })
  }
  return lines
}

/** @throws CosellError `bug` when PostgreSQL took another number of rows than it was sent. */
function accountFor(lines: ReadonlyMap<TableName, Line>, statusesAdded: number): Poured {
  for (const [table, { sent, taken }] of lines) {
    if (taken === sent) continue
    const text = `Table ${table}: expected PostgreSQL to take ${sent} rows, got ${taken}. Nothing was published; this is a fault of cosell. Report it.`
    throw new CosellError('bug', 'publish.rows_lost', text)
  }
  const rows = (table: TableName) => lines.get(table)?.taken ?? 0
  const inserted = (table: TableName, count: number) => {
    return { table, inserted: count, updated: 0, deleted: 0 }
  }
  const written = poured.map(({ target }) => inserted(target, rows(target)))
  const staged = new Map<StageTable, number>()
  for (const { target, stage } of poured) staged.set(stage, rows(target))
  for (const stage of stillStaged.slice(2)) staged.set(stage, rows(stage))
  return { written: [...written, inserted('dw.dim_status', statusesAdded)], staged }
}

function rowsOf(batch: StagedBatch, table: StageTable): readonly NaturalRow[] {
  return (batch[table] ?? []) as readonly NaturalRow[]
}
