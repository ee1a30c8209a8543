import { type RawBuilder, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { LandedScope } from '../landing/landed-pages.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'
import { joinStar } from './star/star-access.ts'
import type { Publication } from './star/upsert.ts'

/**
 * Destinations of all versions that a run had to publish. A version is one referral at one time:
 * `fetched = inserted + updated + unchanged + superseded + quarantined`, and
 * `fetched = rows_read - duplicates + carried_over`.
 */
export interface Reconciliation {
  /** Versions that the run accounts for, each once. */
  readonly fetched: number
  /** Referrals that the warehouse did not have. */
  readonly inserted: number
  /** Referrals that the warehouse had, with a new version; in a replay, with a different row. */
  readonly updated: number
  /** Referrals that were read as they were landed; in a replay, with the same row. */
  readonly unchanged: number
  /** Versions with a later one of the same referral in the same run. */
  readonly superseded: number
  /** Referrals whose newest version cannot be read. */
  readonly quarantined: number
  /** Rows of pages, and referrals read by id; in a replay, versions read from the landing zone. */
  readonly rows_read: number
  /** Rows that repeat another row of the run. */
  readonly duplicates: number
  /** Versions that earlier runs landed without publishing, and that no row of this run repeats. */
  readonly carried_over: number
}

export const nothingRead: Reconciliation = {
  fetched: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  superseded: 0,
  quarantined: 0,
  rows_read: 0,
  duplicates: 0,
  carried_over: 0,
}

type Counted = Omit<Reconciliation, 'fetched' | 'rows_read'>

/**
 * Reconciles the staged referrals with the rows read, before the publish writes: afterwards a new
 * referral looks like any other. Each term is counted; none is the remainder of the others.
 * `staged` yields the referrals with `is_new` and `differs`.
 *
 * @throws CosellError `bug` when a version was lost or counted twice.
 */
export async function reconcile(
  transaction: Transaction<Database>,
  publication: Publication,
  { scope, rowsRead }: { readonly scope: LandedScope; readonly rowsRead: number },
  staged = stagedReferrals(publication),
): Promise<Reconciliation> {
  const counted = await sql<Counted>`
    with ${scope === 'unpublished' ? newVersions(publication) : replayedVersions(publication, scope)},
    staged as materialized (${staged}),
    -- A referral that is staged because of an absence or a return alone has no new version.
    arrived as materialized (
      select is_new, ${scope === 'unpublished' ? sql`true` : sql`is_new or differs`} as is_changed
      from staged
      where referral_id in (select resource_id from fresh)
    ),
    held as (
      select distinct q.resource_id
      from stg.quarantine q
      where q.partner_account_key = ${publication.partnerAccountKey}
        and exists (select 1 from fresh where fresh.resource_id = q.resource_id)
        and not exists (select 1 from staged where staged.referral_id = q.resource_id)
    )
    select
      (select count(*) from arrived where is_new) as inserted,
      (select count(*) from arrived where not is_new and is_changed) as updated,
      (select count(*) from arrived where not is_new and not is_changed)
        + (select count(*) from seen
          where not exists (select 1 from fresh where fresh.resource_id = seen.resource_id))
        as unchanged,
      (select count(*) from fresh where age > 1) as superseded,
      (select count(*) from held) as quarantined,
      (select coalesce(sum(seen.rows - greatest(1, own.versions)), 0)::bigint
        from seen left join own using (resource_id)) as duplicates,
      (select count(*) from fresh left join seen using (resource_id)
        where not is_own and (age > 1 or seen.resource_id is null)) as carried_over
    `.execute(transaction)
  const terms = counted.rows[0]
  if (terms === undefined) throw new Error('the count returned no row')
  const fetched = rowsRead - terms.duplicates + terms.carried_over
  const reconciliation = { fetched, ...terms, rows_read: rowsRead }
  const { inserted, updated, unchanged, superseded, quarantined } = terms
  if (fetched === inserted + updated + unchanged + superseded + quarantined) return reconciliation
  throw notReconciled(publication.runId, reconciliation)
}

/** Selects the staged referrals, before any of them is published. */
function stagedReferrals({ partnerAccountKey, access }: Publication): RawBuilder<unknown> {
  const isSame = sql`known.partner_account_key = s.partner_account_key
      and known.referral_id = s.referral_id`
  return sql`
    select s.referral_id, known.referral_key is null as is_new,
      known.row_hash is distinct from s.row_hash as differs
    from stg.dim_referral s
    ${joinStar(access, 'left join', ['dw.dim_referral', 'known'], isSame)}
    where s.partner_account_key = ${partnerAccountKey}`
}

/** Selects the referrals written by the initial load. */
export function initialReferrals({ partnerAccountKey }: Publication): RawBuilder<unknown> {
  return sql`
    select referral_id, true as is_new, true as differs
    from stg.referral_key
    where partner_account_key = ${partnerAccountKey}`
}

/**
 * Common table expressions of the rows of pages, and of the versions that are not published yet.
 */
function newVersions({ partnerAccountKey, runId }: Publication): RawBuilder<unknown> {
  const isOfRun = sql`p.run_id = run.run_id`
  const isOfAccount = sql`p.partner_account_key = run.partner_account_key`
  return sql`
    fresh as materialized (
      select p.resource_id, p.run_id = ${runId} as is_own,
        row_number() over (partition by p.resource_id order by p.version_no desc) as age
      from etl.run run
      ${joinStar('probe', 'join', ['raw.payload', 'p'], isOfRun, isOfAccount)}
      where run.partner_account_key = ${partnerAccountKey}
        and run.run_status in (${sql.join(unpublishedStatuses)})
        and p.resource_type = 'referral'
    ),
    seen as materialized (
      select resource_id, count(*) as rows
      from stg.listed_referral
      where partner_account_key = ${partnerAccountKey} and run_id = ${runId}
      group by resource_id
    ),
    own as (
      select resource_id, count(*) as versions from fresh where is_own group by resource_id
    )`
}

/** Common table expressions of every landed version of all or some referrals; no page was read. */
function replayedVersions(
  { partnerAccountKey }: Publication,
  scope: Exclude<LandedScope, 'unpublished'>,
): RawBuilder<unknown> {
  const wanted = scope === 'all' ? sql`true` : sql`p.resource_id = any(${scope.ids}::text[])`
  return sql`
    fresh as materialized (
      select p.resource_id, true as is_own,
        row_number() over (partition by p.resource_id order by p.version_no desc) as age
      from raw.payload p
      where p.partner_account_key = ${partnerAccountKey}
        and p.resource_type = 'referral'
        and ${wanted}
    ),
    seen as (select null::text as resource_id, 0::bigint as rows where false),
    own as (select null::text as resource_id, 0::bigint as versions where false)`
}

function notReconciled(runId: number, reconciliation: Reconciliation): CosellError {
  const { fetched, inserted, updated, unchanged, superseded, quarantined } = reconciliation
  const { rows_read, duplicates, carried_over } = reconciliation
  const sum = inserted + updated + unchanged + superseded + quarantined
  const text =
    `Run ${runId} is not reconciled, so nothing was published: expected ${fetched} fetched ` +
    `(${rows_read} rows read - ${duplicates} duplicates + ${carried_over} carried over), got ${sum} ` +
    `(${inserted} inserted + ${updated} updated + ${unchanged} unchanged + ${superseded} superseded + ` +
    `${quarantined} quarantined). This is a fault of cosell; what was read is kept. Report it.`
  return new CosellError('run.not_reconciled', text)
}
