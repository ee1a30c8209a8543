import { type AliasedExpression, expressionBuilder, sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'

/** Landed version, or row of a file: the payload, and its people beside it. */
export interface LandedRow {
  readonly version_no: number
  readonly resource_type: 'referral' | 'referral_absence' | 'referral_presence' | 'csv_row'
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
 * Yields the landed versions of referrals in the order of id and version, page by page; rows of files
 * come behind the versions of the API.
 *
 * A page is one short statement, not a fetch from a cursor: the time in which the caller works
 * counts for no timeout, no connection is held meanwhile, and an error rejects the next page.
 */
export async function* readLandedPages(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): AsyncGenerator<Landed> {
  const types = await landedTypes(query, partnerAccountKey)
  const ids = await wantedIds(query, partnerAccountKey, scope, types)
  if (ids !== 'all') {
    for (const page of await splitIds(query, ids)) {
      yield await readByIds(query, partnerAccountKey, page, types)
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

type LandedType = 'referral' | 'csv_row'

/** Types of what is landed of the referrals of an account: few accounts have rows of files. */
async function landedTypes(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<readonly LandedType[]> {
  const found = await query
    .selectFrom('raw.payload')
    .select('version_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .where('resource_type', '=', 'csv_row')
    .limit(1)
    .execute()
  return found.length === 0 ? ['referral'] : ['referral', 'csv_row']
}

/** True once anything of an account has landed. */
export async function isAnythingLanded(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<boolean> {
  const found = await query
    .selectFrom('raw.payload')
    .select('version_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .limit(1)
    .execute()
  return found.length > 0
}

/** Returns the number of referrals of a scope, which `readLandedPages` yields the versions of. */
export async function countLanded(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
): Promise<number> {
  const types = await landedTypes(query, partnerAccountKey)
  const ids = await wantedIds(query, partnerAccountKey, scope, types)
  // The first version of each: to count different ids would sort every version.
  const counted =
    ids === 'all'
      ? query
          .selectFrom('raw.payload')
          .select(({ fn }) => fn.countAll<number>().as('referrals'))
          .where('partner_account_key', '=', partnerAccountKey)
          .where('resource_type', '=', 'referral')
          .where('version_no', '=', 1)
      : query
          .selectFrom(ids)
          .select(({ fn }) => fn.count<number>('wanted.resource_id').distinct().as('referrals'))
  const { referrals } = await counted.executeTakeFirstOrThrow()
  return referrals
}

type WantedIds = AliasedExpression<{ resource_id: string }, 'wanted'>

/**
 * Rows with the ids of a scope, or `all` where that is every referral of an account that the API alone
 * shows.
 */
async function wantedIds(
  query: Kysely<Database>,
  partnerAccountKey: number,
  scope: LandedScope,
  types: readonly LandedType[],
): Promise<WantedIds | 'all'> {
  const landed = query
    .selectFrom('raw.payload')
    .select('resource_id')
    .where('partner_account_key', '=', partnerAccountKey)
  const every = types.length === 1 ? 'all' : landed.where('resource_type', 'in', types).as('wanted')
  if (scope === 'all') return every
  if (scope !== 'unpublished') {
    const given = sql<{ resource_id: string }>`unnest(${scope.ids}::text[])`
    return given.as<'wanted'>(sql`wanted (resource_id)`)
  }
  const runs = await query
    .selectFrom('etl.run')
    .select(['run_id', 'run_status'])
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
  const isUnpublished = (status: string) => unpublishedStatuses.some((one) => one === status)
  const fresh = runs.filter(({ run_status }) => isUnpublished(run_status))
  // A first load would list every id.
  if (fresh.length === runs.length) return every
  const runIds = fresh.map(({ run_id }) => run_id)
  return landed.where('run_id', '=', sql<number>`any(${runIds}::bigint[])`).as('wanted')
}

/**
 * Returns ids in pages, each the text of a PostgreSQL array. As one string a page they take a third
 * of the memory of single strings: 37 MB for a million.
 */
async function splitIds(query: Kysely<Database>, ids: WantedIds): Promise<readonly string[]> {
  const rows = await query
    .selectFrom((from) =>
      from
        .selectFrom((of) => of.selectFrom(ids).distinct().select('wanted.resource_id').as('once'))
        .select('once.resource_id')
        .select(({ fn }) => {
          const place = fn
            .agg<number>('row_number')
            .over((over) => over.orderBy('once.resource_id'))
          return sql<number>`(${place} - 1) / ${idsPerPage}::integer`.as('page_no')
        })
        .as('numbered'),
    )
    .select(sql<string>`array_agg(resource_id order by resource_id)::text`.as('ids'))
    .groupBy('page_no')
    .orderBy('page_no')
    .execute()
  return rows.map((row) => row.ids)
}

/** A version; the next page begins after it. */
type Position = Pick<LandedVersion, 'resource_id' | 'version_no'>

// People are read by a probe of the whole key. Before the landing zone is analyzed, a join was
// planned as one row by one row, and its time grew with the square of the rows.
const people = expressionBuilder<Database & { landed: Database['raw.payload'] }, 'landed'>()
  .selectFrom('pii.payload as cut')
  .select('cut.people')
  .whereRef('cut.partner_account_key', '=', 'landed.partner_account_key')
  .whereRef('cut.resource_type', '=', 'landed.resource_type')
  .whereRef('cut.resource_id', '=', 'landed.resource_id')
  .whereRef('cut.version_no', '=', 'landed.version_no')
  .as('people')

const columns = [
  ...(['landed.resource_id', 'landed.version_no', 'landed.observed_at'] as const),
  ...(['landed.source_updated_text', 'landed.payload'] as const),
  sql<LandedVersion['resource_type']>`landed.resource_type`.as('resource_type'),
  people,
] as const

function readAfter(
  query: Kysely<Database>,
  partnerAccountKey: number,
  { resource_id, version_no }: Position,
): Promise<Landed> {
  return byPrimaryKey(query, (transaction) =>
    transaction
      .selectFrom('raw.payload as landed')
      .select(columns)
      .where('landed.partner_account_key', '=', partnerAccountKey)
      .where('landed.resource_type', '=', 'referral')
      .where((is) =>
        is(
          is.refTuple('landed.resource_id', 'landed.version_no'),
          '>',
          is.tuple(sql<string>`${resource_id}::text`, sql<number>`${version_no}::integer`),
        ),
      )
      .orderBy('landed.resource_id')
      .orderBy('landed.version_no')
      .limit(sql<number>`${versionsPerPage}::integer`)
      .execute(),
  )
}

/** The versions of some referrals; `ids` is the text of an array in the order of ids. */
function readByIds(
  query: Kysely<Database>,
  partnerAccountKey: number,
  ids: string,
  types: readonly LandedType[],
): Promise<Landed> {
  const wanted = sql<{ resource_id: string; place: number }>`
    unnest(${ids}::text[]) with ordinality`
  return byPrimaryKey(query, async (transaction) => {
    const rows: (LandedVersion & { place: number })[] = []
    for (const type of types) {
      const found = await transaction
        .selectFrom(wanted.as<'wanted'>(sql`wanted (resource_id, place)`))
        .crossJoinLateral((from) =>
          from
            .selectFrom('raw.payload as landed')
            .select(columns)
            .where('landed.partner_account_key', '=', partnerAccountKey)
            .where('landed.resource_type', '=', type)
            .whereRef('landed.resource_id', '=', 'wanted.resource_id')
            .orderBy('landed.version_no')
            .as('versions'),
        )
        .selectAll('versions')
        .select('wanted.place')
        .execute()
      rows.push(...found)
    }
    const typeOf = (row: LandedVersion) => (row.resource_type === types[0] ? 0 : 1)
    return rows.sort(
      (one, other) =>
        one.place - other.place || typeOf(one) - typeOf(other) || one.version_no - other.version_no,
    )
  })
}

/**
 * Runs `use` where the only plan is a scan of the primary key in its order. The planner chose others
 * for an account without statistics: a page then read all versions of the account, and a load took
 * the square of its rows.
 */
function byPrimaryKey<T>(
  query: Kysely<Database>,
  use: (transaction: Kysely<Database>) => Promise<T>,
): Promise<T> {
  const planned = async (transaction: Kysely<Database>) => {
    const turnOff = (name: string) =>
      sql<string>`set_config(${sql.lit(name)}, 'off', true)`.as(name)
    await transaction
      .selectNoFrom([
        turnOff('enable_sort'),
        turnOff('enable_seqscan'),
        turnOff('enable_bitmapscan'),
      ])
      .execute()
    return use(transaction)
  }
  // A snapshot that the caller reads is one transaction already.
  return query.isTransaction ? planned(query) : query.transaction().execute(planned)
}
