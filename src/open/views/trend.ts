import { sql } from 'kysely'
import type { TrendAnswer } from '../answers.ts'
import { drillTo } from '../choice.ts'
import { type Chosen, filterOf, type Query } from '../rows/filters.ts'
import { ratesNote, sumRows } from './figures.ts'

const monthsShown = 12

/** Reads the open pipeline by stage at the last month ends up to the chosen day. */
export async function readTrend(query: Query, chosen: Chosen): Promise<TrendAnswer> {
  const { as_of } = chosen.choice
  const rows = sql`
    select pipeline.snapshot_date, pipeline.stage_label, pipeline.stage_sort, pipeline.currency_code,
      pipeline.deal_value_once_amount as amount,
      pipeline.deal_value_once_reporting_amount as converted_amount
    from mart.pipeline_as_of pipeline
    where pipeline.is_month_end
      and pipeline.is_deal_primary
      and pipeline.is_open
      and pipeline.snapshot_date <= ${as_of}::date
      and pipeline.snapshot_date > ${as_of}::date - make_interval(months => ${monthsShown}::integer)
      and ${filterOf(chosen, {
        account: sql`pipeline.partner_account_key`,
        area: sql`pipeline.solution_area`,
        play: sql`pipeline.solution_play`,
        country: sql`pipeline.country_code`,
        dealType: sql`pipeline.deal_type`,
        currency: sql`pipeline.currency_code`,
        day: sql`pipeline.expected_close_date`,
      })}`
  const sums = await sumRows(query, { rows }, ['snapshot_date', 'stage_label', 'stage_sort'], {
    stages: {
      period: sql`snapshot_date::text`,
      label: sql`stage_label`,
      position: sql`stage_sort`,
    },
  })
  const days = [...new Set(sums.stages.map(({ period }) => period))].sort()
  return {
    choice: chosen.choice,
    notes: ratesNote(chosen, 'Each month end is converted at its own rate.'),
    month_ends: days.map((day) => ({
      day,
      stages: sums.stages
        .filter(({ period }) => period === day)
        .map(({ label, count, amounts }) => ({
          label,
          count,
          amounts,
          drill: drillTo('open', { stage: label, day }),
        })),
    })),
  }
}
