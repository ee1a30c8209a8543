import { expressionBuilder, type InsertResult, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'
import type { StageTable } from '../staging/stage-tables.ts'
import { publishSellers } from './members/publish-sellers.ts'
import { starRows, stored } from './star/star-access.ts'
import {
  mayHaveRows,
  nothingWritten,
  type Publication,
  type RowsWritten,
  sharedColumns,
  upsertChanged,
} from './star/upsert.ts'
import { stepNames } from './steps.ts'

/**
 * Adds the missing rows of the dimensions of an account, and updates referrals and solutions. The
 * members that accounts share are there already, see `addStagedMembers`. Afterwards
 * `stg.referral_key` has the keys of every staged referral.
 */
export async function publishDimensions(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten[]> {
  const has = (stage: StageTable) => mayHaveRows(publication, stage)
  const written = [
    has('stg.dim_tag') ? await addTags(transaction, publication) : nothingWritten('dw.dim_tag'),
    // People may have been erased since, whatever is staged.
    await publishSellers(transaction, publication),
    has('stg.dim_customer')
      ? await addCustomers(transaction, publication)
      : nothingWritten('dw.dim_customer'),
    has('stg.dim_solution')
      ? await upsertSolutions(transaction, publication)
      : nothingWritten('dw.dim_solution'),
  ]
  if (!has('stg.dim_referral')) return [...written, nothingWritten('dw.dim_referral')]
  written.push(await upsertReferrals(transaction, publication))
  publication.announce?.(stepNames.keys)
  await findReferralKeys(transaction, publication)
  return written
}

/** Expression: the API's documentation has the value of a tag. */
export function isDocumented(tag: 's' | 't') {
  const { exists, ref, selectFrom } = expressionBuilder<Tagged, 's' | 't'>()
  const group = ref(`${tag}.tag_group`)
  const plural = sql<string>`case ${group} when 'Industry' then 'Industries' else ${group} || 's' end`
  return exists(
    selectFrom('etl.enum_value as known')
      .where('known.is_documented', '=', sql.lit(true))
      .whereRef('known.enum_value', '=', `${tag}.tag_id`)
      .where('known.enum_name', 'in', [ref(`${tag}.tag_type`), plural]),
  )
}

/** Tags of the stage, and those of the star. */
type Tagged = Database & Record<'s' | 't', Pick<Database['stg.dim_tag'], (typeof tagKey)[number]>>

const tagKey = ['partner_account_key', 'tag_group', 'tag_type', 'tag_id'] as const

async function addTags(transaction: Transaction<Database>, publication: Publication) {
  publication.announce?.('dw.dim_tag')
  const added = await transaction
    .insertInto('dw.dim_tag')
    .columns([...tagKey, 'is_documented', 'created_run_id'])
    .expression(({ selectFrom }) =>
      selectFrom((staged) =>
        staged
          .selectFrom('stg.dim_tag')
          .distinct()
          .select(tagKey)
          .where('partner_account_key', '=', publication.partnerAccountKey)
          .as('s'),
      )
        .select(tagKey)
        .select(({ cast, val }) => [
          isDocumented('s').as('is_documented'),
          cast<number>(val(publication.runId), 'bigint').as('created_run_id'),
        ])
        .where(({ exists, not }) =>
          not(
            exists((known) =>
              known
                .selectFrom('dw.dim_tag as known')
                .whereRef('known.partner_account_key', '=', 's.partner_account_key')
                .whereRef('known.tag_group', '=', 's.tag_group')
                .whereRef('known.tag_type', '=', 's.tag_type')
                .whereRef('known.tag_id', '=', 's.tag_id'),
            ),
          ),
        )
        .orderBy('s.tag_group')
        .orderBy('s.tag_type')
        .orderBy('s.tag_id'),
    )
    .onConflict((on) => on.columns(tagKey).doNothing())
    .executeTakeFirstOrThrow()
  return inserted('dw.dim_tag', added)
}

async function addCustomers(transaction: Transaction<Database>, publication: Publication) {
  publication.announce?.('dw.dim_customer')
  const values = sharedColumns('dw.dim_customer', 'stg.dim_customer', publication)
  const known = starRows(
    publication.access,
    ['dw.dim_customer', 'known'],
    sql`known.partner_account_key = s.partner_account_key
      and known.profile_hash = s.profile_hash`,
  )
  const added = await transaction
    .insertInto('dw.dim_customer')
    .columns([...values.keys()])
    .expression(({ selectFrom }) =>
      selectFrom('stg.dim_customer as s')
        .leftJoin(known.rows, (join) => join.on(known.on))
        .distinctOn('s.profile_hash')
        .select([...values].map(([column, value]) => value.as(column)))
        .where('s.partner_account_key', '=', publication.partnerAccountKey)
        .where('known.customer_key', 'is', null)
        .orderBy('s.profile_hash'),
    )
    .onConflict((on) => on.columns(['partner_account_key', 'profile_hash']).doNothing())
    .executeTakeFirstOrThrow()
  return inserted('dw.dim_customer', added)
}

/**
 * Inserts or updates one row for each solution. Among the rows of all referrals about a solution, a
 * stated name comes before none, then the latest source time, then the hash. That is a total order,
 * so the result does not depend on the order of the referrals.
 */
export async function upsertSolutions(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten> {
  publication.announce?.('dw.dim_solution')
  const values = sharedColumns('dw.dim_solution', 'stg.dim_solution', publication)
  const columns = [...values.keys()]
  const key: readonly string[] = [...solutionKey, 'created_run_id']
  const updated = columns.filter((name) => !key.includes(name))
  const { inserted, updated: changed } = await transaction
    .with('best', (from) =>
      from
        .selectFrom('stg.dim_solution')
        .distinctOn(['item_kind', 'solution_id'])
        .select(tables['stg.dim_solution'].columns)
        .where('partner_account_key', '=', publication.partnerAccountKey)
        .orderBy('item_kind')
        .orderBy('solution_id')
        .orderBy(sql`solution_name <> '(Not provided)'`, 'desc')
        .orderBy('source_updated_at', 'desc')
        .orderBy('row_hash', 'desc'),
    )
    .with('written', (from) =>
      from
        .insertInto('dw.dim_solution')
        .columns(columns)
        .expression(({ selectFrom }) =>
          selectFrom('best as s')
            .leftJoin('dw.dim_solution as old', (join) =>
              join
                .onRef('old.partner_account_key', '=', 's.partner_account_key')
                .onRef('old.item_kind', '=', 's.item_kind')
                .onRef('old.solution_id', '=', 's.solution_id'),
            )
            .select([...values].map(([column, value]) => value.as(column)))
            .where((is) =>
              is.or([
                is('old.solution_key', 'is', null),
                sql<boolean>`${rankOf('s')} > ${rankOf('old')}`,
              ]),
            )
            .orderBy('s.item_kind')
            .orderBy('s.solution_id'),
        )
        .onConflict((on) =>
          on
            .columns(solutionKey)
            .doUpdateSet(({ ref }) =>
              Object.fromEntries(updated.map((name) => [name, ref(`excluded.${name}`)])),
            ),
        )
        .returning((is) =>
          is('dw.dim_solution.created_run_id', '=', publication.runId).as('is_new'),
        ),
    )
    .selectFrom('written')
    .select([
      sql<number>`count(*) filter (where is_new)`.as('inserted'),
      sql<number>`count(*) filter (where not is_new)`.as('updated'),
    ])
    .executeTakeFirstOrThrow()
  return { table: 'dw.dim_solution', inserted, updated: changed, deleted: 0 }
}

const solutionKey = ['partner_account_key', 'item_kind', 'solution_id'] as const

/** Rank of a row among those about one solution. */
const rankOf = (row: 's' | 'old') => sql`(${sql.ref(`${row}.solution_name`)} <> '(Not provided)',
  ${sql.ref(`${row}.source_updated_at`)}, ${sql.ref(`${row}.row_hash`)})`

function upsertReferrals(transaction: Transaction<Database>, publication: Publication) {
  const target = 'dw.dim_referral'
  publication.announce?.(target)
  const stage = 'stg.dim_referral'
  const plan = {
    target,
    stage,
    key: ['partner_account_key', 'referral_id'],
    rows: transaction
      .selectFrom(stage)
      .select(tables[stage].columns)
      .where('partner_account_key', '=', publication.partnerAccountKey),
    values: sharedColumns(target, stage, publication),
    joins: [],
    keyJoins: [],
  } as const
  return upsertChanged(transaction, plan, publication)
}

/** Fills `stg.referral_key` with every staged referral: the checks examine the referrals in it. */
async function findReferralKeys(transaction: Transaction<Database>, publication: Publication) {
  const { access, partnerAccountKey } = publication
  const referral = starRows(
    access,
    ['dw.dim_referral', 'referral'],
    sql`referral.partner_account_key = s.partner_account_key
      and referral.referral_id = s.referral_id`,
  )
  const customer = starRows(
    access,
    ['dw.dim_customer', 'customer'],
    sql`customer.partner_account_key = s.partner_account_key
      and customer.profile_hash = s.profile_hash`,
  )
  const columns = ['partner_account_key', 'referral_no', 'referral_id'] as const
  await transaction
    .with(
      (cte) => stored(access, cte('staged')),
      (from) =>
        from
          .selectFrom('stg.dim_referral as s')
          .leftJoin('stg.fact_referral as fact', (join) =>
            join
              .onRef('fact.partner_account_key', '=', 's.partner_account_key')
              .onRef('fact.referral_no', '=', 's.referral_no'),
          )
          .select(['s.partner_account_key', 's.referral_no', 's.referral_id', 'fact.profile_hash'])
          .where('s.partner_account_key', '=', partnerAccountKey),
    )
    .insertInto('stg.referral_key')
    .columns([...columns, 'referral_key', 'customer_key'])
    .expression(({ selectFrom }) =>
      selectFrom('staged as s')
        .innerJoin(referral.rows, (join) => join.on(referral.on))
        .leftJoin(customer.rows, (join) => join.on(customer.on))
        .select(['s.partner_account_key', 's.referral_no', 's.referral_id'])
        .select(['referral.referral_key', 'customer.customer_key']),
    )
    .execute()
}

function inserted(table: TableName, { numInsertedOrUpdatedRows }: InsertResult): RowsWritten {
  return { table, inserted: Number(numInsertedOrUpdatedRows ?? 0), updated: 0, deleted: 0 }
}
