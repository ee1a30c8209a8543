import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Settings for statements over many rows, until the transaction ends.
 *
 * A nested loop compares each row with each, unless its inner side is a probe of a whole key. From
 * estimates PostgreSQL cannot know which one it will be: rows of this transaction have no statistics
 * yet, or those of another account. On PostgreSQL 15 one check of 10,000 referrals took 5.5 s of a
 * load of 12 s. So the loops are off, and each wanted one is written as a lateral subquery, which can
 * be planned in no other way. A merge join may go by the account alone, for which a sort or an index is
 * at hand, and leave the key to a filter: in a first load of 300,000 referrals the findings about rates
 * had not ended after 55 minutes. Hash joins use every column that is compared, so they alone are left,
 * and the work grows with its input, whatever the statistics are.
 */
export async function prepareForBulk(transaction: Transaction<Database>): Promise<void> {
  await sql.raw(bulkSettings).execute(transaction)
}

/** The row estimates of some checks are high enough for JIT, and their code runs once. */
const bulkSettings = `
  set local enable_nestloop = off;
  set local enable_mergejoin = off;
  set local work_mem = '96MB';
  set local jit = off`

/** Runs a question over many rows, which writes nothing, and again after a transient failure. */
export function askInBulk<T>(
  query: Kysely<Database>,
  ask: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return retryTransient(() =>
    query.transaction().execute(async (transaction) => {
      await prepareForBulk(transaction)
      return ask(transaction)
    }),
  )
}
