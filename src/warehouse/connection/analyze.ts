import { type RawBuilder, sql } from 'kysely'
import type { Database, TableName } from '../tables.generated.ts'
import type { Kysely } from './database.ts'

const analyzedRowsMin = 1_000
/**
 * Share of the rows that PostgreSQL last counted. Autovacuum analyzes a table within minutes once a tenth
 * of it has changed; this is for growth that the next statements would be planned wrongly for. Sampling
 * the tables of a night that changed a tenth of 10,000 referrals took a ninth of its CPU.
 */
const analyzedShareMin = 0.2
/**
 * Up to here a tenth of the usual sample, 3,000 rows, is a larger share of the table than the usual one is of
 * a million rows. Of a first load of 10,000 referrals the usual one took a ninth of PostgreSQL's time.
 */
const smallRowsMax = 100_000

/** Analyzes the tables that grew by a large share, so that the next joins are planned for them. */
export async function analyzeGrown(
  query: Kysely<Database>,
  written: readonly (readonly [TableName, number])[],
): Promise<void> {
  const many = written.filter(([, rows]) => rows >= analyzedRowsMin)
  if (many.length === 0) return
  const counted = await sql<{ rows: number }>`
    select c.reltuples as rows
    from unnest(${many.map(([table]) => table)}::regclass[]) with ordinality as t (id, place)
    join pg_class c on c.oid = t.id
    order by t.place`.execute(query)
  const tables = many.map(([table, rows], place) => {
    const known = Math.max(0, counted.rows[place]?.rows ?? 0)
    return { table: sql.table(table), isGrown: rows >= analyzedShareMin * known, all: known + rows }
  })
  const grown = tables.filter(({ isGrown }) => isGrown)
  const small = grown.filter(({ all }) => all <= smallRowsMax)
  const large = grown.filter(({ all }) => all > smallRowsMax)
  if (small.length > 0) {
    await query.transaction().execute(async (transaction) => {
      await sql`set local default_statistics_target = 10`.execute(transaction)
      await analyze(transaction, small)
    })
  }
  if (large.length > 0) await analyze(query, large)
}

async function analyze(
  query: Kysely<Database>,
  tables: readonly { readonly table: RawBuilder<unknown> }[],
) {
  await sql`analyze ${sql.join(tables.map(({ table }) => table))}`.execute(query)
}
