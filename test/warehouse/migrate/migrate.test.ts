import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { deriveWarehouse } from '../../../scripts/generate-tables.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'

const shipped = fileURLToPath(new URL('../../../sql/migrations/', import.meta.url))
const shippedNames = (await readdir(shipped)).map((name) => path.basename(name, '.sql')).sort()

/** Runs `use` with a folder of migrations made of `files`. */
async function withMigrations<T>(
  files: Record<string, string>,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-migrations-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      await writeFile(path.join(folder, name), text)
    }
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('migrate applies every migration in order to an empty database, and none on a second call', () =>
  withEmptyDatabase(async (db) => {
    expect(await migrate(db)).toEqual(shippedNames)
    expect(await migrate(db)).toEqual([])
  }))

test('migrate brings an empty database up to date in one transaction', () =>
  withEmptyDatabase(async (db) => {
    await migrate(db)
    const { rows } = await sql`
      select count(*)::integer as entries, count(distinct xmin::text)::integer as transactions
      from etl.migration`.execute(db)
    expect(rows).toEqual([{ entries: shippedNames.length, transactions: 1 }])
  }))

test('eight concurrent migrate calls leave one schema', () =>
  withEmptyDatabase(async (_, url) => {
    const warehouses = await Promise.all(Array.from({ length: 8 }, () => openDatabase(url)))
    try {
      const applied = await Promise.all(warehouses.map((warehouse) => migrate(warehouse.query)))
      expect(applied.flat().sort()).toEqual(shippedNames)
      const committed = await readFile(
        new URL('../../../src/warehouse/tables.generated.ts', import.meta.url),
        'utf8',
      )
      for (const { query } of warehouses) expect(await deriveWarehouse(query)).toBe(committed)
    } finally {
      await Promise.all(warehouses.map((warehouse) => warehouse.close()))
    }
  }))

test('migrate refuses a database of a newer version and names its migration', () =>
  withDatabase(async (db) => {
    await sql`insert into etl.migration values ('9999_later', '2030-01-01T00:00:00Z')`.execute(db)
    await expect(migrate(db)).rejects.toMatchObject({
      kind: 'configuration',
      code: 'migrate.newer_database',
      message: expect.stringContaining('9999_later'),
    })
  }))

test('migrate refuses a database that lacks an earlier migration', () =>
  withDatabase(async (db) => {
    await sql`delete from etl.migration where name = '0010_exchange_rates'`.execute(db)
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'migrate.skipped',
      message: expect.stringContaining('0010_exchange_rates'),
    })
  }))

test('migrate accepts a ledger whose times are not in the order of its names', () =>
  withDatabase(async (db) => {
    await sql`update etl.migration set timestamp = '2001-01-01' where name > '0010'`.execute(db)
    expect(await migrate(db)).toEqual([])
  }))

test('a migration that fails is named, changes nothing, and keeps the migrations before it', () =>
  withEmptyDatabase((db) =>
    withMigrations(
      {
        '0001_first.sql': 'create table public.first (id integer)',
        '0002_second.sql': 'create table public.second (id integer); select 1 / 0;',
      },
      async (folder) => {
        await expect(migrate(db, { folder })).rejects.toMatchObject({
          kind: 'configuration',
          code: 'migrate.failed',
          message: expect.stringMatching(/0002_second.*division by zero/),
        })
        const { rows } = await sql`
          select tablename from pg_tables where schemaname = 'public'
        `.execute(db)
        expect(rows).toEqual([{ tablename: 'first' }])
      },
    ),
  ))

test('a migration waits for a table in use, but gives up in the end', () =>
  withDatabase((db, url) =>
    withMigrations(
      { '9998_wider.sql': 'alter table etl.setting add column note text' },
      async (folder) => {
        await cp(shipped, folder, { recursive: true })
        const reader = await openDatabase(url)
        await reader.query.transaction().execute(async (transaction) => {
          await transaction.selectFrom('etl.setting').selectAll().execute()
          const hasty = { folder, lockTimeoutMs: 200, lockWaitMs: 0 }
          await expect(migrate(db, hasty)).rejects.toMatchObject({
            kind: 'tryAgainLater',
            code: 'migrate.lock_timeout',
            message: expect.stringContaining('9998_wider'),
          })
        })
        await reader.close()
        expect(await migrate(db, { folder })).toEqual(['9998_wider'])
      },
    ),
  ))

test('a statement timeout of the role does not stop a migration', () =>
  withEmptyDatabase((_, url) =>
    withMigrations({ '0001_slow.sql': 'select pg_sleep(0.3)' }, async (folder) => {
      const hasty = new URL(url)
      await withStatementTimeout(hasty, async (db) => {
        expect(await migrate(db, { folder })).toEqual(['0001_slow'])
      })
    }),
  ))

/** Sets the timeout as an administrator would: for the whole database. */
async function withStatementTimeout(
  url: URL,
  use: (db: Awaited<ReturnType<typeof openDatabase>>['query']) => Promise<void>,
): Promise<void> {
  const owner = await openDatabase(url.href)
  await sql`alter database ${sql.id(url.pathname.slice(1))} set statement_timeout = '200ms'`.execute(
    owner.query,
  )
  await owner.close()
  const warehouse = await openDatabase(url.href)
  try {
    await use(warehouse.query)
  } finally {
    await warehouse.close()
  }
}

test('migrate refuses a server before PostgreSQL 15 with its version and advice', () =>
  withEmptyDatabase(async (db, url) => {
    // The only server at hand is new enough, so this one lies about its version.
    await sql
      .raw(`
        create function public.current_setting(name text) returns text language sql
          as $$ select case name when 'server_version' then '14.12' else '140012' end $$;
        alter database ${new URL(url).pathname.slice(1)} set search_path = public, pg_catalog;
      `)
      .execute(db)
    // Over a connection of its own: those of the loader ignore the search path of the database.
    const pool = new pg.Pool({ connectionString: url })
    const old = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
    try {
      await expect(migrate(old)).rejects.toMatchObject({
        kind: 'configuration',
        code: 'migrate.server_too_old',
        message: expect.stringMatching(/expected PostgreSQL 15 or newer, got 14\.12/),
      })
    } finally {
      await old.destroy()
    }
  }))

/** Columns and views that BI tools know, with their types. */
async function shownToBi(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ shown: string }>`
    select concat_ws(' ', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod)) as shown
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'v', 'm') and c.relnamespace::regnamespace::text in ('dw', 'mart')
    order by 1`.execute(db)
  return rows.map((row) => row.shown)
}

describe('migrate', () => {
  test('every migration keeps the columns and views that BI tools know, with name and type', () =>
    withEmptyDatabase((db) =>
      withMigrations({}, async (folder) => {
        let known: string[] = []
        for (const name of shippedNames) {
          await cp(path.join(shipped, `${name}.sql`), path.join(folder, `${name}.sql`))
          await migrate(db, { folder })
          const shown = await shownToBi(db)
          expect(shown, name).toEqual(expect.arrayContaining(known))
          known = shown
        }
        expect(known.length).toBeGreaterThan(200)
      }),
    ))

  const wider = 'alter table dw.fact_referral add column note text'

  test('a migration waits for a reader in short attempts, so that later readers are served meanwhile', () =>
    withDatabase((db, url) =>
      withMigrations({ '9998_wider.sql': wider }, async (folder) => {
        await cp(shipped, folder, { recursive: true })
        const [first, second] = await Promise.all([openDatabase(url), openDatabase(url)])
        try {
          let migrating: Promise<string[]> | undefined
          const waitsMs: number[] = []
          await first.query.transaction().execute(async (transaction) => {
            await transaction.selectFrom('dw.fact_referral').select('row_hash').execute()
            migrating = migrate(db, { folder })
            const until = performance.now() + 4_000
            while (performance.now() < until) {
              const asked = performance.now()
              await second.query.selectFrom('dw.fact_referral').select('row_hash').execute()
              waitsMs.push(performance.now() - asked)
            }
          })
          expect(await migrating).toEqual(['9998_wider'])
          const longest = Math.max(...waitsMs)
          expect(longest, 'longest wait behind the migration').toBeGreaterThan(500)
          expect(longest).toBeLessThan(3_000)
          // More than one attempt, and answers in between.
          expect(waitsMs.filter((ms) => ms > 500).length).toBeGreaterThan(1)
          expect(waitsMs.filter((ms) => ms < 100).length).toBeGreaterThan(10)
        } finally {
          await Promise.all([first.close(), second.close()])
        }
      }),
    ))
})
