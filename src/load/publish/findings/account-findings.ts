import { expressionBuilder, sql } from 'kysely'
import { type FindingRule, findingRules } from '../../../finding-rules.ts'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { unknownPrincipal } from '../../runs/ledger.ts'
import { type StarAccess, starRows } from '../star/star-access.ts'
import type { Publication } from '../star/upsert.ts'
import { columnsOfRule, findingColumns, findingKey, isAboutReferral } from './finding-columns.ts'

/** Tables, and common table expressions of `countReferrals`. */
type Known = Database & { change: { rule_code: string; item_ref: string; referrals: number } }

const { selectFrom } = expressionBuilder<Known>()

/** `item_ref` of an enum value; the parent is empty for an enum without parents. */
const valueRef = sql<string>`enum_name || '/' || parent_value || '/' || enum_value`

/**
 * Adds values of all versions of a referral: history keeps a value that later versions do not have.
 */
export async function addUnknownValues(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId }: Publication,
) {
  const rule = columnsOfRule('unknown_enum_value')
  await transaction
    .insertInto('dw.fact_finding')
    .columns(findingColumns)
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('stg.enum_value')
        .distinct()
        .select([
          cast<number>(val(partnerAccountKey), 'integer').as('partner_account_key'),
          sql.lit('').as('referral_id'),
          rule.ruleCode,
          valueRef.as('item_ref'),
          rule.severity,
          sql<string>`'loaded as it is, though not a documented ' || enum_name`.as('detail'),
          'enum_value as observed_value',
          cast<number>(val(runId), 'bigint').as('first_seen_run_id'),
          cast<number>(val(runId), 'bigint').as('last_seen_run_id'),
        ])
        .where('partner_account_key', '=', partnerAccountKey)
        .orderBy('item_ref'),
    )
    .onConflict((on) =>
      on
        .columns(findingKey)
        .doUpdateSet(({ ref }) => ({ last_seen_run_id: ref('excluded.last_seen_run_id') })),
    )
    .execute()
}

/** Deletes values that became documented, or that no version has under the present rules. */
export async function deleteKnownValues(
  transaction: Transaction<Database>,
  { partnerAccountKey }: Publication,
) {
  await transaction
    .deleteFrom('dw.fact_finding as old')
    .where('old.partner_account_key', '=', partnerAccountKey)
    .where('old.referral_id', '=', '')
    .where('old.rule_code', '=', 'unknown_enum_value')
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('stg.enum_value')
            .where('partner_account_key', '=', partnerAccountKey)
            .whereRef(valueRef, '=', 'old.item_ref'),
        ),
      ),
    )
    .execute()
}

/**
 * Rules about what the source does rather than about one referral: beside the findings of the
 * referrals, the account has one for each property, with the number of referrals.
 */
const countedRules = [
  'object_instead_of_list',
  'time_without_zone',
  'unmapped_property',
] as const satisfies FindingRule[]

/**
 * Updates the number of referrals with each finding of `countedRules` by the difference that the
 * staged ones make, so that a small run in a large warehouse counts few rows.
 */
export async function countReferrals(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId, access }: Publication,
) {
  await transaction
    .with(
      (cte) => cte('change').materialized(),
      () => changedCounts(partnerAccountKey, access),
    )
    .with(
      (cte) => cte('counted').materialized(),
      () => newCounts(partnerAccountKey),
    )
    .with('gone', (from) =>
      from
        .deleteFrom('dw.fact_finding as old')
        .where('old.partner_account_key', '=', partnerAccountKey)
        .where('old.referral_id', '=', '')
        .where((is) =>
          is(
            is.refTuple('old.rule_code', 'old.item_ref'),
            'in',
            is
              .selectFrom('counted')
              .select(['rule_code', 'item_ref'])
              .where('referrals', '=', sql.lit(0))
              .$asTuple('rule_code', 'item_ref'),
          ),
        ),
    )
    .insertInto('dw.fact_finding')
    .columns(findingColumns)
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('counted')
        .select([
          cast<number>(val(partnerAccountKey), 'integer').as('partner_account_key'),
          sql.lit('').as('referral_id'),
          'rule_code',
          'item_ref',
          sql.lit(findingRules.unmapped_property.severity).as('severity'),
          sql<string>`case rule_code
            when 'object_instead_of_list' then 'one object instead of a list in '
            when 'time_without_zone' then 'without a zone or a time in '
            else 'without a column in '
          end || referrals || ' referrals'`.as('detail'),
          sql<string>`referrals::text`.as('observed_value'),
          cast<number>(val(runId), 'bigint').as('first_seen_run_id'),
          cast<number>(val(runId), 'bigint').as('last_seen_run_id'),
        ])
        .where('referrals', '<>', sql.lit(0))
        .orderBy('rule_code')
        .orderBy('item_ref'),
    )
    .onConflict((on) =>
      on.columns(findingKey).doUpdateSet(({ ref }) => ({
        detail: ref('excluded.detail'),
        observed_value: ref('excluded.observed_value'),
        last_seen_run_id: ref('excluded.last_seen_run_id'),
      })),
    )
    .execute()
}

/** Selects by how many referrals the counts change: the staged ones without what they had. */
function changedCounts(partnerAccountKey: number, access: StarAccess) {
  const known = starRows(access, ['dw.fact_finding', 'old'], isAboutReferral)
  const counts = selectFrom('stg.referral_key as k')
    .innerJoin(known.rows, (join) => join.on(known.on))
    .select(['old.rule_code', 'old.item_ref', sql<number>`-1`.as('referrals')])
    .where('k.partner_account_key', '=', partnerAccountKey)
    .where('old.rule_code', 'in', countedRules)
    .unionAll(
      selectFrom('stg.dq_finding')
        .select(['rule_code', 'item_ref'])
        .select(({ fn }) => fn.count<number>('referral_id').distinct().as('referrals'))
        .where('partner_account_key', '=', partnerAccountKey)
        .where('rule_code', 'in', countedRules)
        .groupBy(['rule_code', 'item_ref']),
    )
  return selectFrom(counts.as('counts'))
    .select(['rule_code', 'item_ref'])
    .select(({ fn }) => fn.sum<number>('referrals').as('referrals'))
    .groupBy(['rule_code', 'item_ref'])
    .having(({ fn }) => fn.sum<number>('referrals'), '<>', sql.lit(0))
}

/** Selects the changed counts as they are now. */
function newCounts(partnerAccountKey: number) {
  const old = selectFrom('dw.fact_finding')
    .select(['rule_code', 'item_ref', 'observed_value'])
    .where('partner_account_key', '=', partnerAccountKey)
    .where('referral_id', '=', '')
    .where('rule_code', 'in', countedRules)
  return selectFrom('change')
    .leftJoin(old.as('old'), (join) =>
      join
        .onRef('old.rule_code', '=', 'change.rule_code')
        .onRef('old.item_ref', '=', 'change.item_ref'),
    )
    .select(['change.rule_code', 'change.item_ref'])
    .select(sql<number>`change.referrals + coalesce(old.observed_value::bigint, 0)`.as('referrals'))
}

/** Principals differ in their first characters. */
const shortPrincipal = sql<string>`left(principal, 8)`

/**
 * Reports, after a complete full read, that some referrals of the account were never visible to its
 * principal: they cannot be found missing, and their changes are not read. There is one finding,
 * about the principal of the latest full read.
 */
export async function compareVisibility(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId }: Publication,
) {
  const rule = columnsOfRule('principal_sees_fewer')
  await transaction
    .with(
      (cte) => cte('full_read').materialized(),
      (from) =>
        from
          .selectFrom('etl.run')
          .select(({ fn }) => fn.coalesce('principal', sql.lit(unknownPrincipal)).as('principal'))
          .where('run_id', '=', runId)
          .where('is_complete', '=', sql.lit(true)),
    )
    .with(
      (cte) => cte('compared').materialized(),
      (from) => {
        const principal = from.selectFrom('full_read').select('principal').$asScalar().$notNull()
        return from
          .selectFrom('dw.dim_referral as known')
          .leftJoin('etl.principal_referral as shown', (join) =>
            join
              .onRef('shown.partner_account_key', '=', 'known.partner_account_key')
              .on('shown.principal', '=', principal)
              .onRef('shown.referral_id', '=', 'known.referral_id'),
          )
          .select(({ fn }) => [
            principal.as('principal'),
            fn.count<number>('shown.referral_id').as('shown_count'),
            fn.countAll<number>().as('known_count'),
          ])
          .where('known.partner_account_key', '=', partnerAccountKey)
          .where('known.is_missing', '=', sql.lit(false))
          .where(({ exists }) => exists(from.selectFrom('full_read')))
          .having(
            ({ fn }) => fn.count<number>('shown.referral_id'),
            '<',
            ({ fn }) => fn.countAll<number>(),
          )
      },
    )
    .with('gone', (from) =>
      from
        .deleteFrom('dw.fact_finding as old')
        .where(({ exists }) => exists(from.selectFrom('full_read')))
        .where('old.partner_account_key', '=', partnerAccountKey)
        .where('old.referral_id', '=', '')
        .where('old.rule_code', '=', 'principal_sees_fewer')
        .where(
          'old.item_ref',
          'not in',
          from.selectFrom('compared').select(shortPrincipal.as('principal')),
        ),
    )
    .insertInto('dw.fact_finding')
    .columns(findingColumns)
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('compared').select([
        cast<number>(val(partnerAccountKey), 'integer').as('partner_account_key'),
        sql.lit('').as('referral_id'),
        rule.ruleCode,
        shortPrincipal.as('item_ref'),
        rule.severity,
        sql
          .lit(
            'expected to see every known referral; a Referrals admin of the entire company must sign in',
          )
          .as('detail'),
        sql<string>`shown_count || ' of ' || known_count`.as('observed_value'),
        cast<number>(val(runId), 'bigint').as('first_seen_run_id'),
        cast<number>(val(runId), 'bigint').as('last_seen_run_id'),
      ]),
    )
    .onConflict((on) =>
      on.columns(findingKey).doUpdateSet(({ ref }) => ({
        observed_value: ref('excluded.observed_value'),
        last_seen_run_id: ref('excluded.last_seen_run_id'),
      })),
    )
    .execute()
}
