import { sql } from 'kysely'
import type { Database, TableName } from '../tables.generated.ts'
import type { Kysely } from './database.ts'

const analyzedRowsMin = 1_000
/** Share of the rows that PostgreSQL last counted. Sampling a large table takes half a second. */
const analyzedShareMin = 0.05

/** Analyzes the tables that grew by a large share, so that the next joins are planned for them. */
export async function analyzeGrown(
  query: Kysely<Database>,
  written: readonly (readonly [TableName, number])[],
): Promise<void> {
  for (const [table, rows] of written) {
    if (rows < analyzedRowsMin) continue
    const counted = await sql<{ rows: number }>`
      select reltuples as rows from pg_class where oid = ${table}::regclass`.execute(query)
    if (rows < analyzedShareMin * (counted.rows[0]?.rows ?? 0)) continue
    await sql`analyze ${sql.table(table)}`.execute(query)
  }
}
