import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { inTransaction, type Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

export interface KnownAccount {
  readonly partner_account_key: number
  readonly account_code: string
}

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
export function checkAccountKnown(name: string | undefined, known: readonly KnownAccount[]) {
  if (name === undefined || known.some((account) => account.account_code === name)) return
  const names = known.map((account) => account.account_code).join(', ')
  const text = `The warehouse has no account "${name}". Expected one of: ${names || '(none yet)'}.`
  throw new CosellError('account.unknown', text)
}

/** Key of an account; a new account is stored under the next free number. */
export async function enterAccount(
  query: Kysely<Database>,
  account: { readonly name: string; readonly tenantId: string | undefined },
): Promise<number> {
  const known = (await listAccounts(query)).find((other) => other.account_code === account.name)
  if (known !== undefined) return known.partner_account_key
  return inTransaction(query, async (transaction) => {
    // Two first runs at once must not take the same number. This lock does not block readers.
    await sql`lock table dw.dim_partner_account in share row exclusive mode`.execute(transaction)
    const accounts = await listAccounts(transaction)
    const entered = accounts.find((other) => other.account_code === account.name)
    if (entered !== undefined) return entered.partner_account_key
    const key = 1 + Math.max(0, ...accounts.map((other) => other.partner_account_key))
    await transaction
      .insertInto('dw.dim_partner_account')
      .values({
        partner_account_key: key,
        account_code: account.name,
        account_name: account.name,
        tenant_id: account.tenantId ?? null,
        created_at: sql`clock_timestamp()`,
      })
      .execute()
    return key
  })
}
