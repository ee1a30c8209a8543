import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { applyFiscalYear } from '../../src/pipeline/stored-settings/fiscal-year.ts'
import { readReport } from '../../src/report/queries/read-report.ts'
import { applyGrants } from '../../src/warehouse/access/grants.ts'
import { groups } from '../../src/warehouse/access/roles.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { migrateUpTo } from '../support/migrate-up-to.ts'
import { runCli } from '../support/run-cli.ts'
import { failureOf, withHome, withPipeline } from '../support/with-pipeline.ts'

const twoDigits = (year: number) => String(year % 100).padStart(2, '0')
const isoDay = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** Fiscal columns of a day, found by walking back month by month to the start of the year. */
function fiscalOf(day: string, startMonth: number): string {
  let [year = 0, month = 0] = day.split('-').map(Number)
  let fiscalMonth = 1
  for (; month !== startMonth; fiscalMonth++) {
    month = month === 1 ? 12 : month - 1
    if (month === 12) year -= 1
  }
  const quarter = Math.ceil(fiscalMonth / 3)
  const quarterMonth = month - 1 + 3 * (quarter - 1)
  const quarterEnd = isoDay(Date.UTC(year, quarterMonth + 3, 0))
  const yearEnd = isoDay(Date.UTC(year, month - 1 + 12, 0))
  const label = `FY${twoDigits(Number(yearEnd.slice(0, 4)))}`
  return [
    Number(yearEnd.slice(0, 4)),
    label,
    quarter,
    `${label} Q${quarter}`,
    fiscalMonth,
    isoDay(Date.UTC(year, quarterMonth, 1)),
    quarterEnd,
    isoDay(Date.UTC(year, month - 1, 1)),
    yearEnd,
    day === quarterEnd,
    day === yearEnd,
  ].join('|')
}

/** Days whose fiscal columns are not those of a year that starts in `startMonth`. */
async function wrongDays(db: Kysely<Database>, startMonth: number): Promise<string[]> {
  const { rows } = await sql<{ day: string; fiscal: string }>`
    select date_day as day, concat_ws('|', fiscal_year, fiscal_year_label, fiscal_quarter,
      fiscal_quarter_label, fiscal_month, fiscal_quarter_start_date, fiscal_quarter_end_date,
      fiscal_year_start_date, fiscal_year_end_date,
      case when is_fiscal_quarter_end then 'true' else 'false' end,
      case when is_fiscal_year_end then 'true' else 'false' end) as fiscal
    from dw.dim_date
    order by date_day`.execute(db)
  expect(rows).toHaveLength(36_525)
  return rows
    .filter(({ day, fiscal }) => fiscal !== fiscalOf(day, startMonth))
    .map(({ day }) => day)
}

test('applyFiscalYear gives every day of the calendar the labels of the month that starts the year', () =>
  withDatabase(async (db) => {
    expect(await wrongDays(db, 7)).toEqual([])
    for (const month of [1, 12, 4]) {
      expect(await applyFiscalYear(db, month)).toBe(36_525)
      expect({ month, wrong: await wrongDays(db, month) }).toEqual({ month, wrong: [] })
    }
    // Written by hand, beside the arithmetic above.
    const { rows } = await sql<{ label: string }>`
      select fiscal_quarter_label as label from dw.dim_date
      where date_day in ('2026-03-31', '2026-04-01', '2026-12-31', '2027-01-01')
      order by date_day`.execute(db)
    expect(rows.map(({ label }) => label)).toEqual(['FY26 Q4', 'FY27 Q1', 'FY27 Q3', 'FY27 Q4'])
  }))

test('applyFiscalYear follows a month that was stored by hand, and writes nothing when it is in force', () =>
  withDatabase(async (db) => {
    const store = (value: string) =>
      sql`update etl.setting set setting_value = ${value}
        where setting_name = 'fiscal_year_start_month'`.execute(db)
    expect(await applyFiscalYear(db, undefined)).toBe(0)
    await store('4')
    expect(await applyFiscalYear(db, undefined)).toBe(36_525)
    expect(await applyFiscalYear(db, undefined)).toBe(0)
    expect(await applyFiscalYear(db, 4)).toBe(0)
    for (const value of ['0', '13', 'July', '07', '']) {
      await store(value)
      expect(await failureOf(applyFiscalYear(db, undefined))).toMatchObject({
        code: 'setting.invalid',
        exitCode: 78,
      })
    }
    expect(await wrongDays(db, 4)).toEqual([])
    // A month from the configuration replaces what cannot be read.
    await applyFiscalYear(db, 4)
    expect(await applyFiscalYear(db, undefined)).toBe(0)
  }))

test('applyFiscalYear shows readers the old calendar or the new one, and never a part of it', () =>
  withDatabase(async (db) => {
    const seen = new Set<number>()
    let isOver = false
    const changes = (async () => {
      for (const month of [1, 4]) await applyFiscalYear(db, month)
      isOver = true
    })()
    do {
      const { rows } = await sql<{ month: number }>`
        select distinct extract(month from fiscal_year_start_date)::integer as month
        from dw.dim_date`.execute(db)
      expect(rows).toHaveLength(1)
      seen.add(rows[0]?.month ?? 0)
    } while (!isOver)
    await changes
    expect(seen.size).toBeGreaterThan(1)
  }))

test('cosell migrate as the loader brings COSELL_FISCAL_YEAR_START_MONTH to marts and report', () =>
  withPipeline({ referrals: 120, seed: 5 }, async ({ db, url, home, sandbox, run }) => {
    await run()
    await applyGrants(db)
    await asLogin(url, [groups.loader], async (login) => {
      const migrate = (settings: Record<string, string>) =>
        runCli(['migrate'], { cwd: home, env: { COSELL_DATABASE_URL: login.url, ...settings } })
      const month = { COSELL_FISCAL_YEAR_START_MONTH: '4' }
      const { code, stderr } = await migrate(month)
      expect({ code, stderr }).toMatchObject({ code: 0 })
      expect(stderr).toContain('its labels changed')
      // What is stored stays in force where the setting is not given.
      expect(await migrate({})).toMatchObject({ code: 0 })
      expect(await migrate({ COSELL_FISCAL_YEAR_START_MONTH: '13' })).toMatchObject({ code: 78 })
    })
    expect(await wrongDays(db, 4)).toEqual([])
    const labelOf = (day: string) => fiscalOf(day, 4).split('|')
    for (const [view, day, year, quarter] of labelled) {
      const { rows } = await sql<{ day: string; year: string; quarter: string }>`
        select ${sql.ref(day)} as day, ${sql.ref(year)} as year, ${sql.ref(quarter)} as quarter
        from ${sql.table(`mart.${view}`)}
        where ${sql.ref(day)} is not null`.execute(db)
      expect(rows.length, view).toBeGreaterThan(5)
      const expected = rows.map((row) => {
        const [, yearLabel, , quarterLabel] = labelOf(row.day)
        return { day: row.day, year: yearLabel, quarter: quarterLabel }
      })
      expect(rows, view).toEqual(expected)
    }
    const today = sandbox.now().slice(0, 10)
    const report = await readReport(db, new Date(sandbox.now()), today)
    expect(report.headline.fiscal_year_label).toBe(labelOf(today)[1])
  }))

test('cosell migrate upgrades a filled warehouse in place: the month stored by hand, and sizes', () =>
  withEmptyDatabase((db, url) =>
    withHome(async (home) => {
      await migrateUpTo(db, '0020')
      await sql`
        update etl.setting set setting_value = '4'
        where setting_name = 'fiscal_year_start_month'`.execute(db)
      await sql`
        insert into dw.dim_customer
          (partner_account_key, profile_hash, customer_match_id, customer_name, customer_size,
            created_run_id)
        select 1, size, size, size, size, 1
        from unnest(${sizes.map(([size]) => size)}::text[]) size`.execute(db)
      const options = { cwd: home, env: { COSELL_DATABASE_URL: url } }
      expect(await runCli(['migrate'], options)).toMatchObject({ code: 0 })
      expect(await wrongDays(db, 4)).toEqual([])
      const { rows } = await sql<{ size: string; greatest: number | null }>`
        select customer_size as size, customer_size_max_employees as greatest
        from dw.dim_customer
        order by customer_key`.execute(db)
      expect(rows).toEqual(sizes.map(([size, greatest]) => ({ size, greatest })))
    }),
  ))

const sizes = [
  ['51to250employees', 250],
  ['1TO50Employees', 50],
  ['Morethan500employees', null],
  ['(Not provided)', null],
  ['1to99999999999employees', null],
] as const

/** Views with a day, and the fiscal year and quarter of that day. */
const labelled = [
  ['referral', 'created_date', 'created_fiscal_year', 'created_fiscal_quarter'],
  ['referral', 'closed_date', 'closed_fiscal_year', 'closed_fiscal_quarter'],
  ['registration', 'registered_date', 'registered_fiscal_year', 'registered_fiscal_quarter'],
  ['acv_line', 'contract_sign_date', 'sign_fiscal_year', 'sign_fiscal_quarter'],
  ['acv_schedule', 'period_start_date', 'period_start_fiscal_year', 'period_start_fiscal_quarter'],
  ['status_transition', 'changed_date', 'changed_fiscal_year', 'changed_fiscal_quarter'],
  ['deal', 'closed_date', 'closed_fiscal_year', 'closed_fiscal_quarter'],
] as const
