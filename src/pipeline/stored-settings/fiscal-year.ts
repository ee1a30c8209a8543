import { sql } from 'kysely'
import { parseFiscalYearStartMonth } from '../../load/runs/settings.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import { inTransaction } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

const settingName = 'fiscal_year_start_month'

/**
 * Makes the fiscal years of `dw.dim_date` start in the given month, else in that of `etl.setting`, and
 * returns the number of days that changed. Setting and calendar change in one transaction. Views join
 * the calendar, so their labels follow at once. Writes nothing when the calendar already is right.
 *
 * @throws CosellError `configuration` when the stored month is none.
 */
export async function applyFiscalYear(
  query: Kysely<Database>,
  given: number | undefined,
): Promise<number> {
  const stored = await storedMonth(query).executeTakeFirst()
  const wanted = given ?? parseFiscalYearStartMonth(stored?.setting_value)
  const isStored = stored?.setting_value === String(wanted)
  if (isStored && (await monthOfCalendar(query)) === wanted) return 0
  return inTransaction(query, async (transaction) => {
    if (given !== undefined) await storeMonth(transaction, given)
    // Locked: a month that is stored meanwhile by hand would be missed.
    const row = await storedMonth(transaction).forUpdate().executeTakeFirst()
    return startYearIn(transaction, parseFiscalYearStartMonth(row?.setting_value))
  })
}

function storedMonth(query: Kysely<Database>) {
  return query
    .selectFrom('etl.setting')
    .select('setting_value')
    .where('setting_name', '=', settingName)
}

/** Looks at the calendar itself, since the setting may have been changed by hand. */
async function monthOfCalendar(query: Kysely<Database>): Promise<number | undefined> {
  const first = await query
    .selectFrom('dw.dim_date')
    .select(sql<number>`extract(month from fiscal_year_start_date)::integer`.as('month'))
    .orderBy('date_day')
    .limit(1)
    .executeTakeFirst()
  return first?.month
}

async function storeMonth(transaction: Transaction<Database>, month: number) {
  await transaction
    .insertInto('etl.setting')
    .values({ setting_name: settingName, setting_value: String(month) })
    .onConflict((on) =>
      on.column('setting_name').doUpdateSet({ setting_value: sql`excluded.setting_value` }),
    )
    .execute()
}

/** Months are counted from timestamps: from dates they would depend on the zone of the session. */
async function startYearIn(transaction: Transaction<Database>, month: number): Promise<number> {
  const { numAffectedRows } = await sql`
    with place as (
      select
        date_day,
        month_start_date::timestamp as month_start,
        (month_number - ${month}::integer + 12) % 12 as months_into_year
      from dw.dim_date
    ),
    fiscal as (
      select
        date_day,
        months_into_year + 1 as fiscal_month,
        months_into_year / 3 + 1 as fiscal_quarter,
        month_start - make_interval(months => months_into_year) as year_start,
        month_start - make_interval(months => months_into_year % 3) as quarter_start
      from place
    ),
    bounded as (
      select
        *,
        (year_start + interval '12 months' - interval '1 day')::date as year_end_date,
        (quarter_start + interval '3 months' - interval '1 day')::date as quarter_end_date
      from fiscal
    )
    update dw.dim_date as calendar
    set
      fiscal_year = extract(year from year_end_date),
      fiscal_year_label = 'FY' || to_char(year_end_date, 'YY'),
      fiscal_quarter = bounded.fiscal_quarter,
      fiscal_quarter_label = 'FY' || to_char(year_end_date, 'YY') || ' Q' || bounded.fiscal_quarter,
      fiscal_month = bounded.fiscal_month,
      fiscal_quarter_start_date = quarter_start::date,
      fiscal_quarter_end_date = quarter_end_date,
      fiscal_year_start_date = year_start::date,
      fiscal_year_end_date = year_end_date,
      is_fiscal_quarter_end = calendar.date_day = quarter_end_date,
      is_fiscal_year_end = calendar.date_day = year_end_date
    from bounded
    where bounded.date_day = calendar.date_day
      and bounded.fiscal_month <> calendar.fiscal_month`.execute(transaction)
  return Number(numAffectedRows ?? 0)
}
