import { sql } from 'kysely'
import { daysBefore } from '../choice.ts'
import type { Chosen, Expression } from './filters.ts'
import type { ColumnName } from './source.ts'

// What the sources share: the time and the columns that a choice filters, and those of every list.

/** Days that are looked at where no period was chosen. */
const recentDays = 2 * 365

/** Takes the last two years where no period was chosen; older business seldom explains what is now. */
export function recent(chosen: Chosen): Chosen {
  if (chosen.periods.length > 0) return chosen
  const { as_of } = chosen.choice
  return { ...chosen, periods: [{ from: daysBefore(as_of, recentDays - 1), to: as_of }] }
}

/** Columns of mart.referral, under the name `referral`, that a choice filters. */
export const ofReferral = (
  day?: Expression,
  currency: Expression = sql`referral.currency_code`,
) => ({
  account: sql`referral.partner_account_key`,
  area: sql`referral.solution_area`,
  play: sql`referral.solution_play`,
  country: sql`referral.country_code`,
  dealType: sql`referral.deal_type`,
  currency,
  ...(day === undefined ? {} : { day }),
})

/** Plays with the spelling under which they are shown and chosen, as the marts have them. */
export const playSpellings = sql`
  select value.enum_value, min(value.canonical_value) as canonical_value
  from mart.documented_value value
  where value.enum_name = 'SolutionPlay' and value.canonical_value <> value.enum_value
  group by value.enum_value`

/** What a list begins with, and what it ends with: the first screen tells most. */
export const head: readonly ColumnName[] = ['referral_name', 'customer_name']
export const tail: readonly ColumnName[] = [
  ...(['country_code', 'solution_area', 'solution_play', 'deal_type', 'account'] as const),
  'referral_id',
]
export const value: readonly ColumnName[] = ['amount', 'currency_code', 'converted_amount']
