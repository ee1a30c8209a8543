import { sql } from 'kysely'
import type { Database, TableName } from '../tables.generated.ts'
import type { Kysely } from './database.ts'

const rowsWorthAnalyzing = 1_000
/** Of the rows that PostgreSQL last counted. A sample of a large table takes half a second. */
const shareWorthAnalyzing = 0.05

/**
 * Analyzes the tables that grew by much of what they were: else the next joins are planned for the
 * tables as they were.
 */
export async function analyzeGrown(
  query: Kysely<Database>,
  written: readonly (readonly [TableName, number])[],
): Promise<void> {
  for (const [table, rows] of written) {
    if (rows < rowsWorthAnalyzing) continue
    const counted = await sql<{ rows: number }>`
      select reltuples as rows from pg_class where oid = ${table}::regclass`.execute(query)
    if (rows < shareWorthAnalyzing * (counted.rows[0]?.rows ?? 0)) continue
    await sql`analyze ${sql.table(table)}`.execute(query)
  }
}
