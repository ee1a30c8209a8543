import { expressionBuilder } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { mayHaveRows, type Publication } from './star/upsert.ts'

/**
 * Records the unreadable versions, earlier ones of a referral too, and resolves the entries of
 * referrals whose newest version is readable. Returns the number of quarantined referrals.
 */
export async function publishQuarantine(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<number> {
  const hasUnreadable = mayHaveRows(publication, 'stg.quarantine')
  if (hasUnreadable) await addEntries(transaction, publication)
  if (mayHaveRows(publication, 'stg.dim_referral')) await resolveEntries(transaction, publication)
  return hasUnreadable ? countQuarantined(transaction, publication, ['referral', 'csv_row']) : 0
}

async function addEntries(transaction: Transaction<Database>, publication: Publication) {
  const { partnerAccountKey, runId } = publication
  const key = ['partner_account_key', 'resource_type', 'resource_id', 'version_no'] as const
  const reason = ['reason_code', 'item_path', 'detail'] as const
  await transaction
    .insertInto('etl.quarantine')
    .columns([...key, ...reason, 'first_run_id', 'last_run_id', 'attempts'])
    .expression(({ cast, lit, selectFrom, val }) =>
      selectFrom('stg.quarantine as s')
        .select([...key, ...reason])
        .select([
          cast<number>(val(runId), 'bigint').as('first_run_id'),
          cast<number>(val(runId), 'bigint').as('last_run_id'),
          lit(1).as('attempts'),
        ])
        .where('s.partner_account_key', '=', partnerAccountKey)
        .orderBy('s.resource_type')
        .orderBy('s.resource_id')
        .orderBy('s.version_no'),
    )
    .onConflict((on) =>
      on.columns(key).doUpdateSet((is) => ({
        reason_code: is.ref('excluded.reason_code'),
        item_path: is.ref('excluded.item_path'),
        detail: is.ref('excluded.detail'),
        last_run_id: is.ref('excluded.last_run_id'),
        attempts: is('etl.quarantine.attempts', '+', is.lit(1)),
      })),
    )
    .execute()
  // Not above: there the referral would be looked for in the whole list, version by version.
  await transaction
    .updateTable('etl.quarantine as q')
    .set({ resolved_run_id: null })
    .where('q.partner_account_key', '=', partnerAccountKey)
    .where('q.last_run_id', '=', runId)
    .where('q.resolved_run_id', 'is not', null)
    .where(({ not }) => not(isLoaded('q')))
    .execute()
}

async function resolveEntries(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId }: Publication,
) {
  await transaction
    .updateTable('etl.quarantine as q')
    .set(({ cast, val }) => ({ resolved_run_id: cast<number>(val(runId), 'bigint') }))
    .where('q.partner_account_key', '=', partnerAccountKey)
    .where('q.resource_type', 'in', ['referral', 'csv_row'])
    .where('q.resolved_run_id', 'is', null)
    .where(isLoaded('q'))
    .execute()
}

/** Number of quarantined resources of some types that this publish does not load. */
export async function countQuarantined(
  transaction: Transaction<Database>,
  { partnerAccountKey }: Publication,
  types: readonly ('referral' | 'csv_row')[],
): Promise<number> {
  const counted = await transaction
    .selectFrom('stg.quarantine as s')
    .select(({ fn }) => fn.count<number>('s.resource_id').distinct().as('referrals'))
    .where('s.partner_account_key', '=', partnerAccountKey)
    .where('s.resource_type', 'in', types)
    .where(({ not }) => not(isLoaded('s')))
    .executeTakeFirstOrThrow()
  return counted.referrals
}

/** Expression: this publish loads the referral, in its newest version. */
function isLoaded(held: 'q' | 's') {
  const { exists, selectFrom } = expressionBuilder<Held, 'q' | 's'>()
  return exists(
    selectFrom('stg.referral_key as k')
      .whereRef('k.partner_account_key', '=', `${held}.partner_account_key`)
      .whereRef('k.referral_id', '=', `${held}.resource_id`),
  )
}

/** Quarantined versions, and those of the stage. */
type Held = Database & { q: Database['etl.quarantine']; s: Database['stg.quarantine'] }
