import { sql } from 'kysely'
import type { Database, TableName } from '../warehouse.ts'
import type { Kysely } from './database.ts'

const rowsWorthAnalyzing = 1_000

/** Analyzes the tables that grew: else the next joins are planned for the tables as they were. */
export async function analyzeGrown(
  query: Kysely<Database>,
  written: readonly (readonly [TableName, number])[],
): Promise<void> {
  for (const [table, rows] of written) {
    if (rows >= rowsWorthAnalyzing) await sql`analyze ${sql.table(table)}`.execute(query)
  }
}
