import { expressionBuilder, sql } from 'kysely'
import type { FindingRule } from '../../../finding-rules.ts'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { isAt, type StarAccess, starRows, stored } from '../star/star-access.ts'
import type { Publication } from '../star/upsert.ts'
import { asFoundNow, columnsOfRule, findingColumns, findingKey } from './finding-columns.ts'
import { type RunScope, starTouched, type Touched, touchedReferrals } from './missing-rates.ts'

/** Rule code of these findings, which `publishFindings` does not replace. */
export const acvBelowMinimum = 'acv_below_minimum' satisfies FindingRule

interface Contract extends Touched {
  readonly item_ref: string
  readonly currency_code: string | null
  readonly acv: string
  readonly rate_date: string
}

/** Tables, and common table expressions of `refreshMinimumFindings`. */
type Known = Database & {
  limits: { minimum: string; today: string }
  touched: Touched
  contract: Contract
  below: Contract & { detail: string }
  old: { ctid: string; referral_id: string; item_ref: string }
}

const { selectFrom } = expressionBuilder<Known>()

/** Read once, as a value: a join would compare the contracts with it row by row. */
const minimum = selectFrom('limits').select('minimum')
const today = selectFrom('limits').select('today')

/**
 * Updates the findings about contracts whose annual value is below the minimum of the programme, which
 * is in US dollars. Another currency is compared at the rates of the day of signing, else of the
 * start, else of the registration, at the latest of today. A currency without a rate for that day is
 * not compared. The scope is the referrals of a run, or all of an account, as in `cosell fx`.
 */
export async function refreshMinimumFindings(
  transaction: Transaction<Database>,
  scope: RunScope | Pick<Publication, 'partnerAccountKey'>,
): Promise<void> {
  const access = 'runId' in scope ? scope.access : 'scan'
  const rule = columnsOfRule(acvBelowMinimum)
  await transaction
    .with(
      (cte) => cte('limits').materialized(),
      (from) =>
        from
          .selectFrom('etl.setting')
          .select([
            sql<string>`setting_value::numeric`.as('minimum'),
            sql<string>`(now() at time zone 'utc')::date`.as('today'),
          ])
          .where('setting_name', '=', 'acv_minimum_usd'),
    )
    .with(
      (cte) => cte('touched').materialized(),
      () => touchedReferrals(scope),
    )
    .with(
      (cte) => cte('contract').materialized(),
      () => touchedContracts(access),
    )
    .with(
      (cte) => cte('below').materialized(),
      () => contractsBelow(access),
    )
    .with(
      (cte) => stored(access, cte('old')),
      () => oldFindings(access),
    )
    .with('deleted', (from) =>
      from.deleteFrom('dw.fact_finding').where(
        isAt(
          selectFrom('old')
            .select('old.ctid')
            .where(({ exists, not, selectFrom }) =>
              not(
                exists(
                  selectFrom('below')
                    .whereRef('below.referral_id', '=', 'old.referral_id')
                    .whereRef('below.item_ref', '=', 'old.item_ref'),
                ),
              ),
            ),
        ),
      ),
    )
    .insertInto('dw.fact_finding')
    .columns(findingColumns)
    .expression(
      selectFrom('below')
        .select(['partner_account_key', 'referral_id', rule.ruleCode])
        .select(['item_ref', rule.severity, 'detail'])
        .select(sql<string>`trim_scale(acv)::text`.as('observed_value'))
        .select(['run_id as first_seen_run_id', 'run_id as last_seen_run_id'])
        .orderBy('referral_id')
        .orderBy('item_ref'),
    )
    .onConflict((on) => on.columns(findingKey).doUpdateSet(asFoundNow))
    .execute()
}

/** Selects the contracts of the referrals in scope, with the day of their rate. */
function touchedContracts(access: StarAccess) {
  const fact = starTouched(access, ['dw.fact_registration', 'fact'])
  return selectFrom('touched')
    .innerJoin(fact.rows, (join) => join.on(fact.on))
    .select(['touched.partner_account_key', 'touched.referral_id', 'touched.run_id'])
    .select(({ fn }) => [
      sql<string>`'registrations[' || fact.registration_no || ']'`.as('item_ref'),
      'fact.currency_code',
      'fact.contract_acv_amount as acv',
      fn<string>('least', [
        fn.coalesce('fact.contract_sign_date', 'fact.contract_start_date', 'fact.registered_date'),
        today,
      ]).as('rate_date'),
    ])
    .where('fact.contract_acv_amount', 'is not', null)
}

/** Selects the findings of the referrals in scope. */
function oldFindings(access: StarAccess) {
  const isAboutTouched = sql`old.partner_account_key = touched.partner_account_key
    and old.referral_id = touched.referral_id`
  const known = starRows(access, ['dw.fact_finding', 'old'], isAboutTouched)
  return selectFrom('touched')
    .innerJoin(known.rows, (join) => join.on(known.on))
    .select([sql<string>`old.ctid`.as('ctid'), 'old.referral_id', 'old.item_ref'])
    .where('old.rule_code', '=', acvBelowMinimum)
}

/** Selects the contracts whose value, at the rates of their day, is below the minimum. */
function contractsBelow(access: StarAccess) {
  const rate = starRows(
    access,
    ['dw.fx_rate', 'rate'],
    sql`rate.currency_code = contract.currency_code
      and rate.rate_date = contract.rate_date`,
  )
  const dollar = starRows(
    access,
    ['dw.fx_rate', 'dollar'],
    sql`dollar.currency_code = 'USD'
      and dollar.rate_date = contract.rate_date`,
  )
  return (
    selectFrom('contract')
      .leftJoin(rate.rows, (join) => join.on(rate.on))
      .leftJoin(dollar.rows, (join) => join.on(dollar.on))
      .selectAll('contract')
      .select(
        sql<string>`'below the minimum of the programme, ' || ${minimum} || ' USD a year'
          || case contract.currency_code
            when 'USD' then ''
            else '; in ' || contract.currency_code || ', at the rate of ' || contract.rate_date
          end`.as('detail'),
      )
      // Multiplied out, so that no quotient is rounded.
      .where(
        sql<boolean>`case contract.currency_code
          when 'USD' then contract.acv < ${minimum}
          else contract.acv * rate.reporting_units * dollar.currency_units
            < ${minimum} * rate.currency_units * dollar.reporting_units
        end`,
      )
  )
}
