import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withEmptyDatabase } from '../support/database.ts'
import { migrateUpTo } from '../support/migrate-up-to.ts'
import { runCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

/** Rates as an earlier version stored them: ten decimals, and the kuna for a week after its end. */
async function storeOldRates(db: Kysely<Database>) {
  await sql`
    insert into etl.fx_quote
      (rate_source, base_currency_code, currency_code, observed_date, base_units, currency_units)
    values
      ('ECB', 'EUR', 'USD', '2022-12-30', 1, 1.0666),
      ('ECB', 'EUR', 'HRK', '2022-12-30', 1, 7.5365),
      ('ECB', 'EUR', 'IDR', '2022-12-30', 1, 16519.82)`.execute(db)
  await sql`
    insert into dw.fx_rate (currency_code, rate_date, rate_to_reporting, observed_date, rate_source)
    select currency_code, date '2022-12-30' + day, rate, '2022-12-30', 'ECB'
    from (values ('EUR', 1.0666), ('HRK', 0.1415245804), ('IDR', 0.0000645649)) old(currency_code, rate)
    cross join generate_series(0, 7) day`.execute(db)
}

describe('an upgrade in place', () => {
  test('cosell migrate derives rates of an earlier version again', () =>
    withEmptyDatabase((db, url) =>
      withHome(async (home) => {
        await migrateUpTo(db, '0019')
        await storeOldRates(db)
        const options = { cwd: home, env: { COSELL_DATABASE_URL: url } }
        expect(await runCli(['migrate'], options)).toMatchObject({ code: 0 })
        const { rows } = await sql<{ rate: string }>`
          select concat_ws(' ', currency_code, rate_date, trim_scale(reporting_units),
            trim_scale(currency_units), rate_source) as rate
          from dw.fx_rate
          where currency_code in ('HRK', 'IDR') and rate_date in ('2022-12-31', '2023-01-01')
          order by currency_code, rate_date`.execute(db)
        expect(rows.map(({ rate }) => rate)).toEqual([
          'HRK 2022-12-31 1.0666 7.5365 ECB',
          'HRK 2023-01-01 1.0666 7.5345 fixed',
          'IDR 2022-12-31 1.0666 16519.82 ECB',
          'IDR 2023-01-01 1.0666 16519.82 ECB',
        ])
      }),
    ))
})
