import { sql } from 'kysely'
import type { Choice } from '../answers.ts'
import type { Query } from './filters.ts'
import { Kept, readState } from './kept.ts'
import { scaled, type Value } from './sums.ts'

/** A deal that is in the open pipeline at the end of one of two days, or of both. */
export interface Deal {
  readonly account: string
  readonly partner_account_key: number
  /** As `mart.deal_movement_between` says it. */
  readonly movement: string
  readonly opening: DealEnd | null
  readonly closing: DealEnd | null
}

/**
 * A deal at the end of a day: the state of the referral that counts for it. Its value is converted
 * at the rate of `as_of` on both days, so that a difference is never one of rates.
 */
export interface DealEnd extends Value {
  readonly referral_key: number
  readonly stage_label: string
  readonly stage_sort: number
  readonly area: string
  readonly play: string
  readonly country: string
  readonly deal_type: string
  readonly expected_close_date: string | null
  /** Fiscal quarter of the expected close date; empty without one. */
  readonly close_quarter: string
}

/** Days of which the deals are kept: those that are shown, and those shown before. */
const keptMax = 3

/**
 * Reads deals, and keeps those of the last days that were asked for: a changed filter sums the same
 * deals again, which takes PostgreSQL a second or two to find in a million referrals. They are read
 * anew as soon as a run has published, or rates have changed.
 */
export class DealReader {
  readonly #kept = new Kept<readonly Deal[]>(keptMax)

  async read(
    query: Query,
    { as_of, compare }: Pick<Choice, 'as_of' | 'compare'>,
  ): Promise<readonly Deal[]> {
    const key = `${compare} ${as_of} ${await readState(query, as_of)}`
    return this.#kept.get(key, () => readDeals(query, compare, as_of))
  }
}

type End = 'opening' | 'closing'
type DealRow = Pick<Deal, 'account' | 'partner_account_key' | 'movement'> & {
  /** Both ends are alike, and the opening is left out. */
  readonly is_still: boolean
} & {
  readonly [Column in keyof EndRow as `${End}_${Column}`]: EndRow[Column]
}
type EndRow = Omit<DealEnd, 'amount' | 'converted' | 'referral_key'> & {
  readonly referral_key: number | null
  readonly amount: string | null
  readonly converted: string | null
}

async function readDeals(query: Query, fromDay: string, toDay: string): Promise<readonly Deal[]> {
  // What a mart joins fits into memory.
  await sql`set local work_mem = '64MB'`.execute(query)
  const { rows } = await sql<DealRow>`
    select account.account_code as account, moved.partner_account_key, moved.movement, moved.is_still,
      ${columnsOf('opening')},
      ${columnsOf('closing')}
    from (
      select deal.*,
        deal.movement = 'unchanged'
          and not deal.has_moved
          and deal.opening_referral_key = deal.closing_referral_key
          and deal.opening_expected_close_date is not distinct from deal.closing_expected_close_date
          as is_still
      from mart.deal_movement_between(${fromDay}::date, ${toDay}::date) deal
    ) moved
    join dw.dim_partner_account account on account.partner_account_key = moved.partner_account_key
    left join dw.dim_date opening_day on opening_day.date_day = moved.opening_expected_close_date
    left join dw.dim_date closing_day on closing_day.date_day = moved.closing_expected_close_date
    left join dw.fx_rate opening_rate
      on opening_rate.currency_code = moved.opening_currency_code
      and opening_rate.rate_date = ${toDay}::date
    left join dw.fx_rate closing_rate
      on closing_rate.currency_code = moved.closing_currency_code
      and closing_rate.rate_date = ${toDay}::date`.execute(query)
  return rows.map((row) => {
    const { account, partner_account_key, movement, is_still } = row
    const closing = closingOf(row)
    const opening = is_still ? closing : openingOf(row)
    return { account, partner_account_key, movement, opening, closing }
  })
}

/** Columns of an end; those of an opening that is the closing too are not sent. */
function columnsOf(end: End) {
  const of = (column: string) => sql.ref(`moved.${end}_${column}`)
  const rate = sql.id(`${end}_rate`)
  const columns = {
    referral_key: of('referral_key'),
    stage_label: of('stage_label'),
    stage_sort: of('stage_sort'),
    area: of('solution_area'),
    play: of('solution_play'),
    country: sql`coalesce(${of('country_code')}, '')`,
    deal_type: of('deal_type'),
    currency_code: of('currency_code'),
    amount: of('amount'),
    converted: sql`
      case
        when abs(${of('amount')}) * ${rate}.reporting_units
          < ${rate}.currency_units * 999999999999999.99995
          then div(
            ${of('amount')} * ${rate}.reporting_units * 20000
              + sign(${of('amount')}) * ${rate}.currency_units,
            2 * ${rate}.currency_units
          ) * 0.0001
      end::numeric(19, 4)`,
    expected_close_date: of('expected_close_date'),
    close_quarter: sql`coalesce(${sql.id(`${end}_day`)}.fiscal_quarter_label, '')`,
  }
  const sent = Object.entries(columns).map(([name, value]) => {
    const needed = end === 'closing' ? value : sql`case when not moved.is_still then ${value} end`
    return sql`${needed} as ${sql.id(`${end}_${name}`)}`
  })
  return sql.join(sent)
}

function openingOf(row: DealRow): DealEnd | null {
  if (row.opening_referral_key === null) return null
  return {
    referral_key: row.opening_referral_key,
    stage_label: row.opening_stage_label,
    stage_sort: row.opening_stage_sort,
    area: row.opening_area,
    play: row.opening_play,
    country: row.opening_country,
    deal_type: row.opening_deal_type,
    currency_code: row.opening_currency_code,
    amount: scaled(row.opening_amount),
    converted: scaled(row.opening_converted),
    expected_close_date: row.opening_expected_close_date,
    close_quarter: row.opening_close_quarter,
  }
}

function closingOf(row: DealRow): DealEnd | null {
  if (row.closing_referral_key === null) return null
  return {
    referral_key: row.closing_referral_key,
    stage_label: row.closing_stage_label,
    stage_sort: row.closing_stage_sort,
    area: row.closing_area,
    play: row.closing_play,
    country: row.closing_country,
    deal_type: row.closing_deal_type,
    currency_code: row.closing_currency_code,
    amount: scaled(row.closing_amount),
    converted: scaled(row.closing_converted),
    expected_close_date: row.closing_expected_close_date,
    close_quarter: row.closing_close_quarter,
  }
}
