import type { Config } from '../../config.ts'
import {
  createTokenStore,
  readTokenAge,
  type TokenAge,
  type TokenStore,
  tokenFileOf,
} from '../../extract/auth/token-store.ts'
import {
  readSignIn,
  type StoredSignIn,
  withSignInLocked,
  writeSignIn,
} from '../../load/runs/sign-ins.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { decryptToken, encryptToken, type TokenKeys } from './cipher.ts'

type StoreSettings = Pick<Config, 'home' | 'tokenKeys'>

/**
 * Returns where the sign-in of an account is kept: in the warehouse where the settings have a key for it, so
 * that several machines share it, otherwise in a file of this machine. `query` is left out where there is no
 * warehouse, which leaves the file.
 */
export function tokenStoreOf(
  { home, tokenKeys }: StoreSettings,
  query: Kysely<Database> | undefined,
  account: string,
  now: () => number = Date.now,
): TokenStore {
  const path = tokenFileOf(home, account)
  const file = createTokenStore(path, now)
  if (tokenKeys === undefined || query === undefined) return file
  return sharedStore({ query, keys: tokenKeys, account, file, path, now })
}

/** Returns the age of the sign-in that `tokenStoreOf` has, without its token; null when there is none. */
export async function readSignInAge(
  { home, tokenKeys }: StoreSettings,
  query: Kysely<Database> | undefined,
  account: string,
): Promise<TokenAge | null> {
  const isShared = tokenKeys !== undefined && query !== undefined
  const shared = isShared ? await readSignIn(query, account) : null
  return shared ?? readTokenAge(tokenFileOf(home, account))
}

interface Shared {
  readonly query: Kysely<Database>
  readonly keys: TokenKeys
  readonly account: string
  /** Has what a machine signed in with before it got a key; the first renewal takes it over. */
  readonly file: TokenStore
  readonly path: string
  readonly now: () => number
}

function sharedStore({ query, keys, account, file, path, now }: Shared): TokenStore {
  const open = (stored: StoredSignIn | null) =>
    stored === null ? file.load() : decryptToken(keys, account, stored.token)
  return {
    load: async () => open(await readSignIn(query, account)),
    async save(refreshToken, exchange) {
      const renewedAt = new Date(now()).toISOString()
      const token = await encryptToken(keys, refreshToken)
      const store = async (transaction: Kysely<Database>) => {
        const stored = await readSignIn(transaction, account)
        if (exchange === undefined) {
          return writeSignIn(transaction, account, { token, signedInAt: renewedAt, renewedAt })
        }
        const present = await open(stored)
        if (present !== exchange.seen) return
        const origin = stored ?? (await readTokenAge(path))
        const signedInAt = present === exchange.from ? (origin?.signedInAt ?? null) : null
        await writeSignIn(transaction, account, { token, signedInAt, renewedAt })
      }
      // A renewal holds the lock already, in the transaction that `query` is then.
      if (query.isTransaction) await store(query)
      else await withSignInLocked(query, account, store)
    },
    exclusively: (use) =>
      withSignInLocked(query, account, (transaction) =>
        use(sharedStore({ query: transaction, keys, account, file, path, now })),
      ),
  }
}
