import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import type { Warehouse } from '../src/warehouse/connection/database.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'

/** Makes a warehouse of so many plausible referrals over five years, with their deals and history. */
export async function fillMarts({ query }: Pick<Warehouse, 'query'>, referrals: number) {
  await migrate(query)
  await sql`select set_config('bench.referrals', ${String(referrals)}, false)`.execute(query)
  const text = await readFile(new URL('marts.sql', import.meta.url), 'utf8')
  await sql.raw(`set bench.referrals = ${referrals}; ${text}`).execute(query)
  const deals = new URL('../sql/migrations/0023_engagements_filled.sql', import.meta.url)
  await sql.raw(`begin; ${await readFile(deals, 'utf8')} commit`).execute(query)
  await sql`vacuum analyze`.execute(query)
}
