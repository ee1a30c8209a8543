import { sql } from 'kysely'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { mayHaveRows, type Publication, type RowsWritten } from '../star/upsert.ts'

/**
 * Adds the staged sellers that the account has not yet, and makes those unknown who were erased
 * since they were written. Their referrals need not be staged for that; a staged one has no hash
 * of an erased person any more.
 */
export async function publishSellers(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten> {
  publication.announce?.('dw.dim_seller')
  const inserted = mayHaveRows(publication, 'stg.dim_seller')
    ? await addSellers(transaction, publication)
    : 0
  const updated = await forgetErased(transaction, publication.partnerAccountKey)
  return { table: 'dw.dim_seller', inserted, updated, deleted: 0 }
}

async function addSellers(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId }: Publication,
): Promise<number> {
  const columns = ['partner_account_key', 'seller_hash', 'seller_kind', 'email_domain'] as const
  const added = await transaction
    .insertInto('dw.dim_seller')
    .columns([...columns, 'created_run_id'])
    .expression((from) =>
      from
        .selectFrom((staged) =>
          staged
            .selectFrom('stg.dim_seller')
            .distinct()
            .select(columns)
            .where('partner_account_key', '=', partnerAccountKey)
            .as('s'),
        )
        .select(columns)
        .select(({ cast, val }) => cast<number>(val(runId), 'bigint').as('created_run_id'))
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('dw.dim_seller as known')
                .whereRef('known.partner_account_key', '=', 's.partner_account_key')
                .whereRef('known.seller_hash', '=', 's.seller_hash'),
            ),
          ),
        )
        .orderBy('s.seller_hash'),
    )
    .onConflict((on) => on.columns(['partner_account_key', 'seller_hash']).doNothing())
    .executeTakeFirstOrThrow()
  return Number(added.numInsertedOrUpdatedRows ?? 0)
}

/** Replaces what leads from a seller to an erased person; the key and its deals stay. */
async function forgetErased(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
): Promise<number> {
  const forgotten = await transaction
    .updateTable('dw.dim_seller as seller')
    .from('pii.erasure as erasure')
    .set({ seller_hash: sql`'erased ' || seller.seller_key`, email_domain: null })
    .where('seller.partner_account_key', '=', partnerAccountKey)
    .whereRef('seller.seller_hash', '=', 'erasure.contact_hash')
    .executeTakeFirstOrThrow()
  return Number(forgotten.numUpdatedRows)
}
