import { sql } from 'kysely'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../src/pipeline/run.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'
import { type Digest, digestState } from '../../support/digest.ts'
import { failureOf, silent } from '../../support/load-referrals.ts'
import { pgbouncer, withPgbouncer } from '../../support/pgbouncer.ts'
import { contextOf, type TestPipeline, withPipeline } from '../../support/with-pipeline.ts'

const population = { referrals: 60, seed: 5, pageCap: 20 }
const ignored = ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_partner_account']

/** Settings of the database with which every value would be read otherwise, or cut off. */
const hostile = {
  TimeZone: 'America/New_York',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  search_path: 'mart',
  default_transaction_isolation: 'serializable',
  statement_timeout: '1s',
  idle_in_transaction_session_timeout: '1s',
}

async function makeHostile({ db, url }: Pick<TestPipeline, 'db' | 'url'>) {
  const database = sql.id(new URL(url).pathname.slice(1))
  for (const [name, value] of Object.entries(hostile)) {
    const set = sql.join([sql.lit(value)])
    await sql`alter database ${database} set ${sql.raw(name)} = ${set}`.execute(db)
  }
}

/** Settings and locks of the server's session that another client of the pooler gets. */
async function leftBehind(pooledUrl: string) {
  const client = new pg.Client({ connectionString: pooledUrl })
  await client.connect()
  try {
    const { rows } = await client.query(
      `select name, setting from pg_settings where source = 'session'
         and name <> 'application_name' and name <> 'client_encoding'
       union all select 'lock', objid::text from pg_locks where locktype = 'advisory'`,
    )
    return rows
  } finally {
    await client.end()
  }
}

/** Loads a night over an address, and then all of it again. */
async function load(url: string, { sandbox, home }: TestPipeline) {
  const warehouse = await openDatabase(url, silent)
  try {
    const context = contextOf(warehouse, home, [], demoSettings(sandbox.url))
    const first = await run(context, false)
    await run(context, true)
    return first
  } finally {
    await warehouse.close()
  }
}

// Debian's package pgbouncer; where it is missing, these tests are skipped.
describe.skipIf(pgbouncer === undefined)('a load through PgBouncer', () => {
  let direct: Digest = {}
  beforeAll(() =>
    withPipeline(population, async (nights) => {
      await load(nights.url, nights)
      direct = await digestState(nights.db, ignored)
    }),
  )

  test.each([
    { mode: 'transaction', lines: [] },
    { mode: 'transaction', lines: ['ignore_startup_parameters = options,extra_float_digits'] },
    { mode: 'session', lines: [] },
  ])('a load in $mode mode with $lines equals one over a direct connection', ({ mode, lines }) =>
    withPipeline(population, async (nights) => {
      await makeHostile(nights)
      await withPgbouncer(nights.url, [`pool_mode = ${mode}`, ...lines], async (pooledUrl) => {
        expect(await load(pooledUrl, nights)).toMatchObject({ status: 'published', quarantined: 0 })
        expect(await leftBehind(pooledUrl)).toEqual([])
      })
      expect(await digestState(nights.db, ignored)).toEqual(direct)
    }),
  )

  test('two migrations at once in transaction mode make one schema, and leave no lock', () =>
    withEmptyDatabase((db, url) =>
      withPgbouncer(url, ['pool_mode = transaction'], async (pooledUrl) => {
        const both = await Promise.all([openDatabase(pooledUrl), openDatabase(pooledUrl)])
        const applied = await Promise.all(both.map(({ query }) => migrate(query)))
        await Promise.all(both.map(({ close }) => close()))
        const { rows } = await sql<{ name: string }>`
          select name from etl.migration order by name`.execute(db)
        expect(applied.flat().sort()).toEqual(rows.map(({ name }) => name))
        expect(await leftBehind(pooledUrl)).toEqual([])
      }),
    ))

  test('statements outside of transactions have the settings of a direct connection', () =>
    withDatabase(async (db, url) => {
      await makeHostile({ db, url })
      const read = sql`
        select
          timestamptz '2025-12-10T09:18:01Z' as instant,
          date '2025-02-28' as day,
          current_setting('statement_timeout') as timeout,
          current_setting('search_path') as path,
          current_setting('transaction_isolation') as isolation`
      const expected = {
        instant: '2025-12-10T09:18:01Z',
        day: '2025-02-28',
        timeout: '0',
        path: 'public',
        isolation: 'read committed',
      }
      await withPgbouncer(url, ['pool_mode = transaction'], async (pooledUrl) => {
        for (const address of [url, pooledUrl]) {
          const { query, close } = await openDatabase(address)
          expect((await read.execute(query)).rows).toEqual([expected])
          await close()
        }
      })
    }))

  test.each([
    {
      mode: 'statement',
      query: '',
      says: /pool_mode of the pooler to transaction or session.*port of the server itself/,
    },
    {
      mode: 'transaction',
      query: '?options=-c%20array_nulls%3Don',
      says: /start-up parameter "(options|array_nulls)".*ignore_startup_parameters/,
    },
  ])(
    'openDatabase names the setting of the pooler in $mode mode with "$query"',
    ({ mode, query, says }) =>
      withEmptyDatabase((_, url) =>
        withPgbouncer(url, [`pool_mode = ${mode}`], async (pooledUrl) => {
          const failure = await failureOf(openDatabase(pooledUrl + query))
          expect(failure).toMatchObject({ code: 'database.pooler', exitCode: 78 })
          expect(String(failure)).toMatch(says)
        }),
      ),
  )
})
