import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { checksFolder } from '../../warehouse/sql-folder.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

const examplesMax = 3

/**
 * Runs the checks of `sql/checks`, all or the named ones, over the referrals of this publish
 * (`stg.referral_key`). A check is a query for the rows that offend against its first line.
 *
 * @throws CosellError `checkFailed` with the first line of the check and a few of the rows.
 */
export async function runChecks(
  transaction: Transaction<Database>,
  only?: readonly string[],
): Promise<void> {
  for (const name of only ?? (await checkNames())) {
    const file = `${name}.sql`
    const text = await readFile(path.join(checksFolder, file), 'utf8')
    // Materialized: with a LIMIT on the query itself PostgreSQL plans for the first row, and a passed
    // check has none. One check took minutes instead of half a second over 50,000 referrals.
    const offenders = await sql<Record<string, unknown>>`
      with offenders as materialized (${sql.raw(text.trim().replace(/;$/, ''))}
      )
      select * from offenders limit ${examplesMax}`.execute(transaction)
    if (offenders.rows.length > 0) throw failedCheck(file, text, offenders.rows)
  }
}

export async function checkNames(): Promise<string[]> {
  return (await readdir(checksFolder)).sort().map((file) => file.replace(/\.sql$/, ''))
}

function failedCheck(file: string, text: string, rows: readonly Record<string, unknown>[]) {
  const expected = text.slice(0, text.indexOf('\n')).replace(/^-- */, '')
  const examples = rows.map((row) => JSON.stringify(row)).join(', ')
  return new CosellError(
    `check.${file.replace(/\.sql$/, '')}`,
    `Nothing was published: expected "${expected}", got ${examples}. This is a fault of cosell or of its data; keep the database and report it.`,
  )
}
