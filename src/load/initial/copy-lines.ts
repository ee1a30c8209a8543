import { CosellError } from '../../errors.ts'
import { type TableName, tables } from '../../warehouse/tables.generated.ts'
import { type RowFormat, stagedColumns } from '../copy/copy-format.ts'
import type { RowsWritten } from '../publish/star/upsert.ts'
import {
  formatOf,
  type PublishedTable,
  publishedTables,
  type StageTable,
  type SurrogateColumn,
  surrogatesOf,
} from '../staging/stage-tables.ts'

/** Rows that the direct COPY wrote. */
export interface CopiedTables {
  readonly written: readonly RowsWritten[]
  /** Rows by staging table, as if all of them had been staged. */
  readonly staged: ReadonlyMap<StageTable, number>
}

/** Small tables, from which SQL publishes as it does for staged referrals. */
const stagedAnyway = ['stg.enum_value', 'stg.dq_finding', 'stg.quarantine'] as const

/** Staging tables that an initial load fills. */
const stagedTables = ['stg.referral_key', 'stg.dim_solution', ...stagedAnyway] as const

export type StagedTable = (typeof stagedTables)[number]

/** Layout of the COPY lines of a table, and their number. */
export interface Lines {
  readonly format: RowFormat
  readonly columns: readonly string[]
  readonly surrogates: readonly SurrogateColumn[]
  /** Columns of the target that its hash does not cover. */
  readonly unhashed: readonly string[]
  /** End of every line: the audit columns as COPY text. */
  readonly audit: string
  sent: number
  received: number
}

/**
 * Lines of every table that an initial load writes, a referenced table before those that refer to
 * it.
 */
export function describeLines(runId: number): Map<PublishedTable | StagedTable, Lines> {
  const counts = { sent: 0, received: 0 }
  // SQL finds at the end which tags are documented.
  const audits: Record<string, string> = {
    is_documented: 'f',
    created_run_id: String(runId),
    updated_run_id: String(runId),
  }
  const lines = new Map<PublishedTable | StagedTable, Lines>()
  for (const { target, stage } of publishedTables) {
    const all: readonly string[] = tables[target].columns
    const format = formatOf(stage)
    const surrogates = surrogatesOf(target)
    const unhashed = format.unhashed.filter((column) => all.includes(column))
    const hash = format.hasRowHash ? ['row_hash'] : []
    const audited = all.filter((column) => column in audits)
    const columns = [...surrogates, ...unhashed, ...format.shared, ...hash, ...audited]
    const audit = audited.map((column) => `\t${audits[column]}`).join('')
    lines.set(target, { format, columns, surrogates, unhashed, audit, ...counts })
  }
  for (const stage of stagedTables) {
    const format = formatOf(stage)
    const columns = stagedColumns(format)
    lines.set(stage, { format, columns, surrogates: [], unhashed: [], audit: '', ...counts })
  }
  return lines
}

/**
 * Counts the copied rows by table.
 *
 * @throws CosellError `bug` when PostgreSQL received another number of rows than were sent.
 */
export function countCopied(
  lines: ReadonlyMap<TableName, Lines>,
  statusesAdded: number,
): CopiedTables {
  for (const [table, { sent, received }] of lines) {
    if (received === sent) continue
    const text = `Table ${table}: expected PostgreSQL to receive ${sent} rows, got ${received}. Nothing was published; this is a fault of cosell. Report it.`
    throw new CosellError('publish.rows_lost', text)
  }
  const rows = (table: TableName) => lines.get(table)?.received ?? 0
  const inserted = (table: TableName, count: number) => {
    return { table, inserted: count, updated: 0, deleted: 0 }
  }
  const written = publishedTables.map(({ target }) => inserted(target, rows(target)))
  const staged = new Map<StageTable, number>()
  for (const { target, stage } of publishedTables) staged.set(stage, rows(target))
  for (const stage of stagedAnyway) staged.set(stage, rows(stage))
  return { written: [...written, inserted('dw.dim_status', statusesAdded)], staged }
}
