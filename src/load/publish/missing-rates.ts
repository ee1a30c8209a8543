import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../warehouse/tables.generated.ts'
import { joinStar, type StarAccess, storedFor } from './star/star-access.ts'
import type { Publication } from './star/upsert.ts'

/** The staged referrals of a run, which may be all of its account. */
interface RunScope extends Publication {
  readonly isEverythingStaged: boolean
}

/** Rule code of these findings, which `publishFindings` does not replace. */
export const missingRate = 'missing_fx_rate'

/**
 * Updates the findings about amounts that the views cannot convert. A currency without any rate, or
 * whose last rate is too old for an amount, is one finding of the account: `referral_id` is empty
 * and `item_ref` is the currency. A day without a rate between others is a finding of its referral,
 * with amount and currency as `item_ref`. A deal value needs the rate of its closing day, otherwise
 * of the expected closing day, at the latest of today. A contract needs the rate of the day of
 * signing, otherwise of the start, otherwise of the registration.
 *
 * The scope is the referrals of a run, or all referrals of an account, as in `cosell fx`.
 * Findings of other referrals stay. The finding of a currency is deleted only when all of its
 * account are in scope.
 */
export async function refreshRateFindings(
  transaction: Transaction<Database>,
  scope: RunScope | Pick<Publication, 'partnerAccountKey'>,
): Promise<void> {
  const account = scope.partnerAccountKey
  const isRunScope = 'runId' in scope
  const touched = isRunScope
    ? sql`
      select partner_account_key, referral_key, referral_id, ${scope.runId}::bigint as run_id
      from stg.referral_key
      where partner_account_key = ${account}`
    : sql`
      select known.partner_account_key, known.referral_key, known.referral_id, published.run_id
      from dw.dim_referral known
      cross join (
        select max(run_id) as run_id
        from etl.run
        where partner_account_key = ${account} and run_status = 'published'
        having max(run_id) is not null
      ) published
      where known.partner_account_key = ${account}`
  const access = isRunScope ? scope.access : 'scan'
  const deletable = isRunScope ? oldFindings(scope) : ofAccount(account)
  await sql`
    with reporting as materialized (
      select setting_value as currency_code, (now() at time zone 'utc')::date as today
      from etl.setting
      where setting_name = 'reporting_currency'
    ),
    touched as materialized (${touched}
    ),
    amount as ${storedFor(access)} (${amountsOf(access)}
    ),
    missing as materialized (
      select distinct amount.partner_account_key, amount.run_id, amount.referral_id, amount.item_path,
        amount.currency_code, amount.rate_date
      from amount
      ${joinStar(access, 'left join', ['dw.fx_rate', 'rate'], isRateOfDay)}
      where rate.currency_code is null
    ),
    held as materialized (${currenciesOf(access)}
    ),
    wanted as materialized (${findings}
    ),
    old as ${storedFor(access)} (
      select old.ctid, old.partner_account_key, old.referral_id, old.item_ref
      from ${deletable}
        and old.rule_code = ${missingRate}
    ),
    deleted as (
      delete from etl.dq_finding
      where ctid = any(array(
        select old.ctid
        from old
        where not exists (
            select 1 from wanted
            where wanted.partner_account_key = old.partner_account_key
              and wanted.referral_id = old.referral_id
              and wanted.item_ref = old.item_ref)))
    )
    insert into etl.dq_finding as old
      (partner_account_key, referral_id, rule_code, item_ref, severity, detail, observed_value,
        first_seen_run_id, last_seen_run_id)
    select partner_account_key, referral_id, ${missingRate}, item_ref, 'warn', detail,
      observed_value, run_id, run_id
    from wanted
    order by partner_account_key, referral_id, item_ref
    on conflict (partner_account_key, referral_id, rule_code, item_ref) do update
      set severity = excluded.severity,
          detail = excluded.detail,
          observed_value = excluded.observed_value,
          last_seen_run_id = excluded.last_seen_run_id`.execute(transaction)
}

/** FROM and WHERE of all findings `old` of an account. */
const ofAccount = (partnerAccountKey: number) =>
  sql`etl.dq_finding old where old.partner_account_key = ${partnerAccountKey}`

/** FROM and WHERE of the findings `old` of the account, or of the staged referrals. */
function oldFindings({ partnerAccountKey, isEverythingStaged, access }: RunScope) {
  if (isEverythingStaged) return ofAccount(partnerAccountKey)
  const isAboutReferral = sql`old.partner_account_key = touched.partner_account_key
          and old.referral_id = touched.referral_id`
  return sql`touched
        ${joinStar(access, 'join', ['etl.dq_finding', 'old'], isAboutReferral)}
        where true`
}

/** `join` of the rows of the touched referrals. */
function joinTouched(access: StarAccess, table: TableName, alias: string): RawBuilder<unknown> {
  const isOfReferral = sql`${sql.ref(`${alias}.referral_key`)} = touched.referral_key`
  const isOfAccount = sql`${sql.ref(`${alias}.partner_account_key`)} = touched.partner_account_key`
  return joinStar(access, 'join', [table, alias], isOfReferral, isOfAccount)
}

const isRateOfDay = sql`rate.currency_code = amount.currency_code
        and rate.rate_date = amount.rate_date`

/** Condition: an amount is in another currency than the reports, which is read once. */
const isConverted = (table: string) =>
  sql`${sql.ref(`${table}.currency_code`)} <> (select currency_code from reporting)`

/**
 * Amounts that are not in the reporting currency, with the day whose rate they need. Zeros need no
 * rate. The lines of a contract need the rate of its day, mostly in its currency.
 */
const amountsOf = (access: StarAccess) => sql`
      select touched.partner_account_key, touched.run_id, touched.referral_id,
        'details.dealValue' as item_path, fact.currency_code,
        least(
          coalesce(fact.closed_date, fact.expected_close_date), (select today from reporting)
        ) as rate_date
      from touched
      ${joinTouched(access, 'dw.fact_referral', 'fact')}
      where fact.deal_value_amount <> 0 and ${isConverted('fact')}
      union all
      select touched.partner_account_key, touched.run_id, touched.referral_id,
        'registrations[' || fact.registration_no - 1 || ']', fact.currency_code,
        coalesce(fact.contract_sign_date, fact.contract_start_date, fact.registered_date)
      from touched
      ${joinTouched(access, 'dw.fact_registration', 'fact')}
      where fact.contract_value_amount <> 0 and ${isConverted('fact')}
      union all
      select touched.partner_account_key, touched.run_id, touched.referral_id,
        'registrations[' || line.registration_no - 1 || ']', line.currency_code,
        coalesce(line.contract_sign_date, line.contract_start_date, line.registered_date)
      from touched
      ${joinTouched(access, 'dw.fact_registration_solution', 'line')}
      where line.solution_value_amount <> 0 and ${isConverted('line')}`

/** Currencies that amounts had at any time, with the last day that has a rate, or null. */
const currenciesOf = (access: StarAccess) => sql`
      select used.partner_account_key, used.run_id, used.currency_code,
        (
          select max(rate.rate_date) from dw.fx_rate rate
          where rate.currency_code = used.currency_code
        ) as last_date
      from (
        select partner_account_key, run_id, currency_code from missing
        union
        select touched.partner_account_key, touched.run_id, version.currency_code
        from touched
        ${joinTouched(access, 'dw.fact_referral_history', 'version')}
        where version.deal_value_amount <> 0 and ${isConverted('version')}
      ) used`

const findings = sql`
      select held.partner_account_key, held.run_id, '' as referral_id,
        held.currency_code as item_ref,
        case
          when held.currency_code = 'XXX' then 'amounts without a currency are not converted'
          when held.last_date is null
            then 'no rate is loaded, so its amounts are not converted; run cosell fx'
          else 'its rates end before some of its amounts, which are not converted; run cosell fx'
        end as detail,
        held.last_date::text as observed_value
      from held
      left join (
        select partner_account_key, currency_code, max(rate_date) as last_date
        from missing
        group by partner_account_key, currency_code
      ) needed using (partner_account_key, currency_code)
      where held.last_date is null or needed.last_date > held.last_date
      union all
      select missing.partner_account_key, missing.run_id, missing.referral_id,
        missing.item_path || '/' || missing.currency_code,
        case when missing.rate_date is null
          then 'not converted: there is no day of signing, start or registration'
          else 'not converted: there is no rate for its day'
        end,
        missing.rate_date::text
      from missing
      join held
        on held.partner_account_key = missing.partner_account_key
        and held.currency_code = missing.currency_code
      where held.last_date is not null
        and (missing.rate_date is null or missing.rate_date <= held.last_date)`
