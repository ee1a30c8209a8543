import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { listFindings } from '../../../src/explain/list-findings.ts'
import type { Kysely } from '../../../src/warehouse/connection/database.ts'
import { openWarehouse } from '../../../src/warehouse/open.ts'
import { type AskLimits, ask } from '../../../src/warehouse/reader/ask.ts'
import { openReader, type Reader } from '../../../src/warehouse/reader/open-reader.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'
import { anAccount, load, silent } from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'
import { failureOf } from '../../support/with-pipeline.ts'

const limits: AskLimits = { rowsMax: 1_000, bytesMax: 1_000_000, timeoutMs: 20_000 }
const elsewhere = {
  home: '/nowhere',
  postgresBinDir: undefined,
  postgresOsUser: undefined,
  path: '',
}

/** Runs `use` with a reader whose login is one in `cosell_bi`, over a warehouse of one referral. */
function withReader(use: (reader: Reader, db: Kysely<Database>) => Promise<void>): Promise<void> {
  return withDatabase(async (db, url, warehouse) => {
    await load(await anAccount(warehouse), [aReferral()])
    await asLogin(url, ['cosell_bi'], async (login) => {
      const opened = await openWarehouse({ ...elsewhere, databaseUrl: url }, silent)
      const addresses = { databaseUrl: url, readerDatabaseUrl: login.url }
      const reader = await openReader(opened, addresses)
      try {
        await use(reader, db)
      } finally {
        await reader.close()
        await opened.close()
      }
    })
  })
}

/** Sessions of the server in which a statement sleeps. */
async function sleepersIn(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ sleepers: number }>`
    select count(*)::integer as sleepers
    from pg_stat_activity
    where datname = current_database() and wait_event = 'PgSleep'`.execute(db)
  return rows[0]?.sleepers ?? 0
}

const readable = [
  { statement: 'select referral_id from mart.referral', rows: 1 },
  { statement: 'table mart.customer;', rows: 1 },
  { statement: '(values (1), (2)) -- two', rows: 2 },
  { statement: 'with one as (select 1) select * from one', rows: 1 },
  { statement: 'show server_version', rows: 1 },
  { statement: 'explain select 1', rows: 1 },
]

const refused: readonly { statement: string; code: string; says?: string }[] = [
  { statement: '', code: 'sql.not_a_query' },
  { statement: '/* only */ -- a comment', code: 'sql.not_a_query' },
  { statement: 'delete from dw.fact_referral', code: 'sql.not_a_query' },
  { statement: 'commit', code: 'sql.not_a_query' },
  { statement: 'do $$ begin end $$', code: 'sql.not_a_query' },
  { statement: 'select 1; select 2', code: 'sql.failed', says: 'multiple commands' },
  { statement: 'select 1; commit; drop table dw.fact_referral', code: 'sql.failed' },
  { statement: 'show server_version; commit', code: 'sql.failed', says: 'multiple commands' },
  {
    statement: 'with gone as (delete from dw.fact_referral returning 1) select * from gone',
    code: 'sql.failed',
  },
  { statement: 'explain analyze delete from dw.fact_referral', code: 'sql.failed' },
  { statement: 'select * into mine from mart.referral', code: 'sql.failed' },
  { statement: 'select * from mart.referral for update', code: 'sql.failed' },
  { statement: 'select * from raw.payload', code: 'sql.failed', says: 'permission denied' },
  { statement: 'select * from pii.contact', code: 'sql.failed', says: 'permission denied' },
  {
    statement: "select pg_read_file('/etc/passwd')",
    code: 'sql.failed',
    says: 'permission denied',
  },
  { statement: 'select lo_create(0)', code: 'sql.failed', says: 'read-only' },
  { statement: 'select 1,\n  wrong', code: 'sql.failed', says: 'SQL, line 2, column 3: column' },
  { statement: 'explain select wrong', code: 'sql.failed', says: 'SQL, line 1, column 16: column' },
]

/**
 * What `set local role` on the connection of a loader would let through: the role is put back in the
 * middle of the statement, before a function runs the next text.
 */
const waysAround = [
  `select set_config('role', 'none', true), query_to_xml('select * from pii.contact', true, true, '')`,
  `select set_config('role', 'cosell_pii', true), query_to_xml('select * from pii.contact', true, true, '')`,
  `select set_config('session_authorization', 'postgres', true)`,
  `select set_config('transaction_read_only', 'off', true), query_to_xml('insert into dw.dim_tag default values', true, true, '')`,
  `select query_to_xml('set session characteristics as transaction read write', true, true, '')`,
  `select query_to_xml('reset role', true, true, ''), query_to_xml('select 1 from raw.payload', true, true, '')`,
]

describe('a statement of others', () => {
  /** Number of rows, or the failure, of each statement that leaves the warehouse as it is. */
  const outcomes = new Map<string, unknown>()

  beforeAll(() =>
    withReader(async (reader) => {
      const statements = [...readable, ...refused].map(({ statement }) => statement)
      for (const statement of [...statements, ...waysAround]) {
        const outcome = await ask(reader, statement, limits).then(
          ({ rows }) => rows.length,
          (error: unknown) => error,
        )
        outcomes.set(statement, outcome)
      }
    }),
  )

  test('values are text as PostgreSQL writes it, with the types of the columns', () =>
    withReader(async (reader) => {
      const text = `
        -- the largest amount
        select 999999999999999.9999::numeric(19, 4) as amount, 9007199254740993 as n, null as nothing,
          true as yes, date '2026-03-31' as day, 'a' as "amount"`
      expect(await ask(reader, text, limits)).toEqual({
        columns: [
          { name: 'amount', type: 'numeric(19,4)' },
          { name: 'n', type: 'bigint' },
          { name: 'nothing', type: 'text' },
          { name: 'yes', type: 'boolean' },
          { name: 'day', type: 'date' },
          { name: 'amount', type: 'text' },
        ],
        rows: [['999999999999999.9999', '9007199254740993', null, 't', '2026-03-31', 'a']],
        cutBy: null,
      })
    }))

  test.each(readable)('the reader runs: $statement', ({ statement, rows }) => {
    expect(outcomes.get(statement)).toBe(rows)
  })

  test.each(refused)('the reader does not run: $statement', ({ statement, code, says = '' }) => {
    expect(outcomes.get(statement)).toMatchObject({ code, exitCode: 2 })
    expect(outcomes.get(statement)).toHaveProperty('message', expect.stringContaining(says))
  })

  test.each(waysAround)('a way around the rights of the reader fails: %s', (statement) => {
    expect(outcomes.get(statement)).toMatchObject({ code: 'sql.failed' })
  })

  test('a setting or a lock that a statement leaves is gone with it', () =>
    withReader(async (reader) => {
      const left = `
        select set_config('search_path', 'nowhere', false), set_config('TimeZone', 'Asia/Tokyo', false),
          set_config('statement_timeout', '0', false), pg_advisory_lock(42)`
      await ask(reader, left, limits)
      const found = async () => {
        const { rows } = await ask(
          reader,
          `select current_setting('search_path'), current_setting('TimeZone'), count(*)::int
            from pg_locks where locktype = 'advisory' and objid = 42 and database = (
              select oid from pg_database where datname = current_database())`,
          limits,
        )
        return rows
      }
      // The server ends a session a moment after its connection was closed.
      await expect.poll(found).toEqual([['public', 'UTC', '0']])
    }))

  test('rows and bytes beyond the limits are left out, and which limit it was is said', () =>
    withReader(async (reader) => {
      const many = 'select n from generate_series(1, 1000000) n'
      const byRows = await ask(reader, many, { ...limits, rowsMax: 250 })
      expect([byRows.rows.length, byRows.rows.at(-1), byRows.cutBy]).toEqual([250, ['250'], 'rows'])
      const exactly = await ask(reader, 'select n from generate_series(1, 250) n', {
        ...limits,
        rowsMax: 250,
      })
      expect([exactly.rows.length, exactly.cutBy]).toEqual([250, null])
      const wide = `select repeat('ä', 50) from generate_series(1, 1000)`
      const byBytes = await ask(reader, wide, { ...limits, bytesMax: 950 })
      expect([byBytes.rows.length, byBytes.cutBy]).toEqual([9, 'bytes'])
    }))

  test('a few wide rows are answered, and no more rows are computed than are asked for', () =>
    withReader(async (reader) => {
      // 200 of them are more than may be received.
      const wide = `select repeat('x', 100000) from generate_series(1, 500)`
      const few = await ask(reader, wide, { ...limits, rowsMax: 5 })
      expect([few.rows.length, few.cutBy]).toEqual([5, 'rows'])
      const many = await ask(reader, wide, limits)
      expect([many.rows.length, many.cutBy]).toEqual([10, 'bytes'])
      const slow =
        'select n, pg_sleep(case when n > 4 then 30 else 0 end) from generate_series(1, 9) n'
      const fast = await ask(reader, slow, { ...limits, rowsMax: 3, timeoutMs: 5_000 })
      expect([fast.rows.length, fast.cutBy]).toEqual([3, 'rows'])
    }))

  test('one value larger than can be received ends the statement, not the process', () =>
    withReader(async (reader) => {
      const failure = await failureOf(ask(reader, `select repeat('x', 200000000)`, limits))
      expect(failure.code).toBe('sql.too_large')
      expect((await ask(reader, 'select 1', limits)).rows).toEqual([['1']])
    }))

  test.each([
    'select pg_sleep(30)',
    // A fetch is a statement, and the first one takes the timeout of the others away.
    `select set_config('statement_timeout', '0', true), case when n > 200 then pg_sleep(30) end
      from generate_series(1, 400) n`,
  ])('a statement that takes too long is ended at the server: %s', (statement) =>
    withReader(async (reader, db) => {
      const started = performance.now()
      const failure = await failureOf(ask(reader, statement, { ...limits, timeoutMs: 300 }))
      expect(failure).toMatchObject({ code: 'sql.timeout', exitCode: 75 })
      expect(performance.now() - started).toBeLessThan(15_000)
      expect(await sleepersIn(db)).toBe(0)
    }),
  )

  test('a statement that nobody waits for any more is ended at the server', () =>
    withReader(async (reader, db) => {
      const asker = new AbortController()
      const asked = failureOf(
        ask(reader, 'select pg_sleep(30)', { ...limits, signal: asker.signal }),
      )
      while ((await sleepersIn(db)) === 0) await sleep(20)
      asker.abort()
      expect((await asked).code).toBe('sql.timeout')
      while ((await sleepersIn(db)) > 0) await sleep(20)
    }))

  test('a statement whose asker left before is not started', () =>
    withReader(async (reader) => {
      const signal = AbortSignal.abort()
      const failure = await failureOf(ask(reader, 'select pg_sleep(5)', { ...limits, signal }))
      expect(failure.message).toContain('nobody waits for it')
    }))

  test.each([
    'select * from mart.bi_access',
    `select query_to_xml('select * from mart.bi_access', true, true, '')`,
    'select count(*) from (select 1 from mart.bi_access) hidden',
  ])('a refused view is not read, by whatever way: %s', (statement) =>
    withReader(async (reader) => {
      const refused = ['mart.bi_access']
      expect((await failureOf(ask(reader, statement, { ...limits, refused }))).code).toBe(
        'sql.refused',
      )
      expect((await ask(reader, 'select 1', { ...limits, refused })).rows).toEqual([['1']])
      await ask(reader, statement, limits)
    }),
  )
})

describe('the login of the reader', () => {
  test.each([
    { groups: ['cosell_loader'], code: 'reader.too_powerful', says: 'usage of schema raw' },
    { groups: ['cosell_bi', 'cosell_pii'], code: 'reader.too_powerful', says: 'role cosell_pii' },
    {
      groups: ['cosell_bi', 'pg_read_all_data'],
      code: 'reader.too_powerful',
      says: 'pg_read_all_data',
    },
    { groups: ['cosell_owner'], code: 'reader.too_powerful', says: 'cosell_owner' },
    { groups: [], code: 'reader.no_rights', says: 'cosell_bi' },
  ])('a reader in $groups is refused with $code', ({ groups, code, says }) =>
    withDatabase((_, url) =>
      asLogin(url, groups, async (login) => {
        const opened = await openWarehouse({ ...elsewhere, databaseUrl: url }, silent)
        try {
          const addresses = { databaseUrl: url, readerDatabaseUrl: login.url }
          const failure = await failureOf(openReader(opened, addresses))
          expect(failure).toMatchObject({ code, exitCode: 78 })
          expect(failure.message).toContain(says)
        } finally {
          await opened.close()
        }
      }),
    ),
  )

  test('a login of the program that may do more reads as cosell_bi, and lends no SQL of others', () =>
    withDatabase(async (_, url) => {
      const opened = await openWarehouse({ ...elsewhere, databaseUrl: url }, silent)
      try {
        const reader = await openReader(opened, { databaseUrl: url, readerDatabaseUrl: undefined })
        const role = await reader.read(
          async (query) => {
            const { rows } = await sql<{ role: string; mode: string; timeout: string }>`
            select current_user as role, current_setting('transaction_read_only') as mode,
              current_setting('statement_timeout') as timeout`.execute(query)
            return rows[0]
          },
          { timeoutMs: 4_000 },
        )
        expect(role).toEqual({ role: 'cosell_bi', mode: 'on', timeout: '4s' })
        const failure = await failureOf(ask(reader, 'select 1', limits))
        expect(failure).toMatchObject({ code: 'reader.no_login', exitCode: 78 })
        expect(failure.message).toContain('COSELL_READER_DATABASE_URL')
      } finally {
        await opened.close()
      }
    }))

  test('a loader reads for our own statements itself, and lends no SQL of others', () =>
    withDatabase(async (_, url, warehouse) => {
      await load(await anAccount(warehouse), [aReferral()])
      await asLogin(url, ['cosell_loader'], async (login) => {
        const opened = await openWarehouse({ ...elsewhere, databaseUrl: login.url }, silent)
        try {
          const addresses = { databaseUrl: login.url, readerDatabaseUrl: undefined }
          const reader = await openReader(opened, addresses)
          const request = { account: undefined, rule: undefined, shownMax: 3 }
          await reader.read((query) => listFindings(query, request))
          const failure = await failureOf(ask(reader, 'select 1', limits))
          expect(failure).toMatchObject({ code: 'reader.no_login', exitCode: 78 })
        } finally {
          await opened.close()
        }
      })
    }))

  test('a reader of another warehouse is refused', () =>
    withDatabase((_, url) =>
      withDatabase((__, otherUrl) =>
        asLogin(otherUrl, ['cosell_bi'], async (login) => {
          const opened = await openWarehouse({ ...elsewhere, databaseUrl: url }, silent)
          try {
            const addresses = { databaseUrl: url, readerDatabaseUrl: login.url }
            const failure = await failureOf(openReader(opened, addresses))
            expect(failure).toMatchObject({ code: 'reader.other_database', exitCode: 78 })
            expect(failure.message).toContain(new URL(otherUrl).pathname.slice(1))
          } finally {
            await opened.close()
          }
        }),
      ),
    ))

  test('a login of the program that only reads serves SQL of others itself', () =>
    withDatabase((_, url) =>
      asLogin(url, ['cosell_bi'], async (login) => {
        const opened = await openWarehouse({ ...elsewhere, databaseUrl: login.url }, silent)
        try {
          const reader = await openReader(opened, {
            databaseUrl: login.url,
            readerDatabaseUrl: undefined,
          })
          expect((await ask(reader, 'select session_user', limits)).rows).toEqual([[login.role]])
        } finally {
          await opened.close()
        }
      }),
    ))

  test('a failure to connect names the setting of the reader', () =>
    withDatabase(async (_, url) => {
      const opened = await openWarehouse({ ...elsewhere, databaseUrl: url }, silent)
      try {
        const wrong = new URL(url)
        wrong.username = 'nobody_of_that_name'
        const addresses = { databaseUrl: url, readerDatabaseUrl: wrong.href }
        const failure = await failureOf(openReader(opened, addresses))
        expect(failure.message).toContain('COSELL_READER_DATABASE_URL')
        expect(failure.message).not.toContain(' COSELL_DATABASE_URL')
      } finally {
        await opened.close()
      }
    }))
})
