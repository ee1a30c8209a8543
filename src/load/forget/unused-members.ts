import { sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'
import { accountTables } from './account-tables.ts'

/** Columns of `dw` with a row of a shared dimension, as `[table, column]`. */
function columnsOf(pattern: RegExp): (readonly [TableName, string])[] {
  return accountTables()
    .filter(({ table }) => table.startsWith('dw.'))
    .flatMap(({ table }) =>
      tables[table].columns
        .filter((column) => pattern.test(column))
        .map((column) => [table, column] as const),
    )
}

function usedIn(pattern: RegExp) {
  const columns = columnsOf(pattern).map(
    ([table, column]) => sql`select ${sql.ref(column)} from ${sql.table(table)}
      where ${sql.ref(column)} is not null`,
  )
  return sql.join(columns, sql` union `)
}

/**
 * Deletes the undocumented members of shared tables that no remaining account uses: pairs of status
 * and substatus, currencies, enum values. An enum value that others use is now first seen by one of
 * them. Returns the deleted rows by table, or null without a change while another account is being
 * loaded: its rows may refer to members that no committed row has.
 *
 * The account's own rows, its runs and findings included, are deleted already.
 */
export async function removeUnusedMembers(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
): Promise<Record<string, number> | null> {
  if (await isAnyLoaded(transaction, partnerAccountKey)) return null
  // The member of referrals without a status has a negative key and came with the migrations.
  const statuses = await sql`
    delete from dw.dim_status
    where not is_documented and status_key > 0 and status_key not in (${usedIn(/(^|_)status_key$/)})`.execute(
    transaction,
  )
  const currencies = await sql`
    delete from dw.dim_currency
    where not is_documented and currency_code not in (${usedIn(/(^|_)currency_code$/)})`.execute(
    transaction,
  )
  // Each account has a finding about every undocumented value that one of its versions has.
  const values = await sql`
    with used as materialized (
      select item_ref, min(first_seen_run_id) as first_run_id
      from etl.dq_finding
      where referral_id = '' and rule_code = 'unknown_enum_value'
      group by item_ref
    ),
    passed_on as (
      update etl.enum_value seen
      set first_seen_run_id = used.first_run_id
      from used
      where not seen.is_documented
        and used.item_ref = seen.enum_name || '/' || seen.parent_value || '/' || seen.enum_value
        and not exists (select from etl.run where run.run_id = seen.first_seen_run_id)
    )
    delete from etl.enum_value seen
    where not seen.is_documented
      and not exists (
        select from used
        where used.item_ref = seen.enum_name || '/' || seen.parent_value || '/' || seen.enum_value
      )`.execute(transaction)
  return {
    'dw.dim_status': Number(statuses.numAffectedRows ?? 0),
    'dw.dim_currency': Number(currencies.numAffectedRows ?? 0),
    'etl.enum_value': Number(values.numAffectedRows ?? 0),
  }
}

/**
 * Returns true when another account is being loaded, or was entered and not loaded yet. Otherwise no
 * other account can be taken until the transaction ends: their leases are locked.
 */
async function isAnyLoaded(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
): Promise<boolean> {
  // A new account waits, too.
  await sql`lock table dw.dim_partner_account in share row exclusive mode`.execute(transaction)
  const others = await sql<{ accounts: number }>`
    select count(*) as accounts from dw.dim_partner_account
    where partner_account_key <> ${partnerAccountKey}`.execute(transaction)
  const free = await sql`
    select from etl.lease
    where partner_account_key <> ${partnerAccountKey} and expires_at <= clock_timestamp()
      and partner_account_key in (select partner_account_key from dw.dim_partner_account)
    for update skip locked`.execute(transaction)
  return free.rows.length < (others.rows[0]?.accounts ?? 0)
}
