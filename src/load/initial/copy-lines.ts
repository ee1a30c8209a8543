import { CosellError } from '../../errors.ts'
import { type TableName, tables } from '../../warehouse/tables.generated.ts'
import { type RowFormat, stagedColumns } from '../copy/copy-format.ts'
import { children } from '../publish/publish-facts.ts'
import type { RowsWritten } from '../publish/upsert.ts'
import { formatOf, type StageTable } from '../staging/stage.ts'

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

export type PouredTable = (typeof poured)[number]['target']

/** Small, or for later statements of the publish; SQL takes them from there as it always does. */
const stillStaged = [
  'stg.referral_key',
  'stg.dim_solution',
  'stg.enum_value',
  'stg.dq_finding',
  'stg.quarantine',
] as const

export type StillStaged = (typeof stillStaged)[number]

/** How the lines of a table are made up, and how many there were. */
export interface Line {
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
export function describeLines(runId: number): Map<PouredTable | StillStaged, Line> {
  const counts = { sent: 0, taken: 0 }
  // Whether a tag is documented is found in SQL at the end.
  const audits: Record<string, string> = {
    is_documented: 'f',
    created_run_id: String(runId),
    updated_run_id: String(runId),
  }
  const lines = new Map<PouredTable | StillStaged, Line>()
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
export function accountFor(lines: ReadonlyMap<TableName, Line>, statusesAdded: number): Poured {
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
