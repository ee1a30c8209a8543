import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { checksFolder } from '../../warehouse/sql-folder.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'
import { chooseAccess, joinStar, type StarAccess, storedFor } from './star/star-access.ts'

const examplesMax = 3

/**
 * Runs the checks of `sql/checks`, all or the named ones, over the referrals of this publish. A
 * check is a query for the rows that offend against its first line. It reads `touched`, the rows of
 * `stg.referral_key`, and `touched_fact_referral` and so on: the rows of a table of `dw` or `pii`
 * that belong to them, with their `referral_id`. `:partner_account_key` is the account: a check compares
 * dimensions with this constant, never with the account of another table. Of three equal accounts
 * PostgreSQL infers the third pair, and may join two tables by the account alone, each row with each.
 *
 * @throws CosellError `checkFailed` with the first line of the check and a few of the rows.
 */
export async function runChecks(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  only?: readonly string[],
  given?: StarAccess,
  onCheck?: (name: string) => void,
): Promise<void> {
  const access = given ?? (await chooseAccess(transaction, 'stg.referral_key', partnerAccountKey))
  for (const name of only ?? (await checkNames())) {
    onCheck?.(name)
    const file = `${name}.sql`
    const text = await readFile(path.join(checksFolder, file), 'utf8')
    // Materialized: with a LIMIT on the query itself PostgreSQL plans for the first row, and a passed
    // check has none. One check took minutes instead of half a second over 50,000 referrals.
    const offenders = await sql<Record<string, unknown>>`
      with ${touchedTables(text, access, partnerAccountKey)},
      offenders as materialized (${checkOf(text, partnerAccountKey)}
      )
      select * from offenders limit ${examplesMax}`.execute(transaction)
    if (offenders.rows.length > 0) throw failedCheck(file, text, offenders.rows)
  }
}

/** The text of a check about an account. */
function checkOf(text: string, partnerAccountKey: number): RawBuilder<unknown> {
  const query = text.trim().replace(/;$/, '')
  return sql.raw(query.replaceAll(/:partner_account_key\b/g, String(partnerAccountKey)))
}

/** Common table expressions of the touched referrals, and of their rows that a check reads. */
function touchedTables(
  text: string,
  access: StarAccess,
  partnerAccountKey: number,
): RawBuilder<unknown> {
  const read = new Set(Array.from(text.matchAll(/\btouched_(\w+)/g), ([, name = '']) => name))
  const isOfReferral = sql`star.referral_key = touched.referral_key`
  const isOfAccount = sql`star.partner_account_key = ${partnerAccountKey}`
  const rows = Array.from(read, (name) => {
    const table = ([`dw.${name}`, `pii.${name}`] as TableName[]).find((known) => known in tables)
    if (table === undefined) throw new Error(`there is no table dw.${name} or pii.${name}`)
    const columns = tables[table].columns
      .filter((column) => column !== 'referral_id')
      .map((column) => sql.ref(`star.${column}`))
    return sql`${sql.ref(`touched_${name}`)} as ${storedFor(access)} (
        select touched.referral_id, ${sql.join(columns)}
        from touched
        ${joinStar(access, 'join', [table, 'star'], isOfReferral, isOfAccount)}
      )`
  })
  const columns = tables['stg.referral_key'].columns.map((column) => sql.ref(column))
  const touched = sql`touched as not materialized (
        select ${sql.join(columns)} from stg.referral_key
        where partner_account_key = ${partnerAccountKey}
      )`
  return sql.join([touched, ...rows])
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
