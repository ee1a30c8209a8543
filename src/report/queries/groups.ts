import { type RawBuilder, sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { Amounts, CurrencyAmount, Group, PeriodGroup } from '../report-data.ts'

/**
 * Query with one row an item and the columns period, label, position, currency_code, amount and
 * converted_amount. A row without currency keeps an empty group in the result and counts nothing.
 */
export type ItemQuery = RawBuilder<unknown>

interface GroupRow {
  readonly period: string
  readonly label: string
  /** Null in the row of the whole group. */
  readonly currency_code: string | null
  readonly minor_unit: number
  readonly item_count: number
  readonly amount_count: number
  readonly amount: string | null
  readonly converted_amount: string | null
  readonly unconverted_count: number
  readonly unconverted_amount: string | null
}

/** Groups items by period and label, in the order of position, label and period. */
export async function groupItems(
  query: Kysely<Database>,
  items: ItemQuery,
): Promise<PeriodGroup[]> {
  const { rows } = await sql<GroupRow>`
    with item as (${items})
    select
      period,
      label,
      currency_code,
      ${minorUnitOf('item')} as minor_unit,
      count(currency_code) as item_count,
      count(amount) as amount_count,
      sum(amount)::text as amount,
      round(sum(converted_amount), ${reportingMinorUnit})::text as converted_amount,
      count(*) filter (where amount is not null and converted_amount is null) as unconverted_count,
      (sum(amount) filter (where converted_amount is null))::text as unconverted_amount
    from item
    group by grouping sets ((period, position, label, currency_code), (period, position, label))
    having currency_code is not null or grouping(currency_code) = 1
    order by position, label, period, grouping(currency_code) desc, currency_code`.execute(query)
  const groups: PeriodGroup[] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (row.currency_code !== null && last !== undefined) addCurrency(last.amounts, row)
    else groups.push(toGroup(row))
  }
  return groups
}

/** Returns all items as one group; they must have one period and label. */
export async function sumItems(query: Kysely<Database>, items: ItemQuery): Promise<Group> {
  const [group] = await groupItems(query, items)
  return group ?? { label: '', count: 0, amounts: noAmounts }
}

const noAmounts: Amounts = { converted: null, unconverted: [], by_currency: [] }

/** Decimals of the currency of a row. */
export const minorUnitOf = (row: string) => sql`coalesce((
        select currency.minor_unit
        from dw.dim_currency currency
        where currency.currency_code = ${sql.ref(`${row}.currency_code`)}), 2)::integer`

/** Decimals of the reporting currency, to which converted sums are rounded. */
export const reportingMinorUnit = sql`coalesce((
  select currency.minor_unit
  from etl.setting setting
  join dw.dim_currency currency on currency.currency_code = setting.setting_value
  where setting.setting_name = 'reporting_currency'), 2)::integer`

function toGroup(row: GroupRow): PeriodGroup {
  const amounts: Amounts = { converted: row.converted_amount, unconverted: [], by_currency: [] }
  return { period: row.period, label: row.label, count: row.item_count, amounts }
}

function addCurrency(amounts: Amounts, row: GroupRow) {
  const { currency_code, minor_unit, amount, unconverted_amount } = row
  if (currency_code === null || amount === null) return
  const byCurrency = amounts.by_currency as CurrencyAmount[]
  byCurrency.push({ currency_code, minor_unit, count: row.amount_count, amount })
  if (unconverted_amount === null) return
  const unconverted = amounts.unconverted as CurrencyAmount[]
  const count = row.unconverted_count
  unconverted.push({ currency_code, minor_unit, count, amount: unconverted_amount })
}
