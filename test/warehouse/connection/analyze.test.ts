import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { analyzeGrown } from '../../../src/warehouse/connection/analyze.ts'
import type { Kysely } from '../../../src/warehouse/connection/database.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'

/** Ranges of the histogram of the days of dw.fx_rate; null before the first ANALYZE. */
async function ranges(db: Kysely<Database>) {
  const { rows } = await sql<{ ranges: number }>`
    select cardinality(histogram_bounds::text::text[]) - 1 as ranges
    from pg_stats
    where schemaname = 'dw' and tablename = 'fx_rate' and attname = 'rate_date'`.execute(db)
  return rows[0]?.ranges ?? null
}

// The calendar has 36,525 days, and the reporting currency a rate of each.
test('a table of up to 100,000 rows is analyzed with a tenth of the usual sample', () =>
  withDatabase(async (db) => {
    await analyzeGrown(db, [['dw.fx_rate', 36_525]])
    expect(await ranges(db)).toBe(10)
    await analyzeGrown(db, [['dw.fx_rate', 100_000]])
    expect(await ranges(db)).toBe(100)
  }))

test('a table that grew by less than a fifth is not analyzed', () =>
  withDatabase(async (db) => {
    await analyzeGrown(db, [['dw.fx_rate', 36_525]])
    await sql`delete from pg_statistic where starelid = 'dw.fx_rate'::regclass`.execute(db)
    await analyzeGrown(db, [['dw.fx_rate', 7_000]])
    expect(await ranges(db)).toBeNull()
    await analyzeGrown(db, [['dw.fx_rate', 7_400]])
    expect(await ranges(db)).toBe(10)
  }))
