import { type Selectable, sql, type Updateable } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { listAccounts } from './accounts.ts'

/** Row of `etl.account`: an account with its settings, of secrets where they are. */
export type StoredAccountRow = Pick<Selectable<Database['etl.account']>, (typeof columns)[number]>

const columns = [
  'account_code',
  'api_url',
  'authority_url',
  'api_scope',
  'tenant_id',
  'organization_id',
  'client_id',
  'client_secret_from',
  'refresh_token_from',
  'access_token_from',
  'is_enabled',
] as const

/** Every stored account by name; none where an earlier version made the schema, or nothing did. */
export async function listStoredAccounts(query: Kysely<Database>): Promise<StoredAccountRow[]> {
  const { rows } = await sql<{ is_made: boolean }>`
    select to_regclass('etl.account') is not null as is_made`.execute(query)
  if (rows[0]?.is_made !== true) return []
  return query.selectFrom('etl.account').select(columns).orderBy('account_code').execute()
}

/** An account that is loaded, stored, or both; one that is only stored has no key. */
export interface NamedAccount {
  readonly account_code: string
  readonly partner_account_key?: number
  readonly isStored: boolean
}

/** Every account that the warehouse knows by name. */
export async function listNamed(query: Kysely<Database>): Promise<NamedAccount[]> {
  const loaded = await listAccounts(query)
  const stored = (await listStoredAccounts(query)).map((row) => row.account_code)
  const isNew = (name: string) => !loaded.some(({ account_code }) => account_code === name)
  return [
    ...loaded.map((one) => ({ ...one, isStored: stored.includes(one.account_code) })),
    ...stored.filter(isNew).map((account_code) => ({ account_code, isStored: true })),
  ]
}

/** Whether the login may change stored accounts. */
export async function ownsStoredAccounts(query: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ owns: boolean }>`
    select pg_has_role(relowner, 'usage') as owns
    from pg_class where oid = 'etl.account'::regclass`.execute(query)
  return rows[0]?.owns === true
}

/** Lets one process at a time change stored accounts; readers are not blocked. */
export async function lockStoredAccounts(transaction: Transaction<Database>): Promise<void> {
  await sql`lock table etl.account in share row exclusive mode`.execute(transaction)
}

/** Stores an account, or changes the given columns of a stored one. */
export async function storeAccount(
  transaction: Transaction<Database>,
  name: string,
  changes: Omit<Updateable<Database['etl.account']>, 'account_code'>,
): Promise<void> {
  const changed = { ...changes, changed_at: sql<string>`clock_timestamp()` }
  await transaction
    .insertInto('etl.account')
    .values({ account_code: name, ...changed })
    .onConflict((on) => on.column('account_code').doUpdateSet(changed))
    .execute()
}

/** Lets monitors and readers see whether an account is read; nothing where it was never loaded. */
export async function setActive(
  transaction: Transaction<Database>,
  name: string,
  isActive: boolean,
): Promise<void> {
  await transaction
    .updateTable('dw.dim_partner_account')
    .set({ is_active: isActive })
    .where('account_code', '=', name)
    .where('is_active', '<>', isActive)
    .execute()
}

export async function renameStored(
  transaction: Transaction<Database>,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await transaction
    .updateTable('etl.account')
    .set({ account_code: to, changed_at: sql`clock_timestamp()` })
    .where('account_code', '=', from)
    .execute()
}

/** Removes a stored account; returns whether there was one. */
export async function removeStored(query: Kysely<Database>, name: string): Promise<boolean> {
  const removed = await query
    .deleteFrom('etl.account')
    .where('account_code', '=', name)
    .executeTakeFirst()
  return removed.numDeletedRows > 0n
}
