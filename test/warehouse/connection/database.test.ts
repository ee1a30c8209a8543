import { createServer } from 'node:net'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import {
  databaseFailure,
  openDatabase,
  type Warehouse,
} from '../../../src/warehouse/connection/database.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { failureOf } from '../../support/load-referrals.ts'

const insertSetting = (name: string) =>
  sql`insert into etl.setting (setting_name, setting_value) values (${name}, 'x')`

const settingsOf = async ({ query }: Warehouse) =>
  (
    await query
      .selectFrom('etl.setting')
      .select('setting_name')
      .where('setting_value', '=', 'x')
      .execute()
  ).map((row) => row.setting_name)

describe('transactions', () => {
  test('a transaction returns its result after the commit', () =>
    withDatabase(async (db, _, warehouse) => {
      const result = await db.transaction().execute(async (transaction) => {
        await insertSetting('one').execute(transaction)
        expect(await settingsOf(warehouse)).toEqual([])
        return 'done'
      })
      expect(result).toBe('done')
      expect(await settingsOf(warehouse)).toEqual(['one'])
    }))

  test('a transaction fails when a failure inside it was swallowed', () =>
    withDatabase(async (db, _, warehouse) => {
      const promise = db.transaction().execute(async (transaction) => {
        await insertSetting('one').execute(transaction)
        await insertSetting('one')
          .execute(transaction)
          .catch(() => undefined)
        return 'done'
      })
      await expect(promise).rejects.toThrow('nothing is committed')
      expect(await settingsOf(warehouse)).toEqual([])
    }))

  test('a transaction writes nothing when its work throws, and rethrows the error', () =>
    withDatabase(async (db, _, warehouse) => {
      const reason = new Error('no')
      const promise = db.transaction().execute(async (transaction) => {
        await insertSetting('one').execute(transaction)
        throw reason
      })
      expect(await failureOf(promise)).toBe(reason)
      expect(await settingsOf(warehouse)).toEqual([])
    }))

  test('a transaction fails as tryAgainLater when its connection is cut while it computes', () =>
    withDatabase(async (db, _, warehouse) => {
      const promise = db.transaction().execute(async (transaction) => {
        const backend = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(
          transaction,
        )
        await sql`select pg_terminate_backend(${backend.rows[0]?.pid}, 5000)`.execute(db)
        // Waits until the disconnect has arrived.
        await new Promise((resolve) => setTimeout(resolve, 50))
        await insertSetting('one').execute(transaction)
      })
      expect(databaseFailure(await failureOf(promise))).toMatchObject({ kind: 'tryAgainLater' })
      expect(await settingsOf(warehouse)).toEqual([])
    }))
})

const values = sql<Record<string, unknown>>`
  select
    timestamptz '2025-12-10T09:18:01.765432Z' as micros,
    timestamptz '2025-12-10T09:18:01+02:00' as seconds,
    timestamptz '2025-07-01T00:00:00.1Z' as tenth,
    date '2025-02-28' as day,
    numeric '120000.5000' as amount,
    900719925474099.3001::numeric(19,4) as beyond_double,
    bigint '999999999999999' as key,
    bigint '-9223372036854775808' as hash,
    count(*) as counted,
    null::timestamptz as nothing
  from generate_series(1, 3)`

const texts = {
  micros: '2025-12-10T09:18:01.765432Z',
  seconds: '2025-12-10T07:18:01Z',
  tenth: '2025-07-01T00:00:00.1Z',
  day: '2025-02-28',
  amount: '120000.5000',
  beyond_double: '900719925474099.3001',
  key: 999_999_999_999_999,
  hash: '-9223372036854775808',
  counted: 3,
  nothing: null,
}

describe('values read from the database', () => {
  test('values come back exact: instants in UTC, dates and decimals as text, keys as numbers', () =>
    withEmptyDatabase(async (db) => {
      expect((await values.execute(db)).rows).toEqual([texts])
    }))

  test('values are independent of a database with another time zone and date style', () =>
    withEmptyDatabase(async (db, url) => {
      const name = sql.id(new URL(url).pathname.slice(1))
      await sql`alter database ${name} set timezone = 'Asia/Kathmandu'`.execute(db)
      await sql`alter database ${name} set datestyle = 'German, DMY'`.execute(db)
      await sql`alter database ${name} set intervalstyle = 'sql_standard'`.execute(db)
      const reopened = await openDatabase(url)
      try {
        expect((await values.execute(reopened.query)).rows).toEqual([texts])
        const read = sql`select '2025-03-04'::date as day, '2025-03-04T05:06:07'::timestamptz as at`
        expect((await read.execute(reopened.query)).rows).toEqual([
          { day: '2025-03-04', at: '2025-03-04T05:06:07Z' },
        ])
      } finally {
        await reopened.close()
      }
    }))

  test('values are independent of a role with another time zone and date style', () =>
    withEmptyDatabase(async (db, url) => {
      const role = `cosell_test_role_${process.pid}`
      await sql`create role ${sql.id(role)} login password 'for tests'`.execute(db)
      try {
        await sql`alter role ${sql.id(role)} set timezone = 'America/St_Johns'`.execute(db)
        await sql`alter role ${sql.id(role)} set datestyle = 'SQL, MDY'`.execute(db)
        const reopened = await openDatabase(withCredentials(url, role, 'for tests'))
        expect((await values.execute(reopened.query)).rows).toEqual([texts])
        await reopened.close()
      } finally {
        await sql`drop role ${sql.id(role)}`.execute(db)
      }
    }))
})

function withCredentials(url: string, user: string, password: string): string {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  return changed.href
}

/** Returns the failure of `openDatabase`. */
async function refusalOf(url: string): Promise<CosellError> {
  const failure = await failureOf(openDatabase(url))
  if (!(failure instanceof CosellError)) throw failure
  return failure
}

const secret = 'n33dle'

describe('openDatabase', () => {
  test('openDatabase fails as tryAgainLater when no server answers', async () => {
    const port = await freePort()
    const failure = await refusalOf(`postgresql://someone:${secret}@127.0.0.1:${port}/warehouse`)
    expect(failure).toMatchObject({ kind: 'tryAgainLater', exitCode: 75 })
    expect(failure).toMatchObject({ code: 'database.unreachable' })
    expect(failure.message).toContain(`127.0.0.1:${port}/warehouse`)
    expect(failure.message).toContain('COSELL_DATABASE_URL')
    expect(failure.message).not.toContain(secret)
  })

  test('openDatabase fails as tryAgainLater when another service answers', async () => {
    const server = createServer((socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n', () => socket.destroy()),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const failure = await refusalOf(`postgresql://someone:${secret}@127.0.0.1:${port}/warehouse`)
    expect(failure).toMatchObject({ kind: 'tryAgainLater' })
    expect(failure.message).toContain(`127.0.0.1:${port}/warehouse`)
    expect(failure.message).not.toContain(secret)
    await new Promise((resolve) => server.close(resolve))
  })

  test('openDatabase fails as configuration when the password is wrong', () =>
    withEmptyDatabase(async (_, url) => {
      const wrong = withCredentials(url, new URL(url).username, secret)
      const failure = await refusalOf(wrong)
      expect(failure).toMatchObject({ kind: 'configuration', exitCode: 78 })
      expect(failure).toMatchObject({ code: 'database.refused' })
      expect(failure.message).toContain(new URL(url).host + new URL(url).pathname)
      expect(failure.message).toContain('Check COSELL_DATABASE_URL')
      expect(`${failure.message} ${failure.stack}`).not.toContain(secret)
      expect(failure.message).not.toContain(new URL(url).password)
    }))

  test('openDatabase fails as configuration when the database does not exist', () =>
    withEmptyDatabase(async (_, url) => {
      const failure = await refusalOf(`${url}_that_is_missing`)
      expect(failure).toMatchObject({ kind: 'configuration', code: 'database.refused' })
      expect(failure.message).toContain('_that_is_missing')
      expect(failure.message).not.toContain(new URL(url).password)
    }))
})

test.each([
  { code: '42501', kind: 'configuration', why: 'a missing right' },
  { code: '40P01', kind: 'tryAgainLater', why: 'a deadlock' },
  { code: '40001', kind: 'tryAgainLater', why: 'a serialization failure' },
  { code: '53100', kind: 'tryAgainLater', why: 'a full disk' },
  { code: '57P01', kind: 'tryAgainLater', why: 'a restart' },
  { code: '25006', kind: 'tryAgainLater', why: 'a standby that answers' },
  { code: 'ECONNRESET', kind: 'tryAgainLater', why: 'a cut connection' },
  {
    message: 'Connection terminated unexpectedly',
    kind: 'tryAgainLater',
    why: 'a connection that ended without a code',
  },
  { message: 'x is not a function', kind: 'bug', why: 'a bug of ours, which has no code either' },
  { code: '42601', kind: 'bug', why: 'a syntax error' },
  { code: '23505', kind: 'bug', why: 'a constraint violation' },
])('databaseFailure: $why is a failure of kind $kind', ({ code, message, kind }) => {
  const error = new Error(message ?? 'reason')
  const coded = code === undefined ? error : Object.assign(error, { code })
  expect(databaseFailure(coded)).toMatchObject({ kind })
})
