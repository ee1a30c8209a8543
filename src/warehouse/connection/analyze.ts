import { sql } from 'kysely'
import type { Database, TableName } from '../tables.generated.ts'
import type { Kysely } from './database.ts'

const analyzedRowsMin = 1_000
/**
 * Share of the rows that PostgreSQL last counted. Autovacuum analyzes a table within minutes once a tenth
 * of it has changed; this is for growth that the next statements would be planned wrongly for. Sampling
 * the tables of a night that changed a tenth of 10,000 referrals took a ninth of its CPU.
 */
const analyzedShareMin = 0.2

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
  const grown = many.filter(
    ([, rows], place) => rows >= analyzedShareMin * (counted.rows[place]?.rows ?? 0),
  )
  if (grown.length === 0) return
  await sql`analyze ${sql.join(grown.map(([table]) => sql.table(table)))}`.execute(query)
}
