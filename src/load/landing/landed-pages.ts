import { type RawBuilder, sql } from 'kysely'
import {
  inTransaction,
  type Kysely,
  type Transaction,
} from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'

/** Landed version: the payload, and its people beside it. */
export interface LandedRow {
  readonly version_no: number
  readonly resource_type: 'referral' | 'referral_absence' | 'referral_presence'
  readonly observed_at: string
  readonly source_updated_text: string | null
  readonly payload: unknown
  readonly people: unknown
}

/** Landed version with the id of its referral. */
export interface LandedVersion extends LandedRow {
  readonly resource_id: string
}

/** Referrals to publish: with a version that is not published yet, all, or the named ones. */
export type LandedScope = 'unpublished' | 'all' | { readonly ids: readonly string[] }

type Landed = readonly LandedVersion[]

/** Versions a page. Two pages are held, and a page is read and transformed in less than a second. */
const versionsPerPage = 500
/** Referrals a page where they are named: each has a few versions. */
const idsPerPage = 200

/**
 * Yields the landed versions of referrals in the order of id and version, page by page.
 *
 * A page is one short statement, not a fetch from a cursor: the time in which the caller works
 * counts for no timeout, no connection is held meanwhile, and an error rejects the next page.
 */
export async function* readLandedPages(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): AsyncGenerator<Landed> {
  const ids = await wantedIds(query, partnerAccountKey, scope)
  if (ids !== 'all') {
    for (const page of await splitIds(query, ids)) {
      yield await readByIds(query, partnerAccountKey, page)
    }
    return
  }
  let after: Position = { resource_id: '', version_no: 0 }
  for (;;) {
    const page = await readAfter(query, partnerAccountKey, after)
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < versionsPerPage) return
    after = last
  }
}

/** Returns the number of referrals of a scope, which `readLandedPages` yields the versions of. */
export async function countLanded(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): Promise<number> {
  const ids = await wantedIds(query, partnerAccountKey, scope)
  // The first version of each: to count different ids would sort every version.
  const counted =
    ids === 'all'
      ? sql<{ referrals: number }>`
          select count(*) as referrals
          from raw.payload
          where partner_account_key = ${partnerAccountKey}
            and resource_type = 'referral'
            and version_no = 1`
      : sql<{ referrals: number }>`select count(distinct resource_id) as referrals from ${ids}`
  const { rows } = await counted.execute(query)
  return rows[0]?.referrals ?? 0
}

/** Rows with the ids of a scope, or `all` where that is every referral of the account. */
async function wantedIds(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): Promise<RawBuilder<unknown> | 'all'> {
  if (scope === 'all') return 'all'
  if (scope !== 'unpublished') {
    return sql`unnest(${scope.ids}::text[]) as wanted (resource_id)`
  }
  const runs = await query
    .selectFrom('etl.run')
    .select(['run_id', 'run_status'])
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
  const isUnpublished = (status: string) => unpublishedStatuses.some((one) => one === status)
  const fresh = runs.filter(({ run_status }) => isUnpublished(run_status))
  // A first load would list every id.
  if (fresh.length === runs.length) return 'all'
  return sql`(
      select resource_id
      from raw.payload
      where partner_account_key = ${partnerAccountKey}
        and run_id = any(${fresh.map(({ run_id }) => run_id)}::bigint[])
    ) as wanted`
}

/**
 * Returns ids in pages, each the text of a PostgreSQL array. As one string a page they take a third
 * of the memory of single strings: 37 MB for a million.
 */
async function splitIds(
  query: Kysely<Database>,
  ids: RawBuilder<unknown>,
): Promise<readonly string[]> {
  const { rows } = await sql<{ ids: string }>`
    select array_agg(resource_id order by resource_id)::text as ids
    from (
      select resource_id, (row_number() over (order by resource_id) - 1) / ${idsPerPage}::integer as page_no
      from (select distinct resource_id from ${ids}) as once
    ) as numbered
    group by page_no
    order by page_no`.execute(query)
  return rows.map((row) => row.ids)
}

/** A version; the next page begins after it. */
type Position = Pick<LandedVersion, 'resource_id' | 'version_no'>

// People are read by a probe of the whole key. Before the landing zone is analyzed, a join was
// planned as one row by one row, and its time grew with the square of the rows.
const columns = sql`
  landed.resource_id, landed.version_no, landed.resource_type, landed.observed_at,
  landed.source_updated_text, landed.payload,
  (
    select cut.people
    from pii.payload as cut
    where cut.partner_account_key = landed.partner_account_key
      and cut.resource_type = landed.resource_type
      and cut.resource_id = landed.resource_id
      and cut.version_no = landed.version_no
  ) as people`

function readAfter(
  query: Kysely<Database>,
  partnerAccountKey: number,
  { resource_id, version_no }: Position,
): Promise<Landed> {
  return byPrimaryKey(query, async (transaction) => {
    const { rows } = await sql<LandedVersion>`
      select ${columns}
      from raw.payload as landed
      where landed.partner_account_key = ${partnerAccountKey}
        and landed.resource_type = 'referral'
        and (landed.resource_id, landed.version_no) > (${resource_id}::text, ${version_no}::integer)
      order by landed.resource_id, landed.version_no
      limit ${versionsPerPage}::integer`.execute(transaction)
    return rows
  })
}

/** The versions of some referrals; `ids` is the text of an array in the order of ids. */
function readByIds(
  query: Kysely<Database>,
  partnerAccountKey: number,
  ids: string,
): Promise<Landed> {
  return byPrimaryKey(query, async (transaction) => {
    const { rows } = await sql<LandedVersion & { place: number }>`
      select versions.*, wanted.place
      from unnest(${ids}::text[]) with ordinality as wanted (resource_id, place)
      cross join lateral (
        select ${columns}
        from raw.payload as landed
        where landed.partner_account_key = ${partnerAccountKey}
          and landed.resource_type = 'referral'
          and landed.resource_id = wanted.resource_id
        order by landed.version_no
      ) as versions`.execute(transaction)
    return rows.sort((one, other) => one.place - other.place || one.version_no - other.version_no)
  })
}

/**
 * Runs `use` where the only plan is a scan of the primary key in its order. The planner chose others
 * for an account without statistics: a page then read all versions of the account, and a load took
 * the square of its rows.
 */
function byPrimaryKey<T>(
  query: Kysely<Database>,
  use: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return inTransaction(query, async (transaction) => {
    await sql`
      select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
        set_config('enable_bitmapscan', 'off', true)`.execute(transaction)
    return use(transaction)
  })
}
