import { sql } from 'kysely'
import type { Choice } from '../answers.ts'
import { dayUpTo, only, requireOneOf } from '../choice.ts'
import type { Deal, DealEnd } from '../rows/deals.ts'
import type { Chosen } from '../rows/filters.ts'
import { columnsOf, type Source } from '../rows/source.ts'
import { decimal, type Value } from '../rows/sums.ts'
import { effectsOf, isChosen, movementKinds } from '../views/pipeline.ts'

// Lists of the deals of the pipeline, which are summed in memory: the database gives the names to the
// rows that were counted.

/** Parameters of the lists of deals, by the name of the set. */
export const dealParameters = {
  open: ['side', 'stage', 'quarter', 'in_area', 'in_country', 'overdue', 'day'],
  movement: ['kind'],
} as const

/** Returns the choice with the two days of a list of deals; a `day` of its own stands for both. */
export function withDays(parameters: URLSearchParams, choice: Choice, today: string): Choice {
  const day = dayUpTo(parameters, 'day', today)
  return day === undefined ? choice : { ...choice, as_of: day, compare: day }
}

/** Deals of the open pipeline on one of the two days. */
export function openDeals(
  deals: readonly Deal[],
  chosen: Chosen,
  parameters: URLSearchParams,
): Source {
  const side = only(parameters, 'side') ?? 'now'
  requireOneOf('side', side, ['now', 'before'])
  const day = side === 'before' ? chosen.choice.compare : chosen.choice.as_of
  const wanted = (name: string, value: string) => {
    const expected = only(parameters, name)
    return expected === undefined || expected === value
  }
  const overdue = only(parameters, 'overdue')
  const isOverdue = overdue !== undefined
  if (isOverdue) requireOneOf('overdue', overdue, ['true'])
  const shown = deals.flatMap((deal) => {
    const end = side === 'before' ? deal.opening : deal.closing
    const isListed =
      isChosen(deal, end, chosen) &&
      wanted('stage', end.stage_label) &&
      wanted('quarter', end.close_quarter) &&
      wanted('in_area', end.area) &&
      wanted('in_country', end.country) &&
      (!isOverdue || (end.expected_close_date !== null && end.expected_close_date < day))
    return isListed ? [{ deal, end, value: end }] : []
  })
  return sourceOf(`Open deals on ${day}`, shown, false)
}

/** Deals that a movement of the waterfall is made of. */
export function movedDeals(
  deals: readonly Deal[],
  chosen: Chosen,
  parameters: URLSearchParams,
): Source {
  const kind = only(parameters, 'kind') ?? ''
  requireOneOf('kind', kind, movementKinds)
  const shown = deals.flatMap((deal) =>
    effectsOf(deal, chosen)
      .filter((effect) => effect.kind === kind)
      .flatMap(({ value, sign }) => {
        const end = kind === 'opening' ? deal.opening : (deal.closing ?? deal.opening)
        return end === null ? [] : [{ deal, end, value: signed(value, sign) }]
      }),
  )
  const { as_of, compare } = chosen.choice
  return sourceOf(`Deals from ${compare} to ${as_of}`, shown, true)
}

function signed({ currency_code, amount, converted }: Value, sign: 1n | -1n): Value {
  const of = (value: bigint | null) => (value === null ? null : sign * value)
  return { currency_code, amount: of(amount), converted: of(converted) }
}

interface Shown {
  readonly deal: Deal
  /** What the row shows. */
  readonly end: DealEnd
  /** What the row adds to the figure. */
  readonly value: Value
}

/** Makes a source of deals by sending their columns along. */
function sourceOf(title: string, shown: readonly Shown[], isMoved: boolean): Source {
  const text = (pick: (one: Shown) => string | null) => sql`${shown.map(pick)}::text[]`
  const amountOf = (value: bigint | null | undefined) =>
    value === null || value === undefined ? null : decimal(value)
  return {
    title,
    columns: columnsOf(
      [
        ...(['referral_name', 'customer_name', 'stage_label'] as const),
        ...(isMoved ? (['stage_before', 'amount_before'] as const) : []),
        ...(['amount', 'currency_code', 'converted_amount'] as const),
        ...(isMoved ? (['expected_close_before'] as const) : []),
        ...(['expected_close_date', 'country_code', 'solution_area', 'solution_play'] as const),
        ...(['deal_type', 'account', 'referral_id'] as const),
      ],
      isMoved ? { amount: 'Counts here' } : {},
    ),
    rows: sql`
      select deal.partner_account_key, deal.referral_key, deal.account, referral.referral_id,
        referral.referral_name, customer.customer_name, nullif(deal.country, '') as country_code,
        deal.stage_label, deal.solution_area, deal.solution_play, deal.deal_type, deal.stage_before,
        deal.expected_close_before, deal.expected_close_date, deal.amount_before, deal.amount,
        deal.currency_code, deal.converted_amount
      from unnest(
        ${shown.map(({ deal }) => deal.partner_account_key)}::integer[],
        ${shown.map(({ end }) => end.referral_key)}::bigint[],
        ${text(({ deal }) => deal.account)},
        ${text(({ end }) => end.country)},
        ${text(({ end }) => end.stage_label)},
        ${text(({ end }) => end.area)},
        ${text(({ end }) => end.play)},
        ${text(({ end }) => end.deal_type)},
        ${text(({ deal }) => deal.opening?.stage_label ?? null)},
        ${shown.map(({ deal }) => deal.opening?.expected_close_date ?? null)}::date[],
        ${shown.map(({ end }) => end.expected_close_date)}::date[],
        ${shown.map(({ deal }) => amountOf(deal.opening?.amount))}::numeric[],
        ${shown.map(({ value }) => amountOf(value.amount))}::numeric[],
        ${text(({ value }) => value.currency_code)},
        ${shown.map(({ value }) => amountOf(value.converted))}::numeric[]
      ) deal (
        partner_account_key, referral_key, account, country, stage_label, solution_area,
        solution_play, deal_type, stage_before, expected_close_before, expected_close_date,
        amount_before, amount, currency_code, converted_amount
      )
      join dw.dim_referral referral
        on referral.referral_key = deal.referral_key
        and referral.partner_account_key = deal.partner_account_key
      left join dw.fact_referral fact
        on fact.referral_key = deal.referral_key
        and fact.partner_account_key = deal.partner_account_key
      left join dw.dim_customer customer
        on customer.customer_key = fact.customer_key
        and customer.partner_account_key = fact.partner_account_key`,
    conditions: {},
    sort: 'converted_amount',
    isDescending: true,
    ties: ['partner_account_key', 'referral_key', 'amount'],
  }
}
