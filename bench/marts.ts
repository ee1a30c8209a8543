/**
 * Times a typical question to every mart, over one account and one fiscal year:
 * `npm run bench:marts [-- referrals]`, 100,000 by default. The second of two answers counts: it is
 * what a person sees who moves a filter. `--explain mart` prints the plan of one mart.
 */
import { type RawBuilder, sql } from 'kysely'
import { openDatabase, type Warehouse } from '../src/warehouse/connection/database.ts'
import { startThrowaway } from '../test/support/global-setup.ts'
import { fillMarts } from './marts-warehouse.ts'

const [size = '100000', explain] = process.argv.slice(2).filter((word) => word !== '--explain')
const referrals = Number(size)

const year = lastFiscalYear(new Date())
const day = new Date(Date.now() - 180 * 86_400_000).toISOString().slice(0, 10)

/** Typical questions to each mart, in the SQL that BI tools send. */
const questions: Readonly<Record<string, RawBuilder<unknown>>> = {
  referral: sql`
    select stage_label, country_code, currency_code, count(*), sum(deal_value_amount),
      sum(deal_value_reporting_amount)
    from mart.referral
    where partner_account_key = 1 and created_fiscal_year = ${year}
    group by stage_label, country_code, currency_code`,
  pipeline_as_of: sql`
    select stage_label, currency_code, count(*), sum(deal_value_amount),
      sum(deal_value_reporting_amount)
    from mart.pipeline_as_of
    where partner_account_key = 1 and snapshot_date = ${day} and is_open
    group by stage_label, currency_code`,
  'pipeline_as_of, by area': sql`
    select solution_area, count(*), sum(deal_value_reporting_amount)
    from mart.pipeline_as_of
    where partner_account_key = 1 and snapshot_date = ${day}
    group by solution_area`,
  pipeline_month_end: sql`
    select snapshot_date, currency_code, count(*), sum(deal_value_reporting_amount)
    from mart.pipeline_month_end
    where partner_account_key = 1 and snapshot_fiscal_year = ${year} and is_open
    group by snapshot_date, currency_code`,
  pipeline_movement: sql`
    select * from mart.pipeline_movement
    where partner_account_key = 1 and period_kind = 'month'
      and to_date = date_trunc('month', current_date)::date - 1`,
  'movement of 180 days': sql`
    select * from mart.pipeline_movement_between(${day}::date, current_date)
    where partner_account_key = 1`,
  'referral_change, one life': sql`
    select * from mart.referral_change
    where partner_account_key = 1 and referral_key = (
      select min(referral_key) from dw.fact_referral where partner_account_key = 1)`,
  'referral_change, one night': sql`
    select property, count(*)
    from mart.referral_change
    where partner_account_key = 1 and seen_date = ${day}::date
    group by property`,
  funnel: sql`
    select * from mart.funnel where partner_account_key = 1 and created_fiscal_year = ${year}`,
  win_rate: sql`
    select solution_play, sum(won_weight), sum(decided_weight)
    from mart.win_rate
    where partner_account_key = 1 and closed_fiscal_year = ${year}
    group by solution_play`,
  acv_line: sql`
    select publisher_name, country_code, currency_code, sum(solution_acv_amount),
      sum(solution_acv_reporting_amount)
    from mart.acv_line
    where partner_account_key = 1 and sign_fiscal_year = ${year}
    group by publisher_name, country_code, currency_code`,
  acv_by_fiscal_quarter: sql`
    select *
    from mart.acv_by_fiscal_quarter
    where partner_account_key = 1 and fiscal_year = ${year}`,
  acv_schedule: sql`
    select contract_year_no, currency_code, sum(scheduled_solution_amount),
      sum(scheduled_solution_reporting_amount)
    from mart.acv_schedule
    where partner_account_key = 1 and period_start_fiscal_year = ${year}
    group by contract_year_no, currency_code`,
  acv_reconciliation: sql`
    select reason, count(*), sum(difference_amount)
    from mart.acv_reconciliation
    where partner_account_key = 1
    group by reason`,
  acv_convention: sql`
    select * from mart.acv_convention where partner_account_key = 1 and convention_rank = 1`,
  acv_candidate: sql`
    select convention_name, count(*)
    from mart.acv_candidate
    where partner_account_key = 1 and not is_reproduced
    group by convention_name`,
  registration: sql`
    select registration_status, count(*), avg(approval_lead_days),
      count(*) filter (where was_sent_back),
      count(*) filter (where contract_acv_reporting_amount < 25000)
    from mart.registration
    where partner_account_key = 1 and registered_fiscal_year = ${year}
    group by registration_status`,
  incentive_acv: sql`
    select incentive, currency_code, sum(weighted_solution_acv_amount)
    from mart.incentive_acv
    where partner_account_key = 1 and sign_fiscal_year = ${year}
    group by incentive, currency_code`,
  marketplace_share: sql`
    select *
    from mart.marketplace_share
    where partner_account_key = 1 and sign_fiscal_year = ${year}`,
  expiring_referral: sql`
    select currency_code, count(*), sum(deal_value_amount)
    from mart.expiring_referral
    where partner_account_key = 1 and days_to_expiry <= 14
    group by currency_code`,
  co_sell: sql`
    select * from mart.co_sell where partner_account_key = 1 and created_fiscal_year = ${year}`,
  deal: sql`
    select stage_label, microsoft_stage_label, currency_code, count(*), sum(deal_value_amount)
    from mart.deal
    where partner_account_key = 1 and created_fiscal_year = ${year}
    group by stage_label, microsoft_stage_label, currency_code`,
  'referral, each deal once': sql`
    select stage_label, currency_code, sum(deal_count), sum(deal_value_once_reporting_amount)
    from mart.referral
    where partner_account_key = 1 and is_open
    group by stage_label, currency_code`,
  'pipeline_as_of, deals once': sql`
    select stage_label, currency_code, sum(deal_count), sum(deal_value_once_reporting_amount)
    from mart.pipeline_as_of
    where partner_account_key = 1 and snapshot_date = ${day} and is_open
    group by stage_label, currency_code`,
  'month_end, deals once': sql`
    select snapshot_date, currency_code, sum(deal_count), sum(deal_value_once_reporting_amount)
    from mart.pipeline_month_end
    where partner_account_key = 1 and snapshot_fiscal_year = ${year} and is_open
    group by snapshot_date, currency_code`,
  referral_industry: sql`
    select i.industry, p.product, sum(m.deal_value_amount * i.weight * p.weight)
    from mart.referral m
    join mart.referral_industry i
      on i.referral_key = m.referral_key and i.partner_account_key = m.partner_account_key
    join mart.referral_product p
      on p.referral_key = m.referral_key and p.partner_account_key = m.partner_account_key
    where m.partner_account_key = 1 and m.created_fiscal_year = ${year}
    group by i.industry, p.product`,
  referral_service: sql`
    select s.service, sum(m.deal_value_amount * s.weight)
    from mart.referral m
    join mart.referral_service s using (partner_account_key, referral_key)
    where m.partner_account_key = 1 and m.created_fiscal_year = ${year}
    group by s.service`,
  registration_review: sql`
    select review_stage, waits_for, count(*), avg(days_in_stage), sum(sent_back_count)
    from mart.registration_review
    where partner_account_key = 1 and registered_fiscal_year = ${year}
    group by review_stage, waits_for`,
  referral_slippage: sql`
    select solution_area, sum(postponed_count), avg(close_date_shift_days),
      sum(deal_value_shift_amount)
    from mart.referral_slippage
    where partner_account_key = 1 and is_open
    group by solution_area`,
  requested_solution: sql`
    select solution_name, currency_code, sum(quantity), sum(line_amount)
    from mart.requested_solution
    where partner_account_key = 1 and created_fiscal_year = ${year}
    group by solution_name, currency_code`,
  asked_and_sold: sql`
    select solution_name, is_asked, is_sold, currency_code, count(*), sum(sold_amount)
    from mart.asked_and_sold
    where partner_account_key = 1 and created_fiscal_year = ${year}
    group by solution_name, is_asked, is_sold, currency_code`,
  seller_pipeline: sql`
    select seller_key, currency_code, sum(deal_count), sum(weighted_deal_value_amount)
    from mart.seller_pipeline
    where partner_account_key = 1 and seller_kind = 'Own' and is_open
    group by seller_key, currency_code`,
  deal_seller: sql`
    select stage_label, count(*), sum(weighted_deal_value_reporting_amount)
    from mart.deal_seller
    where partner_account_key = 1 and seller_key = 17
    group by stage_label`,
  customer: sql`
    select country_code, count(*), sum(open_deal_count), sum(won_deal_count)
    from mart.customer
    where partner_account_key = 1
    group by country_code`,
  referral_target: sql`
    select t.target_type, t.target_id, sum(m.deal_value_amount * t.weight)
    from mart.referral m
    join mart.referral_target t using (partner_account_key, referral_key)
    where m.partner_account_key = 1 and m.created_fiscal_year = ${year}
    group by t.target_type, t.target_id`,
  'pipeline_as_of, by country': sql`
    select country_code, registered_acv_currency_code, count(*), sum(registered_acv_amount),
      sum(registered_acv_reporting_amount)
    from mart.pipeline_as_of
    where partner_account_key = 1 and snapshot_date = ${day}
    group by country_code, registered_acv_currency_code`,
  documented_value: sql`
    select value.parent_value, value.canonical_value, count(m.referral_key)
    from mart.documented_value value
    left join mart.referral m
      on m.solution_area = value.parent_value
      and m.solution_play = value.canonical_value
      and m.partner_account_key = 1
    where value.enum_name = 'SolutionPlay'
    group by value.parent_value, value.canonical_value`,
  registration_eligibility: sql`
    select policy_name, is_eligible, registration_status, count(*)
    from mart.registration_eligibility
    where partner_account_key = 1 and is_won
    group by policy_name, is_eligible, registration_status`,
  status_transition: sql`
    select from_substatus, to_substatus, count(*), avg(days_in_status)
    from mart.status_transition
    where partner_account_key = 1 and changed_fiscal_year = ${year}
    group by from_substatus, to_substatus`,
  data_quality: sql`
    select rule_code, severity, count(*)
    from mart.data_quality
    where partner_account_key = 1
    group by rule_code, severity`,
  load_status: sql`select * from mart.load_status where partner_account_key = 1`,
}

const server = await startThrowaway()
try {
  const warehouse = await openDatabase(server.url)
  try {
    const started = performance.now()
    await fillMarts(warehouse, referrals)
    say('referrals', referrals, Math.round(performance.now() - started))
    for (const [name, question] of Object.entries(questions)) {
      if (explain === undefined) await time(warehouse, name, question)
      else if (explain === name) await plan(warehouse, question)
    }
  } finally {
    await warehouse.close()
  }
} finally {
  await server.stop()
}

async function time({ query }: Warehouse, name: string, question: RawBuilder<unknown>) {
  const tries: number[] = []
  let rows = 0
  for (let no = 0; no < 2; no++) {
    const started = performance.now()
    rows = (await question.execute(query)).rows.length
    tries.push(performance.now() - started)
  }
  say(name, `${rows} rows`, Math.round(tries[1] ?? 0))
}

async function plan({ query }: Warehouse, question: RawBuilder<unknown>) {
  const { rows } = await sql<Record<string, string>>`
    explain (analyze, buffers, settings) ${question}`.execute(query)
  for (const row of rows) process.stdout.write(`${Object.values(row)[0]}\n`)
}

/** Label of the last fiscal year that is over. */
function lastFiscalYear(now: Date): string {
  const ends = now.getUTCFullYear() - (now.getUTCMonth() >= 6 ? 0 : 1)
  return `FY${ends % 100}`
}

function say(name: string, figure: string | number, ms: number) {
  process.stdout.write(
    `${name.padEnd(26)} ${String(figure).padStart(12)} ${`${ms} ms`.padStart(10)}\n`,
  )
}
