import { type RawBuilder, sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { Amounts, CurrencyAmount, Group, PeriodGroup } from '../report-data.ts'

/**
 * Items of a mart, and all that the figures over them tell apart. A mart converts each amount by exact
 * division, which costs more than all else, so it is read once for all figures.
 */
export interface Items {
  /** Columns of the rows, beside currency_code, amount and converted_amount. */
  readonly keys: readonly string[]
  readonly rows: RawBuilder<unknown>
}

/** Query over the sums of `Items`, with the columns period, label, position and `itemColumns`. */
export type Figure = RawBuilder<unknown>

/** One row for all items with the same keys and currency. OFFSET converts each amount once, not thrice. */
const sumsOf = ({ keys, rows }: Items) => sql`
  select ${sql.join(keys.map((key) => sql.ref(key)))}, currency_code,
    count(*) as item_count,
    count(amount) as amount_count,
    sum(amount) as amount,
    sum(converted_amount) as converted_amount,
    count(*) filter (where amount is not null and converted_amount is null) as unconverted_count,
    sum(amount) filter (where converted_amount is null) as unconverted_amount
  from (${rows} offset 0) item
  group by ${sql.join(keys.map((key) => sql.ref(key)))}, currency_code`

/** Columns that a figure takes from its sums as they are. */
export const itemColumns = sql`currency_code, item_count, amount_count, amount, converted_amount,
  unconverted_count, unconverted_amount`

/** Columns of a row that counts nothing, and keeps an empty group in the figure. */
export const noItems = sql`null::text as currency_code, 0 as item_count, 0 as amount_count,
  null::numeric as amount, null::numeric as converted_amount, 0 as unconverted_count,
  null::numeric as unconverted_amount`

interface GroupRow {
  readonly figure: string
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

/** Groups each figure by period and label, in the order of position, label and period. */
export function readFigures<Name extends string>(
  query: Kysely<Database>,
  items: Items,
  figures: Readonly<Record<Name, Figure>>,
): Promise<Record<Name, PeriodGroup[]>> {
  return readSums(query, sql`sums as materialized (${sumsOf(items)}),`, figures)
}

/** The same for figures that are no sums of items. */
export function readSummed<Name extends string>(
  query: Kysely<Database>,
  figures: Readonly<Record<Name, Figure>>,
): Promise<Record<Name, PeriodGroup[]>> {
  return readSums(query, sql``, figures)
}

async function readSums<Name extends string>(
  query: Kysely<Database>,
  sums: RawBuilder<unknown>,
  figures: Readonly<Record<Name, Figure>>,
): Promise<Record<Name, PeriodGroup[]>> {
  const names = Object.keys(figures) as Name[]
  const all = names.map(
    (name) => sql`select ${name}::text as figure, one.* from (${figures[name]}) one`,
  )
  const { rows } = await sql<GroupRow>`
    with ${sums}
    item as (${sql.join(all, sql` union all `)})
    select
      figure,
      period,
      label,
      currency_code,
      ${minorUnitOf('item')} as minor_unit,
      coalesce(sum(item_count), 0)::bigint as item_count,
      coalesce(sum(amount_count), 0)::bigint as amount_count,
      sum(amount)::text as amount,
      round(sum(converted_amount), ${reportingMinorUnit})::text as converted_amount,
      coalesce(sum(unconverted_count), 0)::bigint as unconverted_count,
      sum(unconverted_amount)::text as unconverted_amount
    from item
    group by grouping sets (
      (figure, period, position, label, currency_code), (figure, period, position, label))
    having currency_code is not null or grouping(currency_code) = 1
    order by position, label, period, grouping(currency_code) desc, currency_code`.execute(query)
  const read = names.map((name) => [name, groupsOf(rows.filter(({ figure }) => figure === name))])
  return Object.fromEntries(read)
}

/** The groups of one figure, each with the amounts of its currencies. */
function groupsOf(rows: readonly GroupRow[]): PeriodGroup[] {
  const groups: PeriodGroup[] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (row.currency_code !== null && last !== undefined) addCurrency(last.amounts, row)
    else groups.push(toGroup(row))
  }
  return groups
}

/** The only group of a figure that has one period and label. */
export function onlyGroup([group]: readonly PeriodGroup[]): Group {
  return group ?? { label: '', count: 0, amounts: noAmounts }
}

const noAmounts: Amounts = { converted: null, unconverted: [], by_currency: [] }

/** Decimals of the currency of a row. */
export const minorUnitOf = (row: string) => sql`coalesce((
        select currency.minor_unit
        from dw.dim_currency currency
        where currency.currency_code = ${sql.ref(`${row}.currency_code`)}), 2)::integer`

/**
 * Decimals of the reporting currency, to which converted sums are rounded. Readers may not read its
 * setting; it is the currency that is worth itself on every day.
 */
export const reportingMinorUnit = sql`coalesce((
  select currency.minor_unit
  from dw.dim_currency currency
  join dw.fx_rate own
    on own.currency_code = currency.currency_code
    and own.rate_date = (now() at time zone 'utc')::date
    and own.rate_source = 'identity'), 2)::integer`

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
