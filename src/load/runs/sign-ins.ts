import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { codeOf, type Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** A stored sign-in; the token is encrypted. */
export interface StoredSignIn {
  readonly token: string
  /** When a person signed in, as ISO text; null when the token descends from a configured one. */
  readonly signedInAt: string | null
  readonly renewedAt: string
}

/** Longer than another machine takes to renew a token, with its retries. */
const lockTimeout = '2min'
/** SQLSTATE lock_not_available. */
const lockNotAvailable = '55P03'

/** Reads the stored sign-in of an account; null when there is none. */
export async function readSignIn(
  query: Kysely<Database>,
  account: string,
): Promise<StoredSignIn | null> {
  const found = await query
    .selectFrom('etl.sign_in')
    .select(['token', 'signed_in_at as signedInAt', 'renewed_at as renewedAt'])
    .where('account_name', '=', account)
    .executeTakeFirst()
  return found ?? null
}

/** Stores a sign-in in place of the present one. */
export async function writeSignIn(
  query: Kysely<Database>,
  account: string,
  { token, signedInAt, renewedAt }: StoredSignIn,
): Promise<void> {
  const values = { token, signed_in_at: signedInAt, renewed_at: renewedAt }
  await query
    .insertInto('etl.sign_in')
    .values({ account_name: account, ...values })
    .onConflict((on) => on.column('account_name').doUpdateSet(values))
    .execute()
}

/** Gives a sign-in to another name, unless that has one. */
export async function renameSignIn(
  query: Kysely<Database>,
  from: string,
  to: string,
): Promise<'moved' | 'none' | 'kept'> {
  const { numUpdatedRows } = await query
    .updateTable('etl.sign_in')
    .set({ account_name: to })
    .where('account_name', '=', from)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('etl.sign_in as other').select('token').where('other.account_name', '=', to),
        ),
      ),
    )
    .executeTakeFirst()
  if (numUpdatedRows > 0n) return 'moved'
  return (await readSignIn(query, from)) === null ? 'none' : 'kept'
}

/** Removes the sign-in of an account; whether there was one. */
export async function deleteSignIn(query: Kysely<Database>, account: string): Promise<boolean> {
  const { numDeletedRows } = await query
    .deleteFrom('etl.sign_in')
    .where('account_name', '=', account)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/**
 * Runs `use` in a transaction while no other machine renews the sign-in of the account. An advisory lock,
 * since the first token has no row yet; it goes with the connection of a process that dies.
 *
 * @throws CosellError `auth.sign_in_busy` when another one takes longer than two minutes.
 */
export function withSignInLocked<T>(
  query: Kysely<Database>,
  account: string,
  use: (transaction: Kysely<Database>) => Promise<T>,
): Promise<T> {
  return query.transaction().execute(async (transaction) => {
    await sql`select set_config('lock_timeout', ${lockTimeout}, true)`.execute(transaction)
    const lock = sql`select pg_advisory_xact_lock(hashtextextended(${`cosell sign-in ${account}`}, 0))`
    await lock.execute(transaction).catch((error: unknown) => {
      throw codeOf(error) === lockNotAvailable ? busy(account, error) : error
    })
    return use(transaction)
  })
}

function busy(account: string, cause: unknown): CosellError {
  const text =
    `Account ${account}: another process has been renewing its sign-in for two minutes. Nothing was ` +
    'changed; run again.'
  return new CosellError('auth.sign_in_busy', text, { cause })
}
