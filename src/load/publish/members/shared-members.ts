import { type InsertResult, sql } from 'kysely'
import type { Kysely } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import type { Publication, RowsWritten } from '../star/upsert.ts'

/*
 * Members that no account owns: undocumented enum values, currencies and pairs of status and
 * substatus. Microsoft adds one for every account at once, and the first publish that has it would
 * make all others wait until it commits. So a statement of its own adds them, before the publish
 * or over another connection. A publish that fails leaves members that no row refers to.
 */

/** Dimensions of shared members, in the order in which they are added. */
export const sharedDimensions = ['dw.dim_currency', 'dw.dim_status'] as const

/** Account whose rows have the members, and the run that adds them. */
type Source = Pick<Publication, 'partnerAccountKey' | 'runId'>

/** Pair of status and substatus. */
export interface StatusPair {
  readonly referral_status: string
  readonly referral_substatus: string
}

/**
 * Adds the shared members that the staged rows of an account have and the warehouse has not. Reads
 * with `reader`, and adds with `writer` in a statement for each table, sorted by the key: two runs
 * wait for each other during one statement at most, and cannot deadlock.
 */
export async function addStagedMembers(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  source: Source,
): Promise<RowsWritten[]> {
  await addValues(reader, writer, source)
  const currencies = await addCurrencies(reader, writer, source, 'stg')
  const columns = ['referral_status', 'referral_substatus'] as const
  const pairs = await reader
    .selectFrom(({ selectFrom }) =>
      selectFrom('stg.fact_referral')
        .select(columns)
        .where('partner_account_key', '=', source.partnerAccountKey)
        .union(
          selectFrom('stg.fact_referral_history')
            .select(columns)
            .where('partner_account_key', '=', source.partnerAccountKey),
        )
        .as('staged'),
    )
    .select(columns)
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('dw.dim_status as known')
            .whereRef('known.referral_status', '=', 'staged.referral_status')
            .whereRef('known.referral_substatus', '=', 'staged.referral_substatus'),
        ),
      ),
    )
    .execute()
  return [currencies, await addStatuses(writer, pairs)]
}

/**
 * Adds the shared members that the rows of an initial load have, but for the statuses, without which
 * no row can be copied. `reader` is its transaction.
 */
export async function addCopiedMembers(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  source: Source,
): Promise<RowsWritten[]> {
  await addValues(reader, writer, source)
  return [await addCurrencies(reader, writer, source, 'dw')]
}

/**
 * Adds undocumented pairs of status and substatus. Whether such a pair is allowed is unknown. The
 * sequence gives their keys.
 */
export async function addStatuses(
  writer: Kysely<Database>,
  pairs: readonly StatusPair[],
): Promise<RowsWritten> {
  const statuses = pairs.map((pair) => pair.referral_status)
  const substatuses = pairs.map((pair) => pair.referral_substatus)
  const isOf = (status: string) => sql<boolean>`referral_status = ${sql.lit(status)}`
  const isOpen = sql<boolean>`(${isOf('New')} or ${isOf('Active')})`
  const given = sql<StatusPair>`unnest(${statuses}::text[], ${substatuses}::text[])`
  const key = ['referral_status', 'referral_substatus'] as const
  const flags = ['is_open', 'is_closed', 'is_won', 'is_lost', 'is_decided'] as const
  const add = writer
    .insertInto('dw.dim_status')
    .columns([
      ...key,
      'stage_label',
      'stage_sort',
      ...flags,
      'is_documented',
      'is_allowed_combination',
    ])
    .expression((from) =>
      from
        .selectFrom(given.as<'f'>(sql`f (referral_status, referral_substatus)`))
        .select(key)
        .select(({ lit }) => [
          // A substatus that Microsoft adds to an open status is no stage of its own.
          sql<string>`case when ${isOpen} then referral_status
            else referral_status || ' - ' || referral_substatus end`.as('stage_label'),
          sql<number>`case when ${isOf('New')} then 10 when ${isOf('Active')} then 20
            else 999 end`.as('stage_sort'),
          isOpen.as('is_open'),
          isOf('Closed').as('is_closed'),
          sql<boolean>`${isOf('Closed')} and referral_substatus = 'Won'`.as('is_won'),
          sql<boolean>`${isOf('Closed')} and referral_substatus = 'Lost'`.as('is_lost'),
          sql<boolean>`${isOf('Closed')} and referral_substatus in ('Won', 'Lost')`.as(
            'is_decided',
          ),
          lit(false).as('is_documented'),
          lit(null).as('is_allowed_combination'),
        ])
        .orderBy('referral_status')
        .orderBy('referral_substatus'),
    )
    .onConflict((on) => on.columns(key).doNothing())
  return { table: 'dw.dim_status', ...(await addAny(pairs.length, add)) }
}

/** Adds undocumented enum values, with the run that first had them. */
async function addValues(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  { partnerAccountKey, runId }: Source,
) {
  const key = ['enum_name', 'parent_value', 'enum_value'] as const
  const rows = await reader
    .selectFrom('stg.enum_value as s')
    .distinct()
    .select(['s.enum_name', 's.parent_value', 's.enum_value'])
    .where('s.partner_account_key', '=', partnerAccountKey)
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('etl.enum_value as known')
            .whereRef('known.enum_name', '=', 's.enum_name')
            .whereRef('known.parent_value', '=', 's.parent_value')
            .whereRef('known.enum_value', '=', 's.enum_value'),
        ),
      ),
    )
    .execute()
  const given = sql<(typeof rows)[number]>`unnest(${rows.map((row) => row.enum_name)}::text[],
    ${rows.map((row) => row.parent_value)}::text[], ${rows.map((row) => row.enum_value)}::text[])`
  const add = writer
    .insertInto('etl.enum_value')
    .columns([...key, 'canonical_value', 'sort_order', 'is_documented', 'first_seen_run_id'])
    .expression((from) =>
      from
        .selectFrom(given.as<'f'>(sql`f (enum_name, parent_value, enum_value)`))
        .select(key)
        .select(({ cast, lit, val }) => [
          'enum_value as canonical_value',
          lit(9999).as('sort_order'),
          lit(false).as('is_documented'),
          cast<number>(val(runId), 'bigint').as('first_seen_run_id'),
        ])
        .orderBy('enum_name')
        .orderBy('parent_value')
        .orderBy('enum_value'),
    )
    .onConflict((on) => on.columns(key).doNothing())
  await addAny(rows.length, add)
}

/** Tables of `stg` and of `dw` with amounts in a currency. */
type CurrencyTable =
  | `fact_referral${'' | '_history' | '_solution'}`
  | `fact_registration${'' | '_solution'}`
  | 'fact_microsoft_acv'

/** Adds the missing currencies of the staged rows, or of the rows in the star. */
async function addCurrencies(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  { partnerAccountKey }: Source,
  schema: 'stg' | 'dw',
): Promise<RowsWritten> {
  const rows = await reader
    .selectFrom(({ selectFrom }) => {
      const codesOf = (table: CurrencyTable) =>
        selectFrom(`${schema}.${table}`)
          .select('currency_code as code')
          .where('partner_account_key', '=', partnerAccountKey)
      const registered = selectFrom(`${schema}.fact_referral_history`)
        .select('registered_acv_currency_code as code')
        .where('partner_account_key', '=', partnerAccountKey)
      const ofSolutions = selectFrom(`${schema}.fact_microsoft_acv`)
        .select('solution_currency_code as code')
        .where('partner_account_key', '=', partnerAccountKey)
      return codesOf('fact_referral')
        .union(codesOf('fact_referral_history'))
        .union(registered)
        .union(codesOf('fact_referral_solution'))
        .union(codesOf('fact_registration'))
        .union(codesOf('fact_registration_solution'))
        .union(codesOf('fact_microsoft_acv'))
        .union(ofSolutions)
        .as('used')
    })
    .select('code')
    .where('code', 'is not', null)
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('dw.dim_currency as known').whereRef('known.currency_code', '=', 'used.code'),
        ),
      ),
    )
    .execute()
  const given = sql<{ code: string }>`unnest(${rows.map((row) => row.code)}::text[])`
  const add = writer
    .insertInto('dw.dim_currency')
    .columns(['currency_code', 'currency_name', 'minor_unit', 'is_documented'])
    .expression((from) =>
      from
        .selectFrom(given.as<'f'>(sql`f (code)`))
        .select(({ lit }) => [
          'code as currency_code',
          'code as currency_name',
          lit(2).as('minor_unit'),
          lit(false).as('is_documented'),
        ])
        .orderBy('code'),
    )
    .onConflict((on) => on.column('currency_code').doNothing())
  return { table: 'dw.dim_currency', ...(await addAny(rows.length, add)) }
}

/** Runs an insert unless it has no rows: mostly all members are known. */
async function addAny(rows: number, insert: { executeTakeFirstOrThrow(): Promise<InsertResult> }) {
  const added = rows === 0 ? undefined : await insert.executeTakeFirstOrThrow()
  return { inserted: Number(added?.numInsertedOrUpdatedRows ?? 0), updated: 0, deleted: 0 }
}
