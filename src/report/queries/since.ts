import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type Choice, ofAccount } from './choice.ts'
import type { Figure } from './groups.ts'
import type { PeriodEnds } from './items.ts'

/** Reads the last Sunday and the last end of a month before the business day. */
export async function readPeriodEnds(
  query: Kysely<Database>,
  { day }: Choice,
): Promise<PeriodEnds> {
  const { rows } = await sql<PeriodEnds>`
    select max(date_day) filter (where day_of_week = 7) as week,
      max(date_day) filter (where is_month_end) as month
    from dw.dim_date
    where date_day < ${day}::date and date_day >= ${day}::date - 31
    having count(*) > 0`.execute(query)
  return rows[0] ?? { week: day, month: day }
}

/**
 * Movements of the open pipeline from the end of a day to that of the business day: all of them in
 * their order, or none where the pipeline was empty on both days.
 */
export const movementFigure = (choice: Choice, from: string): Figure => sql`
  select '' as period, step.label, step.position, movement.currency_code,
    sum(step.deals) as item_count, sum(step.deals) as amount_count,
    -- Deals without a value have no currency that could lack a rate.
    nullif(sum(step.amount), 0) as amount, sum(step.converted) as converted_amount,
    coalesce(
      sum(step.deals) filter (where step.converted is null and step.amount <> 0), 0
    ) as unconverted_count,
    nullif(sum(step.amount) filter (where step.converted is null), 0) as unconverted_amount
  from mart.pipeline_movement_between(${from}::date, ${choice.day}::date) movement
  cross join lateral (
    values
      (1, 'Opening', opening_count, opening_amount, opening_reporting_amount),
      (2, 'Created', created_count, created_amount, created_reporting_amount),
      (3, 'Returned', returned_count, returned_amount, returned_reporting_amount),
      (4, 'Grew', grew_count, grew_amount, grew_reporting_amount),
      (5, 'Shrank', shrank_count, shrank_amount, shrank_reporting_amount),
      -- Between stages and solutions nothing is left over.
      (6, 'Changed currency', 0, moved_in_amount + moved_out_amount,
        moved_in_reporting_amount + moved_out_reporting_amount),
      (7, 'Won', won_count, won_amount, won_reporting_amount),
      (8, 'Lost', lost_count, lost_amount, lost_reporting_amount),
      (9, 'Dropped', dropped_count, dropped_amount, dropped_reporting_amount),
      (10, 'Missing', missing_count, missing_amount, missing_reporting_amount),
      (11, 'Closing', closing_count, closing_amount, closing_reporting_amount)
  ) step (position, label, deals, amount, converted)
  where ${ofAccount(choice, 'movement')}
  group by step.label, step.position, movement.currency_code`
