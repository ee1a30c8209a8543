import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import type { CheckResult } from '../../src/doctor/check-result.ts'
import { checkDatabase, databaseCheckNames, withSkipped } from '../../src/doctor/database-checks.ts'
import { checkSequences } from '../../src/doctor/sequence-checks.ts'
import { checkServer, type ServerFacts } from '../../src/doctor/server-checks.ts'
import { groups } from '../../src/warehouse/access/roles.ts'
import { switchRowSecurity } from '../../src/warehouse/access/switch-row-security.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { bringUpToDate } from '../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { runAt, urlOf } from '../support/global-setup.ts'
import { failureOf } from '../support/load-referrals.ts'

const near = { isLocal: true, isUnverified: false }
const far = { isLocal: false, isUnverified: false }

const facts: ServerFacts = {
  version: '17.5',
  version_number: 170_005,
  role: 'loader',
  database: 'sales',
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  time_zone: 'UTC',
  date_style: 'ISO, YMD',
  interval_style: 'iso_8601',
  standard_conforming_strings: 'on',
  pid: 4711,
  is_encrypted: true,
  is_in_recovery: false,
  is_read_only: false,
  is_superuser: false,
  connections_free: 20,
  role_limit: -1,
  role_free: -1,
  database_limit: -1,
  database_free: -1,
}

function look(db: Kysely<Database>, now: () => number = Date.now) {
  return checkDatabase(db, near, now)
}

function resultOf(results: readonly CheckResult[], check: string): CheckResult {
  const found = results.find((result) => result.check === check)
  if (found === undefined) throw new Error(`no check ${check}`)
  return found
}

/** Runs `use` with the name and the address of a new role, which is dropped afterwards. */
async function withRole(
  database: string,
  use: (role: string, url: string) => Promise<void>,
): Promise<void> {
  const entrance = inject('databaseUrl')
  const role = `cosell_role_${randomUUID().replaceAll('-', '')}`
  const password = randomUUID()
  await runAt(entrance, sql`create role ${sql.id(role)} login password ${sql.lit(password)}`)
  try {
    const url = new URL(urlOf(entrance, database))
    url.username = role
    url.password = password
    await use(role, url.href)
  } finally {
    await runAt(urlOf(entrance, database), sql`drop owned by ${sql.id(role)}`)
    await runAt(entrance, sql`drop role ${sql.id(role)}`)
  }
}

/** Runs the checks as a new role with the rights of `grant`. */
function lookAsRole(
  url: string,
  grant: (role: string, roleUrl: string) => Promise<void>,
  expectations: (results: readonly CheckResult[], role: string) => void,
): Promise<void> {
  return withRole(new URL(url).pathname.slice(1), async (role, roleUrl) => {
    await grant(role, roleUrl)
    const { query, close } = await openDatabase(roleUrl)
    try {
      expectations((await look(query)).results, role)
    } finally {
      await close()
    }
  })
}

/** Grants the right on all tables directly, without the groups. */
async function grantLoading(db: Kysely<Database>, role: string) {
  const to = sql.id(role)
  const schemas = sql.raw('raw, pii, etl, stg, dw')
  await sql`grant usage on schema ${schemas} to ${to}`.execute(db)
  await sql`grant all on all tables in schema ${schemas} to ${to}`.execute(db)
  await sql`grant usage on all sequences in schema ${schemas} to ${to}`.execute(db)
}

function join(db: Kysely<Database>, role: string, group: string = groups.loader) {
  return sql`grant ${sql.id(group)} to ${sql.id(role)}`.execute(db)
}

describe('checkDatabase', () => {
  test('a migrated database passes every check, in their order', () =>
    withDatabase(async (db) => {
      const { results, limits, isMigrated, isWritable, clockAheadMs } = await look(db)
      expect(results.map(({ check }) => check)).toEqual(databaseCheckNames)
      expect(results.filter(({ status }) => status !== 'ok')).toEqual([])
      expect(resultOf(results, 'rights').detail).toBe('owns the tables')
      expect(resultOf(results, 'schema').detail).toMatch(/^up to date, at \d{4}_/)
      expect(limits.get('missing_percent_max')).toBe('5')
      expect({ isMigrated, isWritable }).toEqual({ isMigrated: true, isWritable: true })
      expect(Math.abs(clockAheadMs ?? Number.NaN)).toBeLessThan(5_000)
    }))

  test('checkDatabase changes nothing in the database', () =>
    withEmptyDatabase(async (db) => {
      await look(db)
      const { rows } = await sql`
        select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$|^public$'
      `.execute(db)
      expect(rows).toEqual([])
    }))
})

describe('the schema check', () => {
  test('the schema check warns without a schema and names `cosell migrate`', () =>
    withEmptyDatabase(async (db) => {
      const { results, isMigrated } = await look(db)
      expect(resultOf(results, 'schema')).toEqual({
        check: 'schema',
        status: 'warn',
        detail: 'not migrated yet',
        remedy: 'Run `cosell migrate`; `cosell run` does it too.',
      })
      expect(resultOf(results, 'rights').detail).toBe('may create the schemas')
      expect(resultOf(results, 'limits').status).toBe('skipped')
      expect(isMigrated).toBe(false)
    }))

  test('the schema check warns of pending migrations and names the last one', () =>
    withDatabase(async (db) => {
      const newest = sql`(select max(name) from etl.migration)`
      const { rows } = await sql<{ name: string }>`
        delete from etl.migration where name = ${newest} returning name`.execute(db)
      const { results } = await look(db)
      const result = resultOf(results, 'schema')
      expect(result).toMatchObject({
        status: 'warn',
        remedy: expect.stringContaining('`cosell migrate`'),
      })
      expect(result.detail).toMatch(/1 to apply/)
      expect(result.detail).toContain(rows[0]?.name)
    }))

  test('the schema check fails on a schema of a newer cosell', () =>
    withDatabase(async (db) => {
      await sql`insert into etl.migration values ('9999_future', now())`.execute(db)
      const { results } = await look(db)
      const result = resultOf(results, 'schema')
      expect(result).toMatchObject({ status: 'fail', kind: 'configuration' })
      expect(result.detail).toContain('got 9999_future')
      expect(result.remedy).toContain('A newer cosell has migrated it: install that version')
      expect(resultOf(results, 'rights').status).toBe('ok')
    }))

  test('the limits check fails on a limit that is not a number', () =>
    withDatabase(async (db) => {
      await sql`update etl.setting set setting_value = 'many' where setting_name = 'missing_count_max'`.execute(
        db,
      )
      expect(resultOf((await look(db)).results, 'limits')).toMatchObject({
        status: 'fail',
        kind: 'configuration',
        detail: 'etl.setting missing_count_max: expected a number, got many',
        remedy: 'Fix the row, then run again.',
      })
    }))
})

describe('the rights check', () => {
  test('the rights check names the missing rights of a role and the group to join', () =>
    withDatabase((_, url) =>
      lookAsRole(
        url,
        async () => undefined,
        (results, role) => {
          const { status, kind, detail, remedy } = resultOf(results, 'rights')
          expect({ status, kind }).toEqual({ status: 'fail', kind: 'configuration' })
          for (const right of ['usage', 'select', 'insert', 'update', 'delete', 'truncate']) {
            expect(detail).toContain(`${right} on `)
          }
          expect(remedy).toBe(`Let an administrator run: grant cosell_loader to "${role}";`)
        },
      ),
    ))

  test('the rights check passes after its remedy was applied, except for analyzing before PostgreSQL 17', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (_, roleUrl) => {
          const { query, close } = await openDatabase(roleUrl)
          const { remedy = '' } = resultOf((await look(query)).results, 'rights')
          await close()
          const statements = [...remedy.matchAll(/grant [^;]*;/g)].map(([statement]) => statement)
          expect(statements).toHaveLength(1)
          for (const statement of statements) await sql.raw(statement).execute(db)
        },
        (results) => {
          const { status, detail } = resultOf(results, 'rights')
          expect(['has all that loading needs', undefined]).toContain(
            status === 'ok' ? detail : undefined,
          )
          if (status !== 'ok') expect(detail).toContain('may not analyze dw.')
          expect(resultOf(results, 'schema').status).toBe('ok')
        },
      ),
    ))

  test('the rights check tells a member of an incomplete group to let the owner migrate', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await join(db, role)
          await sql`revoke insert on raw.payload from cosell_loader`.execute(db)
        },
        (results) => {
          const { detail, remedy } = resultOf(results, 'rights')
          expect(detail).toContain('lacks insert on raw.payload')
          expect(remedy).toMatch(/^Let the owner of the tables run `cosell migrate`/)
          expect(remedy).not.toContain('grant')
        },
      ),
    ))

  test('the rights check names one missing right on one table', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await grantLoading(db, role)
          await sql`revoke insert on dw.fact_referral from ${sql.id(role)}`.execute(db)
        },
        (results, role) =>
          expect(resultOf(results, 'rights')).toMatchObject({
            status: 'fail',
            detail: `role "${role}" lacks insert on dw.fact_referral`,
          }),
      ),
    ))

  test('the rights check fails when row security hides rows from the role', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await grantLoading(db, role)
          await sql`alter table dw.fact_referral enable row level security`.execute(db)
        },
        (results, role) => {
          const { status, detail, remedy } = resultOf(results, 'rights')
          expect(status).toBe('fail')
          expect(detail).toContain('sight of all rows of dw.fact_referral (row security)')
          expect(remedy).toBe(`Let an administrator run: grant cosell_loader to "${role}";`)
        },
      ),
    ))

  test('the rights check passes a loader under our row-level security', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await join(db, role)
          await switchRowSecurity(db, true)
        },
        (results) => expect(resultOf(results, 'rights').status).not.toBe('fail'),
      ),
    ))

  test('the rights check fails for a role that cannot migrate while a migration is due', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await join(db, role)
          const newest = sql`(select max(name) from etl.migration)`
          await sql`delete from etl.migration where name = ${newest}`.execute(db)
        },
        (results) =>
          expect(resultOf(results, 'rights')).toMatchObject({
            status: 'fail',
            detail: expect.stringContaining('cannot migrate: it does not own dw.'),
            remedy: expect.stringContaining('Run `cosell migrate` as a member of cosell_owner'),
          }),
      ),
    ))

  test('the rights check passes a member of the owners’ group', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => void (await join(db, role, groups.owner)),
        (results) => expect(resultOf(results, 'rights').detail).toBe('owns the tables'),
      ),
    ))

  test('the rights check fails for a role that cannot create schemas in an empty database', () =>
    withEmptyDatabase((_, url) =>
      lookAsRole(
        url,
        async () => undefined,
        (results, role) => {
          const { status, remedy } = resultOf(results, 'rights')
          expect(status).toBe('fail')
          expect(remedy).toMatch(/^Let the owner of the database run: grant create on database "/)
          expect(remedy).toContain(`to "${role}";`)
        },
      ),
    ))
})

describe('the server checks', () => {
  test('the clock check warns of a server clock that is ten minutes off', () =>
    withEmptyDatabase(async (db) => {
      const late = () => Date.now() - 10 * 60_000
      const result = resultOf((await look(db, late)).results, 'database clock')
      expect(result).toMatchObject({
        status: 'warn',
        remedy: expect.stringContaining('time server'),
      })
      expect(result.detail).toBe('the database is 10 minutes ahead of this machine')
    }))

  test('the write check fails as configuration on a read-only server', () =>
    withDatabase(async (_, url) => {
      const readOnly = new URL(url)
      readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
      const { query, close } = await openDatabase(readOnly.href)
      const { results, isWritable } = await look(query)
      await close()
      expect(resultOf(results, 'read and write')).toMatchObject({
        status: 'fail',
        kind: 'configuration',
        detail: 'transactions are read only',
      })
      expect(isWritable).toBe(false)
    }))

  test('the session check fails behind a pooler that drops our options', () =>
    withDatabase((db) =>
      db.transaction().execute(async (transaction) => {
        await sql`set local timezone = 'Asia/Kathmandu'`.execute(transaction)
        const result = resultOf((await look(transaction)).results, 'session')
        expect(result).toMatchObject({ status: 'fail', kind: 'configuration' })
        expect(result.detail).toContain('got Asia/Kathmandu, ISO, YMD')
        expect(result.remedy).toContain('pooler')
      }),
    ))

  test('the encoding check fails on a database that is not UTF-8', async () => {
    const entrance = inject('databaseUrl')
    const name = `cosell_test_${randomUUID().replaceAll('-', '')}`
    await runAt(
      entrance,
      sql`create database ${sql.id(name)} encoding 'SQL_ASCII' locale 'C' template template0`,
    )
    const refused = await failureOf(openDatabase(urlOf(entrance, name)))
    const inspected = { isInspected: true }
    const { query, close } = await openDatabase(urlOf(entrance, name), undefined, inspected)
    const { results } = await look(query)
    await close()
    await runAt(entrance, sql`drop database ${sql.id(name)} with (force)`)
    const result = resultOf(results, 'encoding')
    expect(result).toMatchObject({ status: 'fail', kind: 'configuration' })
    expect(result.detail).toContain('expected UTF8, got SQL_ASCII')
    expect(result.remedy).toContain("encoding 'UTF8'")
    expect(refused).toMatchObject({
      code: 'database.encoding',
      exitCode: 78,
      message: expect.stringContaining(`${result.detail}. ${result.remedy}`),
    })
  })

  test('checkDatabase reports every check when the connection is lost', () =>
    withDatabase(async (db) => {
      const aborted = db.transaction().execute(async (transaction) => {
        await sql`select 1/0`.execute(transaction).catch(() => undefined)
        const { results } = await look(transaction)
        expect(results.map(({ check }) => check)).toEqual(databaseCheckNames)
        expect(resultOf(results, 'database').status).toBe('fail')
        expect(resultOf(results, 'version').status).toBe('skipped')
        throw new Error('over')
      })
      await expect(aborted).rejects.toThrow('over')
    }))

  test.each<{
    given: Partial<ServerFacts>
    workers?: number
    way?: { isLocal: boolean; isUnverified: boolean }
    check: string
    expected: Partial<CheckResult>
    remedy?: RegExp
    why: string
  }>([
    {
      given: { version: '14.12', version_number: 140_012 },
      check: 'version',
      expected: {
        status: 'fail',
        kind: 'configuration',
        detail: 'expected PostgreSQL 15 or newer, got 14.12',
      },
      remedy: /Upgrade the server/,
      why: 'an old version',
    },
    {
      given: { version: '15.0', version_number: 150_000 },
      check: 'version',
      expected: { status: 'ok' },
      why: 'the oldest supported version',
    },
    {
      given: { is_encrypted: false },
      check: 'encryption',
      expected: { status: 'warn' },
      remedy: /sslmode=verify-full/,
      why: 'a remote server without encryption',
    },
    {
      given: { is_encrypted: false },
      way: near,
      check: 'encryption',
      expected: { status: 'ok' },
      why: 'this machine without encryption',
    },
    {
      given: {},
      way: { isLocal: false, isUnverified: true },
      check: 'encryption',
      expected: { status: 'warn' },
      remedy: /sslrootcert/,
      why: 'a certificate that is not verified',
    },
    {
      given: { is_in_recovery: true, is_read_only: true },
      check: 'read and write',
      expected: { status: 'fail', kind: 'configuration' },
      remedy: /Name the primary/,
      why: 'a standby',
    },
    {
      given: { connections_free: 5 },
      check: 'connections',
      expected: { status: 'warn' },
      remedy: /max_connections/,
      why: 'too few connections',
    },
    {
      given: { connections_free: 17 },
      workers: 4,
      check: 'connections',
      expected: {
        status: 'warn',
        detail:
          '17 more are free for the server, a run with --workers 4, the default, needs up to 18',
      },
      remedy: /max_connections\), or run with fewer --workers\.$/,
      why: 'too few connections for four accounts side by side',
    },
    {
      given: { connections_free: 18 },
      workers: 4,
      check: 'connections',
      expected: { status: 'ok' },
      why: 'just enough for four',
    },
    {
      given: { role_limit: 9, role_free: 9 },
      workers: 2,
      check: 'connections',
      expected: { status: 'fail', kind: 'configuration' },
      remedy: /alter role "loader" connection limit 20\), or run with fewer --workers/,
      why: 'a role with connections for one worker of two',
    },
    {
      given: { date_style: 'German, DMY' },
      check: 'session',
      expected: { status: 'fail' },
      remedy: /pooler/,
      why: 'another date style',
    },
    ...['Etc/UTC', 'UCT', 'Zulu'].map((time_zone) => ({
      given: { time_zone },
      check: 'session',
      expected: { status: 'ok' } as const,
      why: `${time_zone}, another name of UTC`,
    })),
    {
      given: { role_limit: 5, role_free: 5 },
      check: 'connections',
      expected: {
        status: 'fail',
        kind: 'configuration',
        detail: 'role "loader" may have 5 connections, a run needs up to 6',
      },
      remedy: /alter role "loader" connection limit 12/,
      why: 'a role with fewer connections than a run needs',
    },
    {
      given: { role_limit: 5, role_free: 5, is_superuser: true },
      check: 'connections',
      expected: { status: 'ok', detail: '20 more are free' },
      why: 'a superuser, whom no limit of a role binds',
    },
    {
      given: { database_limit: 10, database_free: 2 },
      check: 'connections',
      expected: {
        status: 'warn',
        detail: '2 more are free for database "sales", a run needs up to 6',
      },
      remedy: /alter database "sales"/,
      why: 'a database whose connections are taken',
    },
  ])(
    'checkServer, $why: $check is $expected.status',
    ({ given, workers = 1, way = far, check, expected, remedy }) => {
      const result = resultOf(checkServer({ ...facts, ...given }, way, workers), check)
      expect(result).toMatchObject(expected)
      if (remedy === undefined) expect(result.remedy).toBeUndefined()
      else expect(result.remedy).toMatch(remedy)
    },
  )

  test('checkServer passes a remote server with correct settings', () => {
    expect(checkServer(facts, far, 4).filter(({ status }) => status !== 'ok')).toEqual([])
  })
})

test('withSkipped adds the checks that could not run, in their place', () => {
  const failed: CheckResult = { check: 'database', status: 'fail', detail: 'no server answers' }
  const [first, ...others] = withSkipped([failed])
  expect(first).toBe(failed)
  expect(others.map(({ check }) => check)).toEqual(databaseCheckNames.slice(1))
  expect(new Set(others.map(({ status }) => status))).toEqual(new Set(['skipped']))
})

describe('checkSequences', () => {
  test('checkSequences names a sequence that is behind its table, and migrate puts it right', () =>
    withDatabase(async (db) => {
      expect(await checkSequences(db)).toMatchObject({ check: 'sequences', status: 'ok' })
      // As a subscriber of logical replication, or a restore of rows alone, finds it.
      await sql`select setval('dw.dim_status_status_key_seq', 1)`.execute(db)
      expect(await checkSequences(db)).toMatchObject({
        status: 'fail',
        detail: expect.stringMatching(/^sequences are behind .*: dw\.dim_status has key \d+$/),
        remedy: 'Run `cosell migrate`, which sets them.',
      })
      expect(await bringUpToDate(db)).toMatchObject({ sequences: ['dw.dim_status'] })
      expect(await checkSequences(db)).toMatchObject({ status: 'ok' })
      expect(await bringUpToDate(db)).toMatchObject({ sequences: [] })
    }))

  test('checkSequences has the statement for the owner where this role may not set a sequence', () =>
    withDatabase((db, url) =>
      withRole(new URL(url).pathname.slice(1), async (role, roleUrl) => {
        await grantLoading(db, role)
        await sql`select setval('dw.dim_status_status_key_seq', 1)`.execute(db)
        const { query, close } = await openDatabase(roleUrl)
        const late = await checkSequences(query).finally(close)
        const [statement = ''] = /select setval.*?;/.exec(late.remedy ?? '') ?? []
        await sql.raw(statement).execute(db)
        expect(await checkSequences(db)).toMatchObject({ status: 'ok' })
      }),
    ))
})
