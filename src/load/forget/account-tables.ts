import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'

/** A table with rows of accounts, and how a row says whose it is. */
export interface AccountTable {
  readonly table: TableName
  readonly by: 'account' | 'run'
}

/** A foreign key between two tables with rows of accounts. */
export interface AccountReference {
  readonly name: string
  readonly table: TableName
  readonly referenced: TableName
  /** As ALTER TABLE takes it. */
  readonly definition: string
  /** Without an index, each deleted member costs a scan of the referencing table. */
  readonly isIndexed: boolean
}

/**
 * Every table with rows of accounts: it has the key of an account, or else the number of a run. All
 * other tables belong to the installation or are shared.
 */
export function accountTables(
  all: Readonly<Record<string, { readonly columns: readonly string[] }>> = tables,
): AccountTable[] {
  return Object.entries(all).flatMap(([name, { columns }]): AccountTable[] => {
    const table = name as TableName
    if (columns.includes('partner_account_key')) return [{ table, by: 'account' }]
    return columns.includes('run_id') ? [{ table, by: 'run' }] : []
  })
}

/** The lease under which an account is removed, and the account; both go last. */
export const lastTables: readonly TableName[] = ['etl.lease', 'dw.dim_partner_account']

/**
 * Returns the tables in the order in which their rows can be deleted: what refers to a run or by a
 * foreign key comes before what it refers to. Foreign keys form no circle.
 */
export function deletionOrder(
  all: readonly AccountTable[],
  references: readonly Pick<AccountReference, 'table' | 'referenced'>[],
): AccountTable[] {
  const byRun = all.filter(({ by }) => by === 'run')
  const last = lastTables.flatMap((table) => all.filter((one) => one.table === table))
  const rest = all.filter((one) => !byRun.includes(one) && !last.includes(one))
  const ordered: AccountTable[] = []
  const visit = (one: AccountTable) => {
    if (ordered.includes(one)) return
    const children = references.filter(
      ({ table, referenced }) => referenced === one.table && table !== one.table,
    )
    for (const { table } of children) {
      for (const child of rest) if (child.table === table) visit(child)
    }
    ordered.push(one)
  }
  for (const one of rest) visit(one)
  return [...byRun, ...ordered, ...last]
}

/** Reads the foreign keys between tables with rows of accounts. */
export async function readReferences(query: Kysely<Database>): Promise<AccountReference[]> {
  const names = accountTables().map(({ table }) => table)
  const { rows } = await sql<AccountReference>`
    select c.conname as name,
      t.relnamespace::regnamespace || '.' || t.relname as "table",
      r.relnamespace::regnamespace || '.' || r.relname as referenced,
      pg_get_constraintdef(c.oid) as definition,
      exists (
        select from pg_index i
        where i.indrelid = c.conrelid and i.indisvalid and i.indpred is null
          and i.indkey[0] = c.conkey[1]
      ) as "isIndexed"
    from pg_constraint c
    join pg_class t on t.oid = c.conrelid
    join pg_class r on r.oid = c.confrelid
    where c.contype = 'f'
      and t.relnamespace::regnamespace || '.' || t.relname = any(${names}::text[])
      and r.relnamespace::regnamespace || '.' || r.relname = any(${names}::text[])
    order by 2, 1`.execute(query)
  return rows
}
