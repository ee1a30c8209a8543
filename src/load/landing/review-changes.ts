import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { askInBulk } from '../runs/prepare-for-bulk.ts'

/** Two versions of a referral, one after the other, whose registrations differ. */
export interface LandedReviewChange {
  readonly updated_before: string
  readonly updated_after: string
  /** JSON as received. */
  readonly before: unknown
  readonly after: unknown
}

/** Most changes that a run learns from; a first read after months may land many more. */
const changesMax = 2000

/**
 * Changes of registrations that a run landed, with the texts of `updatedDateTime` on both sides; none
 * where one of the two versions had no registration.
 */
export function listReviewChanges(
  query: Kysely<Database>,
  partnerAccountKey: number,
  runId: number,
): Promise<readonly LandedReviewChange[]> {
  const registrations = (version: string) => sql<unknown>`${sql.ref(version)} -> 'registrations'`
  return askInBulk(query, (transaction) =>
    transaction
      .selectFrom((from) =>
        from
          .selectFrom('raw.payload')
          .select(['resource_id', 'version_no', 'source_updated_text', 'payload'])
          .where('run_id', '=', runId)
          .where('partner_account_key', '=', partnerAccountKey)
          .where('resource_type', '=', 'referral')
          .where('version_no', '>', 1)
          .as('later'),
      )
      // A probe of the whole key for each new version, of which a night has few.
      .innerJoinLateral(
        (from) =>
          from
            .selectFrom('raw.payload as p')
            .select(['p.source_updated_text', 'p.payload'])
            .where('p.partner_account_key', '=', partnerAccountKey)
            .where('p.resource_type', '=', 'referral')
            .whereRef('p.resource_id', '=', 'later.resource_id')
            .where('p.version_no', '=', sql<number>`later.version_no - 1`)
            .offset(sql.lit(0))
            .as('earlier'),
        (join) => join.onTrue(),
      )
      .select([
        'earlier.source_updated_text as updated_before',
        'later.source_updated_text as updated_after',
      ])
      .select([
        registrations('earlier.payload').as('before'),
        registrations('later.payload').as('after'),
      ])
      .where(registrations('earlier.payload'), 'is distinct from', registrations('later.payload'))
      .where(registrations('earlier.payload'), 'is not', null)
      .where(registrations('later.payload'), 'is not', null)
      .limit(changesMax)
      .$narrowType<{ updated_before: string; updated_after: string }>()
      .execute(),
  )
}
