import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { run } from '../../../src/pipeline/run.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase, type Warehouse } from '../../../src/warehouse/connection/database.ts'
import { startEmbedded } from '../../../src/warehouse/embedded/embedded.ts'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import { digestState } from '../../support/digest.ts'
import { contextOf, withHome, withSandbox } from '../../support/with-pipeline.ts'

/** The embedded package has a server and no pg_dump; Debian's PostgreSQL has both. */
const programs = '/usr/lib/postgresql/15/bin'
const hasPrograms = ['initdb', 'pg_dump', 'pg_restore'].every((name) =>
  fs.existsSync(path.join(programs, name)),
)

const execute = promisify(execFile)
const call = (name: string, ...args: readonly string[]) =>
  execute(path.join(programs, name), args, { maxBuffer: 2 ** 26 })

/** A server of its own, and so without the groups of any other. */
function withServer(use: (url: string, home: string) => Promise<void>): Promise<void> {
  return withHome(async (home) => {
    const server = await startEmbedded({
      home,
      path: process.env.PATH ?? '',
      binDir: programs,
      osUser: process.env.COSELL_PG_OS_USER,
      settings: { fsync: 'off', full_page_writes: 'off' },
    })
    try {
      await use(server.url, home)
    } finally {
      await server.stop()
      // As root it may be elsewhere.
      fs.rmSync(server.home, { recursive: true, force: true })
    }
  })
}

async function withWarehouse(url: string, use: (warehouse: Warehouse) => Promise<void>) {
  const warehouse = await openDatabase(url)
  try {
    await use(warehouse)
  } finally {
    await warehouse.close()
  }
}

/** Owner and rights of schemas, tables, views, sequences and functions, and rights of columns. */
async function rightsOf({ query }: Warehouse): Promise<readonly unknown[]> {
  const { rows } = await sql`
    with ours as (
      select oid, nspname from pg_namespace
      where nspname in ('raw', 'pii', 'etl', 'stg', 'dw', 'mart')
    ), objects (name, owner, rights) as (
      select nspname::text, nspowner, nspacl from pg_namespace where oid in (select oid from ours)
      union all
      select ours.nspname || '.' || relname, relowner, relacl
      from pg_class join ours on ours.oid = relnamespace where relkind in ('r', 'p', 'v', 'S')
      union all
      select ours.nspname || '.' || proname, proowner, proacl
      from pg_proc join ours on ours.oid = pronamespace
      union all
      select ours.nspname || '.' || relname || '.' || attname, relowner, attacl
      from pg_attribute join pg_class on pg_class.oid = attrelid
      join ours on ours.oid = relnamespace where attacl is not null
    )
    select name, owner::regrole::text,
      array(select item::text from unnest(rights) as item order by item::text) as rights
    from objects order by name, rights`.execute(query)
  return rows
}

/** Loads two nights on one server, restores their dump on another, and asks how both are. */
function moveWarehouse(
  prepare: (url: string) => Promise<void>,
  restoreArgs: readonly string[],
): Promise<void> {
  return withSandbox({ referrals: 60, seed: 5, broken: 1 }, (sandbox) =>
    withServer((source, home) =>
      withServer(async (target, otherHome) => {
        const dump = path.join(home, 'cosell.pgdump')
        let digest: unknown
        let rights: readonly unknown[] = []
        await withWarehouse(source, async (warehouse) => {
          await migrate(warehouse.query)
          const context = contextOf(warehouse, home, [], demoSettings(sandbox.url))
          await run(context, false)
          sandbox.change(12)
          await run(context, false)
          digest = await digestState(warehouse.query)
          rights = await rightsOf(warehouse)
        })
        expect(rights.length).toBeGreaterThan(100)
        await call('pg_dump', '--format=custom', `--file=${dump}`, source)
        await prepare(target)
        await call('pg_restore', '--exit-on-error', ...restoreArgs, `--dbname=${target}`, dump)
        await withWarehouse(target, async (warehouse) => {
          await migrate(warehouse.query)
          expect(await rightsOf(warehouse)).toEqual(rights)
          const context = contextOf(warehouse, otherHome, [], demoSettings(sandbox.url))
          expect(await run(context, true)).toMatchObject({ rows_written: 0, seen: 60 })
          expect(await digestState(warehouse.query)).toEqual(digest)
          sandbox.arrive(3)
          expect(await run(context, true)).toMatchObject({ changed: 3, seen: 63 })
        })
      }),
    ),
  )
}

/** What readers are told of findings and loads, without what time alone changes. */
async function toldOf({ query }: Warehouse) {
  const { rows } = await sql<{ findings: unknown[] | null; loads: unknown[] | null }>`
    select
      (select jsonb_agg(to_jsonb(finding) - 'last_seen_at' order by to_jsonb(finding) - 'last_seen_at')
        from mart.data_quality finding) as findings,
      (select jsonb_agg(to_jsonb(status) - 'age_hours') from mart.load_status status) as loads`.execute(
    query,
  )
  return rows[0]
}

describe.skipIf(!hasPrograms)('a copy of dw and mart', () => {
  test('a dump of dw and mart without bi_access restores into an empty database and tells the same', () =>
    withSandbox({ referrals: 60, seed: 5, broken: 1 }, (sandbox) =>
      withServer((source, home) =>
        withServer(async (target) => {
          const dump = path.join(home, 'readers.pgdump')
          let told: Awaited<ReturnType<typeof toldOf>>
          await withWarehouse(source, async (warehouse) => {
            await migrate(warehouse.query)
            await run(contextOf(warehouse, home, [], demoSettings(sandbox.url)), false)
            told = await toldOf(warehouse)
          })
          expect(told?.findings?.length).toBeGreaterThan(0)
          expect(told?.loads).toMatchObject([{ quarantined_referral_count: 1 }])
          const which = ['--schema=dw', '--schema=mart']
          const without = ['--exclude-table=mart.bi_access']
          const plain = ['--no-owner', '--no-privileges']
          await call(
            'pg_dump',
            '--format=custom',
            ...which,
            ...without,
            ...plain,
            `--file=${dump}`,
            source,
          )
          await call('pg_restore', '--exit-on-error', ...plain, `--dbname=${target}`, dump)
          await withWarehouse(target, async (warehouse) => {
            expect(await toldOf(warehouse)).toEqual(told)
          })
        }),
      ),
    ))
})

describe.skipIf(!hasPrograms)('a warehouse moved by pg_dump and pg_restore', () => {
  test('a dump without owners and rights gets them from migrate, and the next run writes 0 rows', () =>
    moveWarehouse(async () => {}, ['--no-owner', '--no-privileges']))

  test('a server that has the four groups takes a dump as it is, and the next run writes 0 rows', () =>
    moveWarehouse(async (url) => {
      await withWarehouse(url, async ({ query }) => {
        for (const name of ['cosell_owner', 'cosell_loader', 'cosell_bi', 'cosell_pii']) {
          await sql`create role ${sql.id(name)}`.execute(query)
        }
      })
    }, []))

  test('a server without the groups refuses what belongs to them', () =>
    expect(moveWarehouse(async () => {}, [])).rejects.toThrow('role "cosell_owner" does not exist'))
})
