import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import type { Verdict } from '../../src/doctor/check-result.ts'
import {
  databaseChecks,
  judgeServer,
  preflight,
  type ServerFacts,
  withSkipped,
} from '../../src/doctor/database-checks.ts'
import { groups } from '../../src/warehouse/access/roles.ts'
import { switchRowSecurity } from '../../src/warehouse/access/switch-row-security.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { runAt, urlOf } from '../support/global-setup.ts'

const near = { isLocal: true, isUnverified: false }
const far = { isLocal: false, isUnverified: false }

const facts: ServerFacts = {
  version: '17.5',
  version_number: 170_005,
  role: 'loader',
  database: 'sales',
  encoding: 'UTF8',
  time_zone: 'UTC',
  date_style: 'ISO, YMD',
  interval_style: 'iso_8601',
  is_encrypted: true,
  is_in_recovery: false,
  is_read_only: false,
  connections_free: 20,
}

function look(db: Kysely<Database>, now: () => number = Date.now) {
  return preflight(db, near, now)
}

function verdictFor(verdicts: readonly Verdict[], check: string): Verdict {
  const found = verdicts.find((verdict) => verdict.check === check)
  if (found === undefined) throw new Error(`no check ${check}`)
  return found
}

/** Runs `use` with the name and the address of a role of its own, which is dropped afterwards. */
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

/** Looks as a role of its own that `grant` gave rights. */
function lookAsRole(
  url: string,
  grant: (role: string, roleUrl: string) => Promise<void>,
  expectations: (verdicts: readonly Verdict[], role: string) => void,
): Promise<void> {
  return withRole(new URL(url).pathname.slice(1), async (role, roleUrl) => {
    await grant(role, roleUrl)
    const { query, close } = await openDatabase(roleUrl)
    try {
      expectations((await look(query)).verdicts, role)
    } finally {
      await close()
    }
  })
}

/** As somebody would who knows nothing of the groups. */
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

describe('a database that is in order', () => {
  test('passes every check, in the order in which they are told', () =>
    withDatabase(async (db) => {
      const { verdicts, limits, isMigrated, isWritable, clockAheadMs } = await look(db)
      expect(verdicts.map(({ check }) => check)).toEqual(databaseChecks)
      expect(verdicts.filter(({ status }) => status !== 'ok')).toEqual([])
      expect(verdictFor(verdicts, 'rights').detail).toBe('owns the tables')
      expect(verdictFor(verdicts, 'schema').detail).toMatch(/^up to date, at \d{4}_/)
      expect(limits.get('missing_percent_max')).toBe('5')
      expect({ isMigrated, isWritable }).toEqual({ isMigrated: true, isWritable: true })
      expect(Math.abs(clockAheadMs ?? Number.NaN)).toBeLessThan(5_000)
    }))

  test('is left as it was', () =>
    withEmptyDatabase(async (db) => {
      await look(db)
      const { rows } = await sql`
        select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$|^public$'
      `.execute(db)
      expect(rows).toEqual([])
    }))
})

describe('a schema', () => {
  test('that is not there yet is a warning, and `cosell migrate` the remedy', () =>
    withEmptyDatabase(async (db) => {
      const { verdicts, isMigrated } = await look(db)
      expect(verdictFor(verdicts, 'schema')).toEqual({
        check: 'schema',
        status: 'warn',
        detail: 'not migrated yet',
        remedy: 'Run `cosell migrate`; `cosell run` does it too.',
      })
      expect(verdictFor(verdicts, 'rights').detail).toBe('may create the schemas')
      expect(verdictFor(verdicts, 'limits').status).toBe('skipped')
      expect(isMigrated).toBe(false)
    }))

  test('that is older is a warning with what is to apply', () =>
    withDatabase(async (db) => {
      const newest = sql`(select max(name) from etl.migration)`
      const { rows } = await sql<{ name: string }>`
        delete from etl.migration where name = ${newest} returning name`.execute(db)
      const { verdicts } = await look(db)
      const verdict = verdictFor(verdicts, 'schema')
      expect(verdict).toMatchObject({
        status: 'warn',
        remedy: expect.stringContaining('`cosell migrate`'),
      })
      expect(verdict.detail).toMatch(/1 to apply/)
      expect(verdict.detail).toContain(rows[0]?.name)
    }))

  test('that a newer cosell made is refused', () =>
    withDatabase(async (db) => {
      await sql`insert into etl.migration values ('9999_future', now())`.execute(db)
      const { verdicts } = await look(db)
      const verdict = verdictFor(verdicts, 'schema')
      expect(verdict).toMatchObject({ status: 'fail', kind: 'configuration' })
      expect(verdict.detail).toContain('got 9999_future')
      expect(verdict.remedy).toContain('A newer cosell has been here: install it')
      expect(verdictFor(verdicts, 'rights').status).toBe('ok')
    }))

  test('with a limit that is no number is refused', () =>
    withDatabase(async (db) => {
      await sql`update etl.setting set setting_value = 'many' where setting_name = 'missing_count_max'`.execute(
        db,
      )
      expect(verdictFor((await look(db)).verdicts, 'limits')).toMatchObject({
        status: 'fail',
        kind: 'configuration',
        detail: 'etl.setting missing_count_max: expected a number, got many',
        remedy: 'Mend the row, then run again.',
      })
    }))
})

describe('a role', () => {
  test('without any right is told which it lacks, and which group to join', () =>
    withDatabase((_, url) =>
      lookAsRole(
        url,
        async () => undefined,
        (verdicts, role) => {
          const { status, kind, detail, remedy } = verdictFor(verdicts, 'rights')
          expect({ status, kind }).toEqual({ status: 'fail', kind: 'configuration' })
          for (const right of ['usage', 'select', 'insert', 'update', 'delete', 'truncate']) {
            expect(detail).toContain(`${right} on `)
          }
          expect(remedy).toBe(`Let an administrator run: grant cosell_loader to "${role}";`)
        },
      ),
    ))

  test('that was given what the remedy says is in order, but for analyzing before PostgreSQL 17', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (_, roleUrl) => {
          const { query, close } = await openDatabase(roleUrl)
          const { remedy = '' } = verdictFor((await look(query)).verdicts, 'rights')
          await close()
          const statements = [...remedy.matchAll(/grant [^;]*;/g)].map(([statement]) => statement)
          expect(statements).toHaveLength(1)
          for (const statement of statements) await sql.raw(statement).execute(db)
        },
        (verdicts) => {
          const { status, detail } = verdictFor(verdicts, 'rights')
          expect(['has all that loading needs', undefined]).toContain(
            status === 'ok' ? detail : undefined,
          )
          if (status !== 'ok') expect(detail).toContain('may not analyze dw.')
          expect(verdictFor(verdicts, 'schema').status).toBe('ok')
        },
      ),
    ))

  test('in a group that lacks a right is told that the owner has to migrate', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await join(db, role)
          await sql`revoke insert on raw.payload from cosell_loader`.execute(db)
        },
        (verdicts) => {
          const { detail, remedy } = verdictFor(verdicts, 'rights')
          expect(detail).toContain('lacks insert on raw.payload')
          expect(remedy).toMatch(/^Let the owner of the tables run `cosell migrate`/)
          expect(remedy).not.toContain('grant')
        },
      ),
    ))

  test('that lacks one right on one table is told just that', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await grantLoading(db, role)
          await sql`revoke insert on dw.fact_referral from ${sql.id(role)}`.execute(db)
        },
        (verdicts, role) =>
          expect(verdictFor(verdicts, 'rights')).toMatchObject({
            status: 'fail',
            detail: `role "${role}" lacks insert on dw.fact_referral`,
          }),
      ),
    ))

  test('that row security keeps from seeing everything is refused', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await grantLoading(db, role)
          await sql`alter table dw.fact_referral enable row level security`.execute(db)
        },
        (verdicts, role) => {
          const { status, detail, remedy } = verdictFor(verdicts, 'rights')
          expect(status).toBe('fail')
          expect(detail).toContain('sight of all rows of dw.fact_referral (row security)')
          expect(remedy).toBe(`Let an administrator run: grant cosell_loader to "${role}";`)
        },
      ),
    ))

  test('of the loaders’ group sees everything under row-level security of ours', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await join(db, role)
          await switchRowSecurity(db, true)
        },
        (verdicts) => expect(verdictFor(verdicts, 'rights').status).not.toBe('fail'),
      ),
    ))

  test('that may load but not migrate is refused while a migration is due', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => {
          await join(db, role)
          const newest = sql`(select max(name) from etl.migration)`
          await sql`delete from etl.migration where name = ${newest}`.execute(db)
        },
        (verdicts) =>
          expect(verdictFor(verdicts, 'rights')).toMatchObject({
            status: 'fail',
            detail: expect.stringContaining('cannot migrate: it does not own dw.'),
            remedy: expect.stringContaining('Run `cosell migrate` as a member of cosell_owner'),
          }),
      ),
    ))

  test('of the owners’ group is in order', () =>
    withDatabase((db, url) =>
      lookAsRole(
        url,
        async (role) => void (await join(db, role, groups.owner)),
        (verdicts) => expect(verdictFor(verdicts, 'rights').detail).toBe('owns the tables'),
      ),
    ))

  test('that may not create schemas in an empty database is refused', () =>
    withEmptyDatabase((_, url) =>
      lookAsRole(
        url,
        async () => undefined,
        (verdicts, role) => {
          const { status, remedy } = verdictFor(verdicts, 'rights')
          expect(status).toBe('fail')
          expect(remedy).toMatch(/^Let the owner of the database run: grant create on database "/)
          expect(remedy).toContain(`to "${role}";`)
        },
      ),
    ))
})

describe('a server', () => {
  test('whose clock is ten minutes off is a warning', () =>
    withEmptyDatabase(async (db) => {
      const late = () => Date.now() - 10 * 60_000
      const verdict = verdictFor((await look(db, late)).verdicts, 'database clock')
      expect(verdict).toMatchObject({
        status: 'warn',
        remedy: expect.stringContaining('time server'),
      })
      expect(verdict.detail).toBe('the database is 10 minutes ahead of this machine')
    }))

  test('that lets nobody write is refused as what may pass', () =>
    withDatabase(async (_, url) => {
      const readOnly = new URL(url)
      readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
      const { query, close } = await openDatabase(readOnly.href)
      const { verdicts, isWritable } = await look(query)
      await close()
      expect(verdictFor(verdicts, 'read and write')).toMatchObject({
        status: 'fail',
        kind: 'tryAgainLater',
        detail: 'transactions are read only',
      })
      expect(isWritable).toBe(false)
    }))

  test('behind a pooler that drops our options is refused', () =>
    withDatabase((db) =>
      db.transaction().execute(async (transaction) => {
        await sql`set local timezone = 'Asia/Kathmandu'`.execute(transaction)
        const verdict = verdictFor((await look(transaction)).verdicts, 'session')
        expect(verdict).toMatchObject({ status: 'fail', kind: 'configuration' })
        expect(verdict.detail).toContain('got TimeZone Asia/Kathmandu')
        expect(verdict.remedy).toContain('pooler')
      }),
    ))

  test('with a database that is not UTF-8 is refused', async () => {
    const entrance = inject('databaseUrl')
    const name = `cosell_test_${randomUUID().replaceAll('-', '')}`
    await runAt(
      entrance,
      sql`create database ${sql.id(name)} encoding 'SQL_ASCII' locale 'C' template template0`,
    )
    const { query, close } = await openDatabase(urlOf(entrance, name))
    const { verdicts } = await look(query)
    await close()
    await runAt(entrance, sql`drop database ${sql.id(name)} with (force)`)
    const verdict = verdictFor(verdicts, 'encoding')
    expect(verdict).toMatchObject({ status: 'fail', kind: 'configuration' })
    expect(verdict.detail).toContain('expected UTF8, got SQL_ASCII')
    expect(verdict.remedy).toContain("encoding 'UTF8'")
  })

  test('whose connection is gone fails the check that met it, and the rest is still told', () =>
    withDatabase(async (db) => {
      const aborted = db.transaction().execute(async (transaction) => {
        await sql`select 1/0`.execute(transaction).catch(() => undefined)
        const { verdicts } = await look(transaction)
        expect(verdicts.map(({ check }) => check)).toEqual(databaseChecks)
        expect(verdictFor(verdicts, 'database').status).toBe('fail')
        expect(verdictFor(verdicts, 'version').status).toBe('skipped')
        throw new Error('over')
      })
      await expect(aborted).rejects.toThrow('over')
    }))

  test.each<{
    given: Partial<ServerFacts>
    way?: { isLocal: boolean; isUnverified: boolean }
    check: string
    expected: Partial<Verdict>
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
      why: 'the oldest version that does',
    },
    {
      given: { is_encrypted: false },
      check: 'encryption',
      expected: { status: 'warn' },
      remedy: /sslmode=verify-full/,
      why: 'a distant server in the clear',
    },
    {
      given: { is_encrypted: false },
      way: near,
      check: 'encryption',
      expected: { status: 'ok' },
      why: 'this machine in the clear',
    },
    {
      given: {},
      way: { isLocal: false, isUnverified: true },
      check: 'encryption',
      expected: { status: 'warn' },
      remedy: /sslrootcert/,
      why: 'a certificate that nobody verifies',
    },
    {
      given: { is_in_recovery: true, is_read_only: true },
      check: 'read and write',
      expected: { status: 'fail', kind: 'tryAgainLater' },
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
      given: { date_style: 'German, DMY' },
      check: 'session',
      expected: { status: 'fail' },
      remedy: /alter role/,
      why: 'dates that read otherwise',
    },
  ])('$why: $check is $expected.status', ({ given, way = far, check, expected, remedy }) => {
    const verdict = verdictFor(judgeServer({ ...facts, ...given }, way), check)
    expect(verdict).toMatchObject(expected)
    if (remedy === undefined) expect(verdict.remedy).toBeUndefined()
    else expect(verdict.remedy).toMatch(remedy)
  })

  test('that does everything right passes from afar', () => {
    expect(judgeServer(facts, far).filter(({ status }) => status !== 'ok')).toEqual([])
  })
})

test('checks that could not run say so, in their place', () => {
  const failed: Verdict = { check: 'database', status: 'fail', detail: 'nobody answers' }
  const [first, ...others] = withSkipped([failed])
  expect(first).toBe(failed)
  expect(others.map(({ check }) => check)).toEqual(databaseChecks.slice(1))
  expect(new Set(others.map(({ status }) => status))).toEqual(new Set(['skipped']))
})
