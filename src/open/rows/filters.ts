import { type RawBuilder, sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { Choice } from '../answers.ts'
import { BadRequest } from '../choice.ts'

export type Expression = RawBuilder<unknown>
export type Query = Kysely<Database>

/** A first and a last day. */
export interface Period {
  readonly from: string
  readonly to: string
}

/** A choice whose periods are known by their days. */
export interface Chosen {
  readonly choice: Choice
  /** Empty when no period was chosen. */
  readonly periods: readonly Period[]
}

/** Looks up the days of the periods. @throws BadRequest for a period that the calendar has not. */
export async function resolve(query: Query, choice: Choice): Promise<Chosen> {
  if (choice.period.length === 0) return { choice, periods: [] }
  const { rows } = await sql<Period & { label: string }>`
    select label, min(day.date_day) as from, max(day.date_day) as to
    from dw.dim_date day
    cross join lateral (values (day.fiscal_year_label), (day.fiscal_quarter_label)) known (label)
    where known.label = any(${choice.period}::text[])
    group by label
    order by min(day.date_day)`.execute(query)
  const unknown = choice.period.find((wanted) => rows.every(({ label }) => label !== wanted))
  if (unknown !== undefined) {
    throw new BadRequest(
      `period: expected a fiscal year such as FY26 or a quarter such as FY26 Q3, got ${unknown.slice(0, 40)}.`,
    )
  }
  return { choice, periods: rows.map(({ from, to }) => ({ from, to })) }
}

/** Columns of the rows that a choice is applied to, each as an expression. */
export interface FilterColumns {
  readonly account: Expression
  readonly area: Expression
  readonly play: Expression
  readonly country: Expression
  readonly dealType: Expression
  readonly currency: Expression
  /** Day that the periods filter; undefined where they filter nothing. */
  readonly day?: Expression
}

/** Returns the condition of a choice; `true` where nothing was chosen. */
export function filterOf({ choice, periods }: Chosen, columns: FilterColumns): Expression {
  const among = (column: Expression, values: readonly string[]) =>
    values.length === 0 ? [] : [sql`${column} = any(${values}::text[])`]
  const { account, currency } = choice
  const conditions = [
    ...(account.length === 0
      ? []
      : [
          sql`${columns.account} in (
            select chosen.partner_account_key
            from dw.dim_partner_account chosen
            where chosen.account_code = any(${account}::text[]))`,
        ]),
    ...among(columns.area, choice.area),
    ...among(columns.play, choice.play),
    ...among(sql`coalesce(${columns.country}, '')`, choice.country),
    ...among(columns.dealType, choice.deal_type),
    ...(currency === null ? [] : [sql`${columns.currency} = ${currency}`]),
    ...(columns.day === undefined ? [] : [isWithin(columns.day, periods)]),
  ]
  return all(conditions)
}

/** Whether a day lies in one of the periods; true without any. */
export function isWithin(day: Expression, periods: readonly Period[]): Expression {
  if (periods.length === 0) return sql`true`
  const each = periods.map(({ from, to }) => sql`${day} between ${from}::date and ${to}::date`)
  return sql`(${sql.join(each, sql` or `)})`
}

export function all(conditions: readonly Expression[]): Expression {
  return conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` and `)})`
}
