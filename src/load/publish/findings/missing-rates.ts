import { type Expression, expressionBuilder, sql } from 'kysely'
import type { FindingRule } from '../../../finding-rules.ts'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../../warehouse/tables.generated.ts'
import { isAt, type StarAccess, type StarRows, starRows, stored } from '../star/star-access.ts'
import type { Publication } from '../star/upsert.ts'
import { asFoundNow, columnsOfRule, findingColumns, findingKey } from './finding-columns.ts'

/** The staged referrals of a run, which may be all of its account. */
export interface RunScope extends Publication {
  readonly isEverythingStaged: boolean
}

type Scope = RunScope | Pick<Publication, 'partnerAccountKey'>

/** Rule code of these findings, which `publishFindings` does not replace. */
export const missingRate = 'missing_fx_rate' satisfies FindingRule

/** A referral in scope, with the run that its findings are recorded under. */
export interface Touched {
  partner_account_key: number
  referral_key: number | null
  referral_id: string
  run_id: number
}

/** An amount in another currency than the reports, and the day whose rate it needs. */
interface Amount extends Omit<Touched, 'referral_key'> {
  item_path: string
  currency_code: string
  rate_date: string
}

/** A currency that amounts had at any time, with the last day that has a rate, or null. */
interface Held extends Pick<Touched, 'partner_account_key' | 'run_id'> {
  currency_code: string
  last_date: string | null
}

/** A finding that holds now. */
interface Wanted extends Omit<Touched, 'referral_key'> {
  item_ref: string
  detail: string
  observed_value: string | null
}

/** A finding as it is stored, and its place in the file. */
interface Stored extends Pick<Wanted, 'partner_account_key' | 'referral_id' | 'item_ref'> {
  ctid: string
}

/** Tables, and common table expressions of `refreshRateFindings`. */
type Known = Database & {
  reporting: { currency_code: string; today: string }
  touched: Touched
  amount: Amount
  missing: Amount
  held: Held
  wanted: Wanted
  old: Stored
}

const { selectFrom } = expressionBuilder<Known>()

/**
 * Updates the findings about amounts that the views cannot convert. A currency without any rate, or
 * whose last rate is too old for an amount, is one finding of the account: `referral_id` is empty
 * and `item_ref` is the currency. A day without a rate between others is a finding of its referral,
 * with amount and currency as `item_ref`. A deal value needs the rate of its closing day, otherwise
 * of the expected closing day, at the latest of today. A contract needs the rate of the day of
 * signing, otherwise of the start, otherwise of the registration, at the latest of today.
 *
 * The scope is the referrals of a run, or all referrals of an account, as in `cosell fx`.
 * Findings of other referrals stay. The finding of a currency is deleted only when all of its
 * account are in scope.
 */
export async function refreshRateFindings(
  transaction: Transaction<Database>,
  scope: Scope,
): Promise<void> {
  const access = 'runId' in scope ? scope.access : 'scan'
  const rule = columnsOfRule(missingRate)
  await transaction
    .with(
      (cte) => cte('reporting').materialized(),
      () =>
        selectFrom('etl.setting')
          .select([
            'setting_value as currency_code',
            sql<string>`(now() at time zone 'utc')::date`.as('today'),
          ])
          .where('setting_name', '=', 'reporting_currency'),
    )
    .with(
      (cte) => cte('touched').materialized(),
      () => touchedReferrals(scope),
    )
    .with(
      (cte) => stored(access, cte('amount')),
      () => amountsOf(access),
    )
    .with(
      (cte) => cte('missing').materialized(),
      () => unconverted(access),
    )
    .with(
      (cte) => cte('held').materialized(),
      () => currenciesOf(access),
    )
    .with(
      (cte) => cte('wanted').materialized(),
      () => findings(),
    )
    .with(
      (cte) => stored(access, cte('old')),
      () => oldFindings(scope),
    )
    .with('deleted', (from) =>
      from.deleteFrom('dw.fact_finding').where(
        isAt(
          selectFrom('old')
            .select('old.ctid')
            .where(({ exists, not, selectFrom }) =>
              not(
                exists(
                  selectFrom('wanted')
                    .whereRef('wanted.partner_account_key', '=', 'old.partner_account_key')
                    .whereRef('wanted.referral_id', '=', 'old.referral_id')
                    .whereRef('wanted.item_ref', '=', 'old.item_ref'),
                ),
              ),
            ),
        ),
      ),
    )
    .insertInto('dw.fact_finding')
    .columns(findingColumns)
    .expression(
      selectFrom('wanted')
        .select(['partner_account_key', 'referral_id', rule.ruleCode])
        .select(['item_ref', rule.severity, 'detail', 'observed_value'])
        .select(['run_id as first_seen_run_id', 'run_id as last_seen_run_id'])
        .orderBy('partner_account_key')
        .orderBy('referral_id')
        .orderBy('item_ref'),
    )
    .onConflict((on) => on.columns(findingKey).doUpdateSet(asFoundNow))
    .execute()
}

/** Selects the referrals in scope. */
export function touchedReferrals(scope: Scope): Expression<Touched> {
  const account = scope.partnerAccountKey
  if ('runId' in scope) {
    return selectFrom('stg.referral_key')
      .select(['partner_account_key', 'referral_key', 'referral_id'])
      .select(({ cast, val }) => cast<number>(val(scope.runId), 'bigint').as('run_id'))
      .where('partner_account_key', '=', account)
  }
  const published = selectFrom('etl.run')
    .select(({ fn }) => fn.max<number>('run_id').as('run_id'))
    .where('partner_account_key', '=', account)
    .where('run_status', '=', 'published')
    .having(({ fn }) => fn.max('run_id'), 'is not', null)
  return selectFrom('dw.dim_referral as known')
    .crossJoin(published.as('published'))
    .select(['known.partner_account_key', 'known.referral_key', 'known.referral_id'])
    .select('published.run_id')
    .where('known.partner_account_key', '=', account)
}

/** Selects all findings of an account, or in a run those of the staged referrals. */
function oldFindings(scope: Scope): Expression<Stored> {
  const columns = ['old.partner_account_key', 'old.referral_id', 'old.item_ref'] as const
  const ctid = sql<string>`old.ctid`.as('ctid')
  if (!('runId' in scope) || scope.isEverythingStaged) {
    return selectFrom('dw.fact_finding as old')
      .select([ctid, ...columns])
      .where('old.partner_account_key', '=', scope.partnerAccountKey)
      .where('old.rule_code', '=', missingRate)
  }
  const isAboutReferral = sql`old.partner_account_key = touched.partner_account_key
    and old.referral_id = touched.referral_id`
  const known = starRows(scope.access, ['dw.fact_finding', 'old'], isAboutReferral)
  return selectFrom('touched')
    .innerJoin(known.rows, (join) => join.on(known.on))
    .select([ctid, ...columns])
    .where('old.rule_code', '=', missingRate)
}

/** Returns the rows of the touched referrals, to join. */
export function starTouched<T extends TableName, A extends string>(
  access: StarAccess,
  [table, alias]: readonly [T, A],
): StarRows<T, A> {
  const isOfReferral = sql`${sql.ref(`${alias}.referral_key`)} = touched.referral_key`
  const isOfAccount = sql`${sql.ref(`${alias}.partner_account_key`)} = touched.partner_account_key`
  return starRows(access, [table, alias], isOfReferral, isOfAccount)
}

/**
 * Condition: an amount is in another currency than the reports, which is read once. No rate can be
 * loaded for an amount without a currency, XXX.
 */
const isConverted = (table: string) =>
  sql<boolean>`${sql.ref(`${table}.currency_code`)} not in (${selectFrom('reporting').select('currency_code')}, 'XXX')`

const zero = sql<string>`0`

/**
 * Amounts that are not in the reporting currency, with the day whose rate they need. Zeros need no
 * rate. The lines of a contract need the rate of its day, mostly in its currency.
 */
function amountsOf(access: StarAccess): Expression<Amount> {
  const today = selectFrom('reporting').select('today')
  const fact = starTouched(access, ['dw.fact_referral', 'fact'])
  const contract = starTouched(access, ['dw.fact_registration', 'contract'])
  const line = starTouched(access, ['dw.fact_registration_solution', 'line'])
  const columns = ['touched.partner_account_key', 'touched.run_id', 'touched.referral_id'] as const
  const deals = selectFrom('touched')
    .innerJoin(fact.rows, (join) => join.on(fact.on))
    .select(columns)
    .select(({ fn }) => [
      sql<string>`'details.dealValue'`.as('item_path'),
      'fact.currency_code',
      fn<string>('least', [fn.coalesce('fact.closed_date', 'fact.expected_close_date'), today]).as(
        'rate_date',
      ),
    ])
    .where('fact.deal_value_amount', '<>', zero)
    .where(isConverted('fact'))
  const contracts = selectFrom('touched')
    .innerJoin(contract.rows, (join) => join.on(contract.on))
    .select(columns)
    .select(({ fn }) => [
      sql<string>`'registrations[' || contract.registration_no || ']'`.as('item_path'),
      'contract.currency_code',
      fn<string>('least', [
        fn.coalesce(
          'contract.contract_sign_date',
          'contract.contract_start_date',
          'contract.registered_date',
        ),
        today,
      ]).as('rate_date'),
    ])
    .where('contract.contract_value_amount', '<>', zero)
    .where(isConverted('contract'))
  const lines = selectFrom('touched')
    .innerJoin(line.rows, (join) => join.on(line.on))
    .select(columns)
    .select(({ fn }) => [
      sql<string>`'registrations[' || line.registration_no || ']'`.as('item_path'),
      'line.currency_code',
      fn<string>('least', [
        fn.coalesce('line.contract_sign_date', 'line.contract_start_date', 'line.registered_date'),
        today,
      ]).as('rate_date'),
    ])
    .where('line.solution_value_amount', '<>', zero)
    .where(isConverted('line'))
  return deals.unionAll(contracts).unionAll(lines)
}

/** Selects the amounts without a rate of their day, each once. */
function unconverted(access: StarAccess): Expression<Amount> {
  const isRateOfDay = sql`rate.currency_code = amount.currency_code
    and rate.rate_date = amount.rate_date`
  const rate = starRows(access, ['dw.fx_rate', 'rate'], isRateOfDay)
  return selectFrom('amount')
    .leftJoin(rate.rows, (join) => join.on(rate.on))
    .distinct()
    .select(['amount.partner_account_key', 'amount.run_id', 'amount.referral_id'])
    .select(['amount.item_path', 'amount.currency_code', 'amount.rate_date'])
    .where('rate.currency_code', 'is', null)
}

/** Currencies that amounts had at any time, with the last day that has a rate, or null. */
function currenciesOf(access: StarAccess): Expression<Held> {
  const version = starTouched(access, ['dw.fact_referral_history', 'version'])
  const used = selectFrom('missing')
    .select(['partner_account_key', 'run_id', 'currency_code'])
    .union(
      selectFrom('touched')
        .innerJoin(version.rows, (join) => join.on(version.on))
        .select(['touched.partner_account_key', 'touched.run_id', 'version.currency_code'])
        .where('version.deal_value_amount', '<>', zero)
        .where(isConverted('version')),
    )
  return selectFrom(used.as('used'))
    .select(['used.partner_account_key', 'used.run_id', 'used.currency_code'])
    .select(({ selectFrom }) =>
      selectFrom('dw.fx_rate as rate')
        .select(({ fn }) => fn.max<string | null>('rate.rate_date').as('last_date'))
        .whereRef('rate.currency_code', '=', 'used.currency_code')
        .as('last_date'),
    )
}

/** Selects the findings of currencies, then those of days. */
function findings(): Expression<Wanted> {
  const needed = selectFrom('missing')
    .select(['partner_account_key', 'currency_code'])
    .select(({ fn }) => fn.max<string>('rate_date').as('last_date'))
    .groupBy(['partner_account_key', 'currency_code'])
  const currencies = selectFrom('held')
    .leftJoin('dw.dim_currency as currency', 'currency.currency_code', 'held.currency_code')
    .leftJoin(needed.as('needed'), (join) =>
      join
        .onRef('needed.partner_account_key', '=', 'held.partner_account_key')
        .onRef('needed.currency_code', '=', 'held.currency_code'),
    )
    .select(['held.partner_account_key', 'held.run_id', sql.lit('').as('referral_id')])
    .select([
      'held.currency_code as item_ref',
      sql<string>`case
        when needed.last_date > currency.ecb_last_quoted_date
          then 'the ECB stopped quoting it after ' || currency.ecb_last_quoted_date
            || ', so its amounts are not converted; load rates of your own with cosell fx'
        when held.last_date is null
          then 'no rate is loaded, so its amounts are not converted; run cosell fx'
        else 'its rates end before some of its amounts, which are not converted; run cosell fx'
      end`.as('detail'),
      sql<string | null>`held.last_date::text`.as('observed_value'),
    ])
    .where((is) =>
      is.or([
        is('held.last_date', 'is', null),
        is('needed.last_date', '>', is.ref('held.last_date')),
      ]),
    )
  const days = selectFrom('missing')
    .innerJoin('held', (join) =>
      join
        .onRef('held.partner_account_key', '=', 'missing.partner_account_key')
        .onRef('held.currency_code', '=', 'missing.currency_code'),
    )
    .select(['missing.partner_account_key', 'missing.run_id', 'missing.referral_id'])
    .select([
      sql<string>`missing.item_path || '/' || missing.currency_code`.as('item_ref'),
      sql<string>`'not converted: there is no rate for its day'`.as('detail'),
      sql<string | null>`missing.rate_date::text`.as('observed_value'),
    ])
    .whereRef('missing.rate_date', '<=', 'held.last_date')
  return currencies.unionAll(days)
}
