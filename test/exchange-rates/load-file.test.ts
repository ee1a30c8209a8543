import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { loadInventedRates } from '../../src/cli/commands/try/demo.ts'
import { loadRateFile } from '../../src/exchange-rates/load-file.ts'
import { inventedRates } from '../../src/sandbox/data/invented-rates.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome, withPipeline } from '../support/with-pipeline.ts'

const fixtures = fileURLToPath(new URL('../fixtures/rates/', import.meta.url))
const history = path.join(fixtures, 'ecb_history_invented.csv')

async function count(db: Kysely<Database>, table: 'etl.fx_quote' | 'dw.fx_rate') {
  const { rows } = await sql<{ rows: number }>`
    select count(*) as rows from ${sql.table(table)}`.execute(db)
  return rows[0]?.rows
}

describe('cosell fx', () => {
  test('cosell fx loads a history once, and writes nothing the second time', () =>
    withDatabase((db, url) =>
      withHome(async (home) => {
        const options = { cwd: home, env: { COSELL_DATABASE_URL: url } }
        const first = await runCli(['fx', history, '--json'], options)
        expect(first).toMatchObject({ code: 0 })
        expect(resultOf(first)).toEqual({
          status: 'loaded',
          source: 'ECB',
          reporting_currency: 'USD',
          rates: 18,
          currencies: 4,
          from: '1999-12-31',
          to: '2026-03-09',
          quotes_written: 18,
          // The rates of 1999 are carried for 7 days in three currencies. Those of February make 8
          // days in four, those of March 12 days in three and 9 in the one that ends a day early.
          rows_written: 7 * 3 + 8 * 4 + 12 * 3 + 9,
          missing_rate_findings: 0,
          warehouse: expect.stringMatching(/^127\.0\.0\.1:\d+\/cosell_test_\w+$/),
        })
        const second = await runCli(['fx', history, '--json'], options)
        expect(resultOf(second)).toMatchObject({ quotes_written: 0, rows_written: 0 })
        const rate = await sql<{ rate: string }>`
          select concat_ws(' ', rate_to_reporting, observed_date, rate_source) as rate
          from dw.fx_rate
          where currency_code = 'JPY' and rate_date = '2026-03-08'`.execute(db)
        expect(rate.rows).toEqual([{ rate: '0.0080000000 2026-03-06 ECB' }])
      }),
    ))

  test('cosell fx stores COSELL_REPORTING_CURRENCY together with the rates into it', () =>
    withDatabase((db, url) =>
      withHome(async (home) => {
        const env = { COSELL_DATABASE_URL: url, COSELL_REPORTING_CURRENCY: 'GBP' }
        const { code, stdout } = await runCli(['fx', history], { cwd: home, env })
        expect(code).toBe(0)
        expect(stdout).toMatch(
          /^Read 18 rates \(ECB\) of 4 currencies, from 1999-12-31 to 2026-03-09\./,
        )
        const rate = await sql<{ rate: string }>`
          select rate_to_reporting as rate from dw.fx_rate
          where currency_code = 'USD' and rate_date = '2026-03-09'`.execute(db)
        expect(rate.rows).toEqual([{ rate: '0.6400000000' }])
      }),
    ))

  test.each([
    ['a wrong line', '2026-03-09,1.25,,\n', 65, ':7: expected 5 values'],
    [
      'a line that contradicts another one',
      '2026-03-09,1.25,160.00,0.9,N/A,\n',
      65,
      ':7: expected the rate of GBP',
    ],
  ])('cosell fx writes nothing of a file with %s', async (_, line, exit, says) =>
    withDatabase((db, url) =>
      withHome(async (home) => {
        const file = path.join(home, 'bad.csv')
        await writeFile(file, (await readFile(history, 'utf8')) + line)
        const env = { COSELL_DATABASE_URL: url, COSELL_REPORTING_CURRENCY: 'GBP' }
        const { code, stderr } = await runCli(['fx', file], { cwd: home, env })
        expect(code).toBe(exit)
        expect(stderr).toContain(`${file}${says}`)
        expect(await count(db, 'etl.fx_quote')).toBe(0)
        const setting = await db
          .selectFrom('etl.setting')
          .select('setting_value')
          .where('setting_name', '=', 'reporting_currency')
          .execute()
        expect(setting).toEqual([{ setting_value: 'USD' }])
      }),
    ),
  )

  test('loadRateFile reads a plain file from standard input, and accepts tomorrow by UTC', () =>
    withDatabase(async (db) => {
      const text = await readFile(path.join(fixtures, 'bom_crlf_plain.csv'))
      const standardInput = Readable.from([text])
      const now = new Date('2026-03-05T23:00:00Z')
      const summary = await loadRateFile({ query: db }, { path: '-', standardInput, now })
      expect(summary).toMatchObject({ source: 'manual', rates: 2, from: '2026-03-06' })
      const rate = await sql<{ rate: string }>`
          select rate_to_reporting as rate from dw.fx_rate
          where currency_code = 'EUR' and rate_date = '2026-03-13'`.execute(db)
      expect(rate.rows).toEqual([{ rate: '1.2500000000' }])
    }))

  test('cosell fx ends with usage for a file that does not exist', () =>
    withDatabase((_, url) =>
      withHome(async (home) => {
        const env = { COSELL_DATABASE_URL: url }
        const { code, stderr } = await runCli(['fx', 'nothing.csv'], { cwd: home, env })
        expect(code).toBe(2)
        expect(stderr).toContain('Cannot read nothing.csv (ENOENT)')
      }),
    ))
})

describe('inventedRates', () => {
  test('inventedRates covers every working day of the deals of the sandbox', () => {
    const rates = inventedRates(Date.UTC(2026, 10, 23))
    const days = new Set(rates.map((rate) => rate.date))
    expect(Math.min(...[...days].map((day) => Date.parse(day)))).toBe(Date.UTC(2020, 0, 1))
    expect([days.has('2026-11-22'), days.has('2026-11-23'), days.has('2026-11-24')]).toEqual([
      false,
      true,
      false,
    ])
    expect(rates).toHaveLength(days.size * 11)
    expect(rates.find((rate) => rate.currency === 'KWD')?.perDollar).toBe('0.31')
  })

  test('invented rates leave only amounts without a currency or day unconverted', () =>
    withPipeline({ referrals: 150, seed: 4 }, async ({ db, warehouse, run }) => {
      await loadInventedRates(warehouse, undefined, new Date())
      await run()
      const { rows } = await sql<{ finding: string }>`
        select distinct item_ref || ' ' || detail as finding from etl.dq_finding
        where rule_code = 'missing_fx_rate' and item_ref <> 'XXX'`.execute(db)
      expect(rows).toEqual([])
      expect(await run()).toMatchObject({ rows_written: 0 })
    }))

  test('invented rates convert the deal values of the marts', () =>
    withPipeline({ referrals: 150, seed: 4 }, async ({ db, warehouse, run }) => {
      await loadInventedRates(warehouse, undefined, new Date())
      await run()
      const { rows } = await sql<{ converted: number; exact: number; missing: number }>`
        select count(deal_value_reporting_amount) as converted,
          count(*) filter (where deal_value_reporting_amount
            = deal_value_amount * case currency_code when 'USD' then 1 else rate.per end) as exact,
          count(*) filter (where deal_value_reporting_amount is null
            and deal_value_amount <> 0 and currency_code <> 'XXX') as missing
        from mart.referral
        left join lateral (
          select rate_to_reporting as per from dw.fx_rate
          where fx_rate.currency_code = referral.currency_code and rate_source = 'sandbox' limit 1
        ) rate on true`.execute(db)
      expect(rows[0]?.missing).toBe(0)
      expect(rows[0]?.converted).toBeGreaterThan(100)
      expect(rows[0]?.exact).toBe(rows[0]?.converted)
    }))
})
