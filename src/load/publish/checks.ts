import { readdir, readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

const folder = new URL('../../../sql/checks/', import.meta.url)
const shown = 3

/**
 * Runs the promises of `sql/checks`, all of them or those named, over the referrals of this publish
 * (`stg.referral_key`). A check is a query that returns the rows that break its promise, which its
 * first line states.
 *
 * @throws CosellError `checkFailed` naming the promise and a few of the rows.
 */
export async function runChecks(
  transaction: Transaction<Database>,
  only?: readonly string[],
): Promise<void> {
  for (const name of only ?? (await checkNames())) {
    const file = `${name}.sql`
    const text = await readFile(new URL(file, folder), 'utf8')
    // Materialized: a LIMIT that reaches the query makes PostgreSQL plan for the first row, while a
    // kept promise has none; one check took minutes instead of half a second over 50,000 referrals.
    const broken = await sql<Record<string, unknown>>`
      with broken as materialized (${sql.raw(text.trim().replace(/;$/, ''))}
      )
      select * from broken limit ${shown}`.execute(transaction)
    if (broken.rows.length > 0) throw brokenPromise(file, text, broken.rows)
  }
}

export async function checkNames(): Promise<string[]> {
  return (await readdir(folder)).sort().map((file) => file.replace(/\.sql$/, ''))
}

function brokenPromise(file: string, text: string, rows: readonly Record<string, unknown>[]) {
  const promise = text.slice(0, text.indexOf('\n')).replace(/^-- */, '')
  const examples = rows.map((row) => JSON.stringify(row)).join(', ')
  return new CosellError(
    'checkFailed',
    `check.${file.replace(/\.sql$/, '')}`,
    `Nothing was published: expected "${promise}", got ${examples}. This is a fault of cosell or of its data; keep the database and report it.`,
  )
}
