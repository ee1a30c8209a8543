import { sql } from 'kysely'
import { describeCatalog } from '../dictionary/describe-catalog.ts'
import { rowOf, type TableEntry, tablesOf } from '../dictionary/dictionary.ts'
import { describeMeasures, type MeasureEntry } from '../dictionary/measures/describe-measures.ts'
import { measures } from '../dictionary/measures/measures.ts'
import { readCatalog } from '../dictionary/read-catalog.ts'
import { CosellError } from '../errors.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { refusedViews } from './limits.ts'

/** A mart as a model needs to know it. */
export interface MartShown {
  readonly mart: string
  /** What one row stands for. */
  readonly one_row_per: string
  readonly questions: readonly string[]
  readonly notes: string
  readonly measures: readonly MeasureShown[]
}

export interface MeasureShown {
  readonly name: string
  readonly description: string
  readonly question: string
  /** Columns to filter or group by, because the measure is null over several values of them. */
  readonly needs_one: readonly string[]
  readonly sql: string
}

export interface ColumnShown {
  readonly name: string
  readonly type: string
  readonly meaning: string
}

export interface FunctionShown {
  /** Such as `mart.pipeline_movement_between(from_date date, to_date date)`. */
  readonly call: string
  readonly meaning: string
}

/** Returns the marts with grain, questions and measures, and the functions beside them. */
export async function listMarts(
  query: Kysely<Database>,
): Promise<{ marts: MartShown[]; functions: FunctionShown[] }> {
  const dictionary = describeCatalog(await readCatalog(query))
  const entries = describeMeasures(measures, dictionary, new Map()).flatMap(
    (folder) => folder.measures,
  )
  const marts = martsOf(tablesOf(dictionary, 'mart')).map((table) => shown(table, entries))
  return { marts, functions: await readFunctions(query) }
}

/**
 * Returns one mart with the type and meaning of its columns.
 *
 * @throws CosellError `mcp.unknown_mart`.
 */
export async function describeMart(
  query: Kysely<Database>,
  name: string,
): Promise<MartShown & { columns: ColumnShown[] }> {
  const dictionary = describeCatalog(await readCatalog(query))
  const tables = martsOf(tablesOf(dictionary, 'mart'))
  const table = tables.find((one) => one.name === name || one.name === `mart.${name}`)
  if (table === undefined) {
    const names = tables.map((one) => one.name).join(', ')
    throw new CosellError('mcp.unknown_mart', `Expected one of ${names}; got ${name}.`)
  }
  const entries = describeMeasures(measures, dictionary, new Map()).flatMap(
    (folder) => folder.measures,
  )
  const columns = table.columns.map((column) => ({
    name: column.name,
    type: column.type,
    meaning: column.meaning,
  }))
  return { ...shown(table, entries), columns }
}

function martsOf(tables: readonly TableEntry[]): TableEntry[] {
  return tables.filter(({ name }) => !refusedViews.includes(name))
}

function shown(table: TableEntry, entries: readonly MeasureEntry[]): MartShown {
  return {
    mart: table.name,
    one_row_per: rowOf(table),
    questions: table.questions,
    notes: table.notes,
    measures: entries
      .filter(({ mart }) => mart === table.name)
      .map(({ name, description, question, needs, sql: text }) => ({
        name,
        description,
        question,
        needs_one: needs,
        sql: text,
      })),
  }
}

async function readFunctions(query: Kysely<Database>): Promise<FunctionShown[]> {
  const { rows } = await sql<FunctionShown>`
    select
      'mart.' || routine.proname || '(' || pg_get_function_identity_arguments(routine.oid) || ')'
        as call,
      coalesce(obj_description(routine.oid, 'pg_proc'), '') as meaning
    from pg_catalog.pg_proc routine
    where routine.pronamespace = 'mart'::regnamespace
      and has_function_privilege(routine.oid, 'execute')
    order by routine.proname collate "C"`.execute(query)
  return rows
}
