import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { loadInventedRates } from '../../src/cli/commands/try/demo.ts'
import { renderRates } from '../../src/cli/text/exchange-rates.ts'
import { loadRateFile } from '../../src/exchange-rates/load-file.ts'
import { inventedRates } from '../../src/sandbox/data/invented-rates.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { failureOf, withHome, withPipeline } from '../support/with-pipeline.ts'

const fixtures = fileURLToPath(new URL('../fixtures/rates/', import.meta.url))
const history = path.join(fixtures, 'ecb_history_invented.csv')

async function count(db: Kysely<Database>, table: 'etl.fx_quote' | 'dw.fx_rate') {
  const { rows } = await sql<{ rows: number }>`
    select count(*) as rows from ${sql.table(table)}`.execute(db)
  return rows[0]?.rows
}

const inputOf = (text: string) => Readable.from([Buffer.from(text)])

/** Text of a plain file. */
const monthly = (...lines: string[]) => ['currency,date,rate', ...lines, ''].join('\n')

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
          days: 9_566,
          // Its five dates are 31 December, 2 February, and 5, 6 and 9 March.
          days_covered: 8 + 8 + 1 + 3 + 1,
          days_carried: 7,
          quotes_written: 18,
          // The rates of 1999 are carried for 7 days in three currencies. Those of February make 8
          // days in four, those of March 12 days in three and 9 in the one that ends a day early.
          // From its changeover on, each currency that joined the euro has the rate of the euro: none
          // in 1999, nine on the 8 days of February and the 12 of March.
          rows_written: 7 * 3 + 8 * 4 + 12 * 3 + 9 + 9 * (8 + 12),
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

  test('cosell fx says how many days monthly rates cover, and carries them as --carry-days says', () =>
    withDatabase((db, url) =>
      withHome(async (home) => {
        const file = path.join(home, 'monthly.csv')
        await writeFile(file, monthly('EUR,2025-01-01,1.1', 'EUR,2025-02,1.2', 'EUR,2025-03,1.3'))
        const request = { path: file, standardInput: process.stdin, now: new Date() }
        const short = renderRates(await loadRateFile({ query: db }, request))
        // Eight days of January, eight of February, and 1 March.
        expect(short).toContain('for 7 days at most: 17 of the 60 days have one.')
        expect(short).toContain('--carry-days 30')
        const options = { cwd: home, env: { COSELL_DATABASE_URL: url } }
        const long = await runCli(['fx', file, '--carry-days', '30'], options)
        expect(long.stdout).toContain('A rate is used until the next one, for 30 days at most.\n')
        const { rows } = await sql<{ days: string }>`
          select concat_ws(' ', observed_date, count(*), max(rate_date)) as days
          from dw.fx_rate where currency_code = 'EUR' group by observed_date order by 1`.execute(db)
        expect(rows.map(({ days }) => days)).toEqual([
          '2025-01-01 31 2025-01-31',
          '2025-02-01 28 2025-02-28',
          '2025-03-01 31 2025-03-31',
        ])
        expect(await runCli(['fx', file, '--carry-days', '367'], options)).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('Expected a number of days from 0 to 366.'),
        })
      }),
    ))

  const rupiah = 'Date,USD,IDR,\n2025-02-28,1.04,17150,\n2025-02-27,1.04,17140,\n'
  test.each([
    // A Sunday, on which the ECB quotes nothing.
    ['a source that is stored', rupiah, monthly('IDR,2025-03-02,16250'), 2],
    ['a file that is stored', monthly('IDR,2025-03-02,16250'), rupiah, 2],
    [
      'its own source',
      monthly('IDR,2025-01-02,0.000061', 'GBP,2025-02-01,1.2'),
      monthly('GBP,2025-02-02,1.2', 'IDR,2025-02-02,16250'),
      3,
    ],
  ])('loadRateFile rejects a rate turned round against %s', (_, stored, file, line) =>
    withDatabase(async (db) => {
      const now = new Date('2026-03-05T23:00:00Z')
      const loadText = (text: string) =>
        loadRateFile({ query: db }, { path: '-', standardInput: inputOf(text), now })
      await loadText(stored)
      const before = await count(db, 'etl.fx_quote')
      const failure = await failureOf(loadText(file))
      expect(failure).toMatchObject({ code: 'rates.invalid', exitCode: 65 })
      expect(failure.message).toContain(`standard input:${line}: expected a rate of IDR on 2025-0`)
      expect(failure.message).toContain('less than 100 times off the stored ')
      expect(await count(db, 'etl.fx_quote')).toBe(before)
    }),
  )

  test('loadRateFile accepts a corrected file in place of a rate turned round', () =>
    withDatabase(async (db) => {
      const now = new Date('2026-03-05T23:00:00Z')
      for (const text of [
        monthly('IDR,2025-03-02,16250', 'IDR,2025-04-02,16350'),
        monthly('IDR,2025-03-02,0.0000615', 'IDR,2025-04-02,0.0000611'),
        rupiah,
      ]) {
        const standardInput = inputOf(text)
        expect(await loadRateFile({ query: db }, { path: '-', standardInput, now })).toMatchObject({
          status: 'loaded',
        })
      }
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
        select distinct item_ref || ' ' || detail as finding from dw.fact_finding
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
            = round(deal_value_amount / coalesce(quote.per_dollar, 1), 4)) as exact,
          count(*) filter (where deal_value_reporting_amount is null
            and deal_value_amount <> 0 and currency_code <> 'XXX') as missing
        from mart.referral
        left join lateral (
          select currency_units as per_dollar from etl.fx_quote
          where fx_quote.currency_code = referral.currency_code limit 1
        ) quote on true`.execute(db)
      expect(rows[0]?.missing).toBe(0)
      expect(rows[0]?.converted).toBeGreaterThan(100)
      expect(rows[0]?.exact).toBe(rows[0]?.converted)
    }))
})
