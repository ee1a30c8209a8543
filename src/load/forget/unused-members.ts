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
  const statuses = await transaction
    .deleteFrom('dw.dim_status')
    .where(({ not, ref }) => not(ref('is_documented')))
    .where('status_key', '>', 0)
    .where('status_key', 'not in', sql<number>`(${usedIn(/(^|_)status_key$/)})`)
    .executeTakeFirstOrThrow()
  const currencies = await transaction
    .deleteFrom('dw.dim_currency')
    .where(({ not, ref }) => not(ref('is_documented')))
    .where('currency_code', 'not in', sql<string>`(${usedIn(/(^|_)currency_code$/)})`)
    .executeTakeFirstOrThrow()
  // Each account has a finding about every undocumented value that one of its versions has.
  const itemRef = sql<string>`seen.enum_name || '/' || seen.parent_value || '/' || seen.enum_value`
  const values = await transaction
    .with(
      (cte) => cte('used').materialized(),
      (from) =>
        from
          .selectFrom('dw.fact_finding')
          .select('item_ref')
          .select(({ fn }) => fn.min('first_seen_run_id').as('first_run_id'))
          .where('referral_id', '=', '')
          .where('rule_code', '=', 'unknown_enum_value')
          .groupBy('item_ref'),
    )
    .with('passed_on', (from) =>
      from
        .updateTable('etl.enum_value as seen')
        .from('used')
        .set(({ ref }) => ({ first_seen_run_id: ref('used.first_run_id') }))
        .where(({ not, ref }) => not(ref('seen.is_documented')))
        .whereRef('used.item_ref', '=', itemRef)
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('etl.run as run').whereRef('run.run_id', '=', 'seen.first_seen_run_id'),
            ),
          ),
        ),
    )
    .deleteFrom('etl.enum_value as seen')
    .where(({ not, ref }) => not(ref('seen.is_documented')))
    .where(({ exists, not, selectFrom }) =>
      not(exists(selectFrom('used').whereRef('used.item_ref', '=', itemRef))),
    )
    .executeTakeFirstOrThrow()
  return {
    'dw.dim_status': Number(statuses.numDeletedRows),
    'dw.dim_currency': Number(currencies.numDeletedRows),
    'etl.enum_value': Number(values.numDeletedRows),
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
  const others = await transaction
    .selectFrom('dw.dim_partner_account')
    .select(({ fn }) => fn.countAll<number>().as('accounts'))
    .where('partner_account_key', '<>', partnerAccountKey)
    .executeTakeFirstOrThrow()
  const free = await transaction
    .selectFrom('etl.lease')
    .select('partner_account_key')
    .where('partner_account_key', '<>', partnerAccountKey)
    .where('expires_at', '<=', sql<string>`clock_timestamp()`)
    .where('partner_account_key', 'in', (from) =>
      from.selectFrom('dw.dim_partner_account').select('partner_account_key'),
    )
    .forUpdate()
    .skipLocked()
    .execute()
  return free.length < others.accounts
}
