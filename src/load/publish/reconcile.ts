import { type Expression, expressionBuilder, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { LandedScope } from '../landing/landed-pages.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'
import { starRows } from './star/star-access.ts'
import type { Publication } from './star/upsert.ts'

/**
 * Destinations of all versions that a run had to publish. A version is one referral at one time:
 * `fetched = inserted + updated + unchanged + superseded + quarantined + waiting`, and
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
  /** Referrals of which files show a part alone, such as a registration. */
  readonly waiting: number
  /**
   * Rows of pages or files, and referrals read by id; in a replay, versions read from the landing zone.
   */
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
  waiting: 0,
  rows_read: 0,
  duplicates: 0,
  carried_over: 0,
}

/** A version to publish; age 1 is the newest one of its referral. */
interface Fresh {
  resource_id: string
  is_own: boolean
  age: number
}

/** A referral on the pages of the run. */
interface Seen {
  resource_id: string
  rows: number
}

/** A referral with versions that this run landed. */
interface Own {
  resource_id: string
  versions: number
}

/** A staged referral, compared with the star. */
interface Staged {
  referral_id: string
  is_new: boolean
  differs: boolean
}

/** Tables, and common table expressions of `reconcile`. */
type Known = Database & {
  fresh: Fresh
  seen: Seen
  own: Own
  staged: Staged
  arrived: { is_new: boolean; is_changed: boolean }
  held: { resource_id: string }
  unplaced: { resource_id: string }
}

const { selectFrom } = expressionBuilder<Known>()

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
  const { fresh, seen, own } =
    scope === 'unpublished'
      ? newVersions(publication)
      : replayedVersions(transaction, publication, scope)
  const isReplay = scope !== 'unpublished'
  const terms = await transaction
    .with(
      (cte) => cte('fresh').materialized(),
      () => fresh,
    )
    .with(
      (cte) => (isReplay ? cte('seen') : cte('seen').materialized()),
      () => seen,
    )
    .with('own', () => own)
    .with(
      (cte) => cte('staged').materialized(),
      () => staged,
    )
    // A referral that is staged because of an absence or a return alone has no new version.
    .with(
      (cte) => cte('arrived').materialized(),
      () =>
        selectFrom('staged')
          .select('is_new')
          .select(sql<boolean>`${isReplay ? sql`is_new or differs` : sql`true`}`.as('is_changed'))
          .where('referral_id', 'in', selectFrom('fresh').select('resource_id')),
    )
    .with(
      (cte) => cte('held').materialized(),
      () => quarantinedReferrals(publication),
    )
    .with(
      (cte) => cte('unplaced').materialized(),
      () =>
        selectFrom('fresh')
          .select('resource_id')
          .where('age', '=', 1)
          .where('resource_id', 'not in', selectFrom('staged').select('referral_id'))
          .where('resource_id', 'not in', selectFrom('held').select('resource_id')),
    )
    .selectNoFrom(({ fn }) => [
      countArrived(sql`is_new`).as('inserted'),
      countArrived(sql`not is_new and is_changed`).as('updated'),
      sql<number>`${countArrived(sql`not is_new and not is_changed`)} + ${seenAsLanded}`.as(
        'unchanged',
      ),
      selectFrom('fresh')
        .select(fn.countAll<number>().as('versions'))
        .where('age', '>', 1)
        .$asScalar()
        .$notNull()
        .as('superseded'),
      selectFrom('held')
        .select(fn.countAll<number>().as('referrals'))
        .$asScalar()
        .$notNull()
        .as('quarantined'),
      waitingReferrals(publication).as('waiting'),
      selectFrom('seen')
        .leftJoin('own', 'own.resource_id', 'seen.resource_id')
        .select(
          sql<number>`coalesce(sum(seen.rows - greatest(1, own.versions)), 0)::bigint`.as('rows'),
        )
        .$asScalar()
        .$notNull()
        .as('duplicates'),
      selectFrom('fresh')
        .leftJoin('seen', 'seen.resource_id', 'fresh.resource_id')
        .select(fn.countAll<number>().as('versions'))
        .where(({ not, ref }) => not(ref('fresh.is_own')))
        .where((is) => is.or([is('fresh.age', '>', 1), is('seen.resource_id', 'is', null)]))
        .$asScalar()
        .$notNull()
        .as('carried_over'),
    ])
    .executeTakeFirstOrThrow()
  const fetched = rowsRead - terms.duplicates + terms.carried_over
  const reconciliation = { fetched, ...terms, rows_read: rowsRead }
  const { inserted, updated, unchanged, superseded, quarantined, waiting } = terms
  const placed = inserted + updated + unchanged + superseded + quarantined + waiting
  if (fetched === placed) return reconciliation
  throw notReconciled(publication.runId, reconciliation)
}

/** Number of the arrived referrals for which a condition holds. */
function countArrived(which: Expression<unknown>) {
  return selectFrom('arrived')
    .select(({ fn }) => fn.countAll<number>().as('referrals'))
    .where(sql<boolean>`${which}`)
    .$asScalar()
    .$notNull()
}

/** Number of the referrals that were read as they were landed before. */
const seenAsLanded = selectFrom('seen')
  .select(({ fn }) => fn.countAll<number>().as('referrals'))
  .where(({ exists, not, selectFrom }) =>
    not(exists(selectFrom('fresh').whereRef('fresh.resource_id', '=', 'seen.resource_id'))),
  )

/** Selects the referrals whose newest version cannot be read. */
function quarantinedReferrals({ partnerAccountKey }: Publication) {
  return selectFrom('stg.quarantine as q')
    .distinct()
    .select('q.resource_id')
    .where('q.partner_account_key', '=', partnerAccountKey)
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('fresh').whereRef('fresh.resource_id', '=', 'q.resource_id')),
    )
    .where(({ exists, not, selectFrom }) =>
      not(exists(selectFrom('staged').whereRef('staged.referral_id', '=', 'q.resource_id'))),
    )
}

/**
 * Number of the referrals that are in no other place, and of which rows of files alone are landed,
 * none with the status that every referral has.
 */
function waitingReferrals({ partnerAccountKey }: Publication) {
  const isShown = sql<boolean>`p.resource_type = 'referral'
    or p.payload -> 'referral' ->> 'status' is not null`
  return selectFrom('unplaced')
    .crossJoinLateral((from) =>
      from
        .selectFrom('raw.payload as p')
        .select(sql<boolean>`coalesce(bool_or(${isShown}), true)`.as('is_shown'))
        .where('p.partner_account_key', '=', partnerAccountKey)
        .where('p.resource_type', 'in', landedTypes)
        .whereRef('p.resource_id', '=', 'unplaced.resource_id')
        .offset(sql.lit(0))
        .as('rows'),
    )
    .select(({ fn }) => fn.countAll<number>().as('referrals'))
    .where(({ not, ref }) => not(ref('rows.is_shown')))
    .$asScalar()
    .$notNull()
}

/** Selects the staged referrals, before any of them is published. */
function stagedReferrals({ partnerAccountKey, access }: Publication): Expression<Staged> {
  const isSame = sql`known.partner_account_key = s.partner_account_key
      and known.referral_id = s.referral_id`
  const known = starRows(access, ['dw.dim_referral', 'known'], isSame)
  return selectFrom('stg.dim_referral as s')
    .leftJoin(known.rows, (join) => join.on(known.on))
    .select([
      's.referral_id',
      sql<boolean>`known.referral_key is null`.as('is_new'),
      sql<boolean>`known.row_hash is distinct from s.row_hash`.as('differs'),
    ])
    .where('s.partner_account_key', '=', partnerAccountKey)
}

/** Selects the referrals written by the initial load. */
export function initialReferrals({ partnerAccountKey }: Publication): Expression<Staged> {
  return selectFrom('stg.referral_key')
    .select(['referral_id', sql.lit(true).as('is_new'), sql.lit(true).as('differs')])
    .where('partner_account_key', '=', partnerAccountKey)
}

interface Versions {
  readonly fresh: Expression<Fresh>
  readonly seen: Expression<Seen>
  readonly own: Expression<Own>
}

/** Position of a version among those of its referral, from the newest one on. */
const age = sql<number>`row_number() over (
  partition by p.resource_id order by p.resource_type, p.version_no desc)`

/** Types of what shows a referral: versions of the API, and rows of files. */
const landedTypes = ['referral', 'csv_row']

/** Selects the rows of pages, and the versions that are not published yet. */
function newVersions({ partnerAccountKey, runId }: Publication): Versions {
  const isOfRun = sql`p.run_id = run.run_id`
  const isOfAccount = sql`p.partner_account_key = run.partner_account_key`
  const landed = starRows('probe', ['raw.payload', 'p'], isOfRun, isOfAccount)
  const fresh = selectFrom('etl.run as run')
    .innerJoin(landed.rows, (join) => join.on(landed.on))
    .select(['p.resource_id', sql<boolean>`p.run_id = ${runId}`.as('is_own'), age.as('age')])
    .where('run.partner_account_key', '=', partnerAccountKey)
    .where('run.run_status', 'in', unpublishedStatuses)
    .where('p.resource_type', 'in', landedTypes)
  const seen = selectFrom('stg.listed_referral')
    .select('resource_id')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where('partner_account_key', '=', partnerAccountKey)
    .where('run_id', '=', runId)
    .groupBy('resource_id')
  const own = selectFrom('fresh')
    .select('resource_id')
    .select(({ fn }) => fn.countAll<number>().as('versions'))
    .where(({ ref }) => ref('is_own'))
    .groupBy('resource_id')
  return { fresh, seen, own }
}

/** Selects every landed version of all or some referrals; no page was read. */
function replayedVersions(
  transaction: Transaction<Database>,
  { partnerAccountKey }: Publication,
  scope: Exclude<LandedScope, 'unpublished'>,
): Versions {
  const versions = selectFrom('raw.payload as p')
    .select(['p.resource_id', sql.lit(true).as('is_own'), age.as('age')])
    .where('p.partner_account_key', '=', partnerAccountKey)
    .where('p.resource_type', 'in', landedTypes)
  const fresh =
    scope === 'all'
      ? versions
      : versions.where('p.resource_id', '=', sql<string>`any(${scope.ids}::text[])`)
  const none = transaction
    .selectNoFrom(sql<string>`null::text`.as('resource_id'))
    .where(sql.lit(false))
  const seen = none.select(sql<number>`0::bigint`.as('rows'))
  const own = none.select(sql<number>`0::bigint`.as('versions'))
  return { fresh, seen, own }
}

function notReconciled(runId: number, reconciliation: Reconciliation): CosellError {
  const { fetched, inserted, updated, unchanged, superseded, quarantined, waiting } = reconciliation
  const { rows_read, duplicates, carried_over } = reconciliation
  const sum = inserted + updated + unchanged + superseded + quarantined + waiting
  const text =
    `Run ${runId} is not reconciled, so nothing was published: expected ${fetched} fetched ` +
    `(${rows_read} rows read - ${duplicates} duplicates + ${carried_over} carried over), got ${sum} ` +
    `(${inserted} inserted + ${updated} updated + ${unchanged} unchanged + ${superseded} superseded + ` +
    `${quarantined} quarantined + ${waiting} waiting). This is a fault of cosell; what was read is ` +
    'kept. Report it.'
  return new CosellError('run.not_reconciled', text)
}
