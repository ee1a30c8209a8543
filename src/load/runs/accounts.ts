import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type AccountSource, checkSource, recordSource } from './account-source.ts'

/** Row of `etl.setting` with the largest key of a removed account; keys are not given twice. */
export const lastKeySetting = 'last_account_key'

export interface KnownAccount {
  readonly partner_account_key: number
  readonly account_code: string
}

type Named = Pick<KnownAccount, 'account_code'>

/** Every account that the warehouse holds, in key order. */
export function listAccounts(query: Kysely<Database>): Promise<KnownAccount[]> {
  return query
    .selectFrom('dw.dim_partner_account')
    .select(['partner_account_key', 'account_code'])
    .orderBy('partner_account_key')
    .execute()
}

/**
 * Checks the name of an account. @throws CosellError `usage` when the warehouse has no such
 * account.
 */
export function checkAccountKnown(name: string | undefined, known: readonly Named[]) {
  if (name === undefined || known.some((account) => account.account_code === name)) return
  const names = known.map((account) => account.account_code).join(', ')
  const text = `The warehouse has no account "${name}". Expected one of: ${names || '(none yet)'}.`
  throw new CosellError('account.unknown', text)
}

/**
 * Key of an account, whose source is recorded once it was read; a new account is stored under the next
 * free number. Files say nothing of their source.
 *
 * @throws CosellError `configuration` when another account has the source.
 */
export async function enterAccount(
  query: Kysely<Database>,
  account: { readonly name: string; readonly tenantId: string | undefined },
  source: AccountSource,
  isRead = true,
): Promise<number> {
  return query.transaction().execute(async (transaction) => {
    // Two first runs at once must not take the same number, or enter one source twice. This lock
    // does not block readers.
    await sql`lock table dw.dim_partner_account in share row exclusive mode`.execute(transaction)
    const entered = await checkSource(transaction, account.name, source)
    const key = entered?.key ?? (await insertAccount(transaction, account, source))
    if (isRead) await recordSource(transaction, key, source)
    return key
  })
}

async function insertAccount(
  transaction: Transaction<Database>,
  account: { readonly name: string; readonly tenantId: string | undefined },
  source: AccountSource,
): Promise<number> {
  const accounts = await listAccounts(transaction)
  const removed = await transaction
    .selectFrom('etl.setting')
    .select('setting_value')
    .where('setting_name', '=', lastKeySetting)
    .executeTakeFirst()
  const lastRemoved = Number(removed?.setting_value ?? 0)
  const key = 1 + Math.max(lastRemoved, ...accounts.map((other) => other.partner_account_key))
  await transaction
    .insertInto('dw.dim_partner_account')
    .values({
      partner_account_key: key,
      account_code: account.name,
      account_name: account.name,
      tenant_id: account.tenantId ?? source.tenantId,
      created_at: sql`clock_timestamp()`,
    })
    .execute()
  return key
}

/**
 * Renames an account of the warehouse. Its rows carry its key, so no other row changes.
 *
 * @throws CosellError `usage` when the warehouse has no account of the old name, or one of the new.
 */
export async function renameAccount(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await sql`lock table dw.dim_partner_account in share row exclusive mode`.execute(transaction)
  const accounts = await listAccounts(transaction)
  checkAccountKnown(from, accounts)
  checkNameFree(to, accounts, from)
  await transaction
    .updateTable('dw.dim_partner_account')
    .set({
      account_code: to,
      account_name: sql`case when account_name = account_code then ${to} else account_name end`,
    })
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
}

/** Checks that no account but `from` has the name, in any case. @throws CosellError `usage`. */
export function checkNameFree(name: string, known: readonly Named[], from: string) {
  const taken = known.find(
    ({ account_code: code }) => code !== from && code.toLowerCase() === name.toLowerCase(),
  )
  if (taken === undefined && name !== from) return
  const text = `The warehouse has an account "${taken?.account_code ?? name}" already. Give another new name; \`cosell account list\` shows the ones in use.`
  throw new CosellError('account.exists', text)
}
