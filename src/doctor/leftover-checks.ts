import { type RawBuilder, sql } from 'kysely'
import { stageTables } from '../load/staging/stage-tables.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { CheckResult } from './check-result.ts'

const check = 'leftovers'

/** Rows that a run should have removed at its end, in one table. */
interface Leftover {
  readonly account: string
  readonly table: string
  readonly rows: number
}

/**
 * Counts what runs that are over have left in the staging tables, which hold people too. They are unlogged:
 * a standby has no rows of them, and PostgreSQL refuses to read them there (0A000).
 */
export async function checkLeftovers(query: Kysely<Database>): Promise<CheckResult> {
  const { rows } = await sql<{ is_standby: boolean }>`
    select pg_is_in_recovery() as is_standby`.execute(query)
  if (rows[0]?.is_standby) {
    return { check, status: 'skipped', detail: 'not checked: the primary alone has staged rows' }
  }
  return describeLeftovers(await readLeftovers(query))
}

function describeLeftovers(leftovers: readonly Leftover[]): CheckResult {
  if (leftovers.length === 0) {
    return { check, status: 'ok', detail: 'no run that is over has left staged rows' }
  }
  const found = leftovers.map(
    ({ account, table, rows }) => `${rows} ${rows === 1 ? 'row' : 'rows'} in ${table} (${account})`,
  )
  return {
    check,
    status: 'warn',
    detail: `runs that are over have left ${found.join(', ')}`,
    remedy:
      'The next run of the account removes them. If they stay, its log has the reason: look for ' +
      '"not removed".',
  }
}

/** An account whose lease lasts is being loaded, and its rows are in use. */
async function readLeftovers(query: Kysely<Database>): Promise<readonly Leftover[]> {
  const counts = sql.join(stageTables.map(countRows), sql` union all `)
  const { rows } = await sql<Leftover>`
    select
      coalesce(account.account_code, 'account ' || staged.partner_account_key) as account,
      staged.table_name as "table",
      staged.row_count as rows
    from (${counts}) staged
    left join dw.dim_partner_account account
      on account.partner_account_key = staged.partner_account_key
    where not exists (
      select from etl.lease held
      where held.partner_account_key = staged.partner_account_key
        and held.expires_at > clock_timestamp())
    order by account, "table"`.execute(query)
  return rows
}

function countRows(table: (typeof stageTables)[number]): RawBuilder<unknown> {
  return sql`
    select ${table}::text as table_name, partner_account_key, count(*) as row_count
    from ${sql.table(table)}
    group by partner_account_key`
}
