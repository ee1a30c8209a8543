import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { bringUpToDate, compareSchema } from '../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { differingFromMatrix } from '../support/rights-matrix.ts'

const shippedSql = fileURLToPath(new URL('../../sql/', import.meta.url))

interface Copy {
  /** Folders of migrations and of views: copies of ours, with the changes of a later version. */
  readonly options: { folder: string; marts: string }
  edit(view: string, change: (text: string) => string): Promise<void>
  remove(view: string): Promise<void>
  migration(name: string, text: string): Promise<void>
}

/** Runs `use` with a copy of `sql/` to change. */
async function withCopy<T>(use: (copy: Copy) => Promise<T>): Promise<T> {
  const home = await mkdtemp(path.join(tmpdir(), 'cosell-sql-'))
  const options = { folder: path.join(home, 'migrations'), marts: path.join(home, 'marts') }
  const fileOf = (view: string) => path.join(options.marts, `${view}.sql`)
  try {
    await cp(shippedSql, home, { recursive: true })
    return await use({
      options,
      edit: async (view, change) =>
        writeFile(fileOf(view), change(await readFile(fileOf(view), 'utf8'))),
      remove: (view) => rm(fileOf(view)),
      migration: (name, text) => writeFile(path.join(options.folder, `${name}.sql`), text),
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** A file with one column more at the end, or one fewer, or the first under another name. */
const oneMore = (text: string) => text.replace(/\nfrom /, ',\n  1 as one_more\nfrom ') + moreComment
const moreComment = "\ncomment on column mart.registration.one_more is 'One more.';\n"
/** No other view reads the column by name. */
const renamed = (text: string) =>
  text.replace('  referral.qualification,\n', '  referral.qualification as promise,\n')

/** Number of each view of mart as it is; a view that was dropped and created has another. */
async function numbersOf(db: Kysely<Database>): Promise<Map<string, string>> {
  const { rows } = await sql<{ name: string; number: string }>`
    select relname as name, oid::text as number from pg_class
    where relnamespace = 'mart'::regnamespace and relkind = 'v'`.execute(db)
  return new Map(rows.map(({ name, number }) => [name, number]))
}

function differing(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) {
  return [...before.keys()].filter((name) => before.get(name) !== after.get(name)).sort()
}

/** Views of mart that read the view, or one that reads it. */
async function readersOf(db: Kysely<Database>, view: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    with recursive reader (name) as (
      select view_name from information_schema.view_table_usage
      where (table_schema, table_name) = ('mart', ${view}) and view_schema = 'mart'
      union
      select usage.view_name
      from reader join information_schema.view_table_usage usage
        on usage.table_schema = 'mart' and usage.table_name = reader.name
      where usage.view_schema = 'mart'
    )
    select name from reader`.execute(db)
  return rows.map(({ name }) => name).sort()
}

/** Rights to the view, by role, its owner's left out. */
async function rightsTo(db: Kysely<Database>, view: string): Promise<string[]> {
  const { rows } = await sql<{ given: string }>`
    select concat_ws(' ', r.rolname, acl.privilege_type, acl.is_grantable, place) as given
    from (
      select relacl as rights, relowner as owner, null as place
      from pg_class where oid = ${`mart.${view}`}::regclass
      union all
      select attacl, 0, attname::text from pg_attribute where attrelid = ${`mart.${view}`}::regclass
    ) c
    cross join aclexplode(c.rights) acl
    join pg_roles r on r.oid = acl.grantee
    where acl.grantee <> c.owner and r.rolname like 'reader_%'
    order by 1`.execute(db)
  return rows.map((row) => row.given)
}

/** Runs `use` with two roles that are gone afterwards: roles are shared by all databases. */
async function withReaders(
  db: Kysely<Database>,
  use: (one: string, other: string) => Promise<void>,
): Promise<void> {
  const names = ['one', 'other'].map(
    (name) => `reader_${name}_${Math.random().toString(36).slice(2)}`,
  )
  const [one = '', other = ''] = names
  for (const name of names) await sql`create role ${sql.id(name)}`.execute(db)
  try {
    await use(one, other)
  } finally {
    for (const name of names) await sql`drop owned by ${sql.id(name)}`.execute(db)
    for (const name of names) await sql`drop role ${sql.id(name)}`.execute(db)
  }
}

test('an empty database gets every view, in an order that works; a second call touches none', () =>
  withEmptyDatabase(async (db) => {
    const { views } = await bringUpToDate(db)
    const files = await readdir(fileURLToPath(new URL('../../sql/marts/', import.meta.url)))
    expect([...views].sort()).toEqual(files.map((file) => path.basename(file, '.sql')).sort())
    expect(views.indexOf('pipeline_month_end')).toBeGreaterThan(views.indexOf('pipeline_as_of'))
    const before = await numbersOf(db)
    expect(await bringUpToDate(db)).toMatchObject({ applied: [], views: [] })
    expect(await numbersOf(db)).toEqual(before)
  }))

test('views that did not change are not even locked', () =>
  withDatabase((db, url) =>
    withCopy(async ({ options, edit }) => {
      await edit('registration', oneMore)
      const reader = await openDatabase(url)
      try {
        await reader.query.transaction().execute(async (transaction) => {
          await sql`select from mart.referral, mart.funnel, mart.acv_line`.execute(transaction)
          const change = await bringUpToDate(db, { ...options, lockWaitMs: 0 })
          expect(change).toMatchObject({ views: ['registration'] })
        })
      } finally {
        await reader.close()
      }
    }),
  ))

test('a view that only gains a column is replaced in place, and keeps its rights and its readers', () =>
  withDatabase((db) =>
    withReaders(db, (one) =>
      withCopy(async ({ options, edit }) => {
        await sql`grant select on mart.registration to ${sql.id(one)}`.execute(db)
        await sql`create view public.own as select * from mart.registration`.execute(db)
        const before = await numbersOf(db)
        await edit('registration', oneMore)
        expect(await bringUpToDate(db, options)).toMatchObject({ views: ['registration'] })
        expect(await numbersOf(db)).toEqual(before)
        expect(await rightsTo(db, 'registration')).toEqual([`${one} SELECT f`])
        await sql`select one_more from mart.registration`.execute(db)
      }),
    ),
  ))

test('a view that loses a column is created anew with those that read it, and all their rights', () =>
  withDatabase((db) =>
    withReaders(db, (one, other) =>
      withCopy(async ({ options, edit }) => {
        await sql`
          alter default privileges in schema mart grant select on tables to ${sql.id(other)}
        `.execute(db)
        await sql`grant select on mart.referral to ${sql.id(one)} with grant option`.execute(db)
        await sql`grant select (deal_type) on mart.co_sell to ${sql.id(one)}`.execute(db)
        await edit('referral', renamed)
        const before = await numbersOf(db)
        const readers = await readersOf(db, 'referral')
        expect(readers).toEqual(expect.arrayContaining(['co_sell', 'deal', 'deal_seller']))
        const { views } = await bringUpToDate(db, options)
        expect([...views].sort()).toEqual([...readers, 'referral'].sort())
        expect(differing(before, await numbersOf(db))).toEqual([...readers, 'referral'].sort())
        expect(await rightsTo(db, 'referral')).toEqual([`${one} SELECT t`])
        expect(await rightsTo(db, 'co_sell')).toEqual([`${one} SELECT f deal_type`])
        expect(await db.selectFrom('etl.mart_grant').selectAll().execute()).toEqual([])
        const { rows } = await sql`
          select col_description('mart.referral'::regclass, attnum) as comment
          from pg_attribute
          where attrelid = 'mart.referral'::regclass and attnum > 0
            and col_description(attrelid, attnum) is null`.execute(db)
        // The column under its new name has no words of its own, and nothing to inherit them from.
        expect(rows).toHaveLength(1)
      }),
    ),
  ))

test('a function of mart that gains a column is made anew with its view, and with the rights of its groups', () =>
  withDatabase((db, url) =>
    withCopy(async ({ options, edit }) => {
      const before = await numbersOf(db)
      await edit('pipeline_movement', (text) =>
        text
          .replace('  has_moved boolean,', '  has_moved boolean,\n  one_more integer,')
          .replace(
            '    moved.has_moved,\n    opening.',
            '    moved.has_moved,\n    1,\n    opening.',
          ),
      )
      const change = await bringUpToDate(db, options)
      expect(change).toMatchObject({ views: ['pipeline_movement'], lacking: [] })
      expect(differing(before, await numbersOf(db))).toEqual(['pipeline_movement'])
      expect(await differingFromMatrix(db)).toEqual([])
      await asLogin(url, ['cosell_bi'], async (reader) => {
        const today = sql`current_date`
        await sql`select one_more from mart.deal_movement_between(${today}, ${today})`.execute(
          reader.db,
        )
        await sql`select from mart.pipeline_movement`.execute(reader.db)
      })
    }),
  ))

test('a function of mart with other arguments or columns replaces the one before, with the rights of all', () =>
  withDatabase((db) =>
    withCopy(async ({ options, edit, remove }) =>
      withReaders(db, async (one) => {
        const made = async () => {
          const { rows } = await sql<{ arguments: string; is_granted: boolean }>`
            select pg_get_function_identity_arguments(oid) as arguments,
              proacl::text ~ ${one} as is_granted
            from pg_proc where proname = 'deal_movement_between' order by 1`.execute(db)
          return rows.map((row) => `${row.arguments} ${row.is_granted}`)
        }
        await sql`revoke execute on function mart.deal_movement_between from public`.execute(db)
        await sql`
          grant execute on function mart.deal_movement_between to ${sql.id(one)}`.execute(db)
        await edit('pipeline_movement', (text) =>
          text
            .replaceAll(
              '(from_day date, to_day date)\nreturns',
              '(from_day date, to_day date, scale integer)\nreturns',
            )
            .replaceAll('movement_between(date, date)', 'movement_between(date, date, integer)')
            .replace(
              'deal_movement_between(from_day, to_day) deal',
              'deal_movement_between(from_day, to_day, 1) deal',
            )
            .replace('period.closing_date) movement', 'period.closing_date, 1) movement'),
        )
        const change = await bringUpToDate(db, options)
        expect(change).toMatchObject({ views: ['pipeline_movement'] })
        expect(await made()).toEqual(['from_day date, to_day date, scale integer true'])
        await edit('pipeline_movement', (text) =>
          text
            .replace('  has_moved boolean,', '  has_moved boolean,\n  one_more integer,')
            .replace(
              '    moved.has_moved,\n    opening.',
              '    moved.has_moved,\n    1,\n    opening.',
            ),
        )
        await bringUpToDate(db, options)
        expect(await made()).toEqual(['from_day date, to_day date, scale integer true'])
        await remove('pipeline_movement')
        expect(await bringUpToDate(db, options)).toMatchObject({ views: ['pipeline_movement'] })
        expect(await made()).toEqual([])
      }),
    ),
  ))

test('a view that is no longer shipped is dropped; one that is not of cosell stays', () =>
  withDatabase((db) =>
    withCopy(async ({ options, remove }) => {
      await sql`create view mart.own as select 1 as one`.execute(db)
      await remove('funnel')
      expect(await bringUpToDate(db, options)).toMatchObject({ views: ['funnel'] })
      const names = [...(await numbersOf(db)).keys()]
      expect(names).toContain('own')
      expect(names).not.toContain('funnel')
    }),
  ))

test('a view that was dropped is pending, and is created again', () =>
  withDatabase(async (db) => {
    await sql`drop view mart.funnel`.execute(db)
    expect((await compareSchema(db)).pending).toEqual(['mart.funnel'])
    expect(await bringUpToDate(db)).toMatchObject({ views: ['funnel'] })
  }))

test('a view that is not of cosell is never dropped: the change fails and names it', () =>
  withDatabase((db) =>
    withCopy(async ({ options, edit }) => {
      await sql`create view public.own as select * from mart.expiring_referral`.execute(db)
      await edit('referral', renamed)
      const before = await numbersOf(db)
      await expect(bringUpToDate(db, options)).rejects.toMatchObject({
        kind: 'configuration',
        code: 'migrate.still_read',
      })
      expect(await numbersOf(db)).toEqual(before)
    }),
  ))

test('views that read one another make migrate fail with their names', () =>
  withDatabase((db) =>
    withCopy(async ({ options, edit }) => {
      const other = (name: string) => `select * from mart.${name};\n`
      await edit('funnel', () => other('win_rate'))
      await edit('win_rate', () => other('funnel'))
      await expect(bringUpToDate(db, options)).rejects.toMatchObject({
        code: 'migrate.view_circle',
        message: expect.stringContaining('funnel, win_rate'),
      })
    }),
  ))

describe('migrate beside an open reader', () => {
  test('migrate waits for an open reader of a view, and later readers are served meanwhile', () =>
    withDatabase((db, url) =>
      withCopy(async ({ options, edit }) => {
        await edit('registration', oneMore)
        const [first, second] = await Promise.all([openDatabase(url), openDatabase(url)])
        try {
          let changing: ReturnType<typeof bringUpToDate> | undefined
          const waitsMs: number[] = []
          await first.query.transaction().execute(async (transaction) => {
            await sql`select from mart.registration`.execute(transaction)
            changing = bringUpToDate(db, options)
            const until = performance.now() + 2_500
            while (performance.now() < until) {
              const asked = performance.now()
              await sql`select from mart.registration`.execute(second.query)
              waitsMs.push(performance.now() - asked)
              await sleep(20)
            }
            // The reader's own view of it is as it was.
            await sql`select registration_id from mart.registration`.execute(transaction)
          })
          expect(await changing).toMatchObject({ views: ['registration'] })
          expect(Math.max(...waitsMs)).toBeLessThan(2_000)
          expect(waitsMs.filter((ms) => ms < 100).length).toBeGreaterThan(10)
        } finally {
          await Promise.all([first.close(), second.close()])
        }
      }),
    ))

  test('migrate changes no view when an open reader does not end', () =>
    withDatabase((db, url) =>
      withCopy(async ({ options, edit }) => {
        await edit('funnel', (text) => `${text}\n-- another digest\n`)
        await edit('registration', oneMore)
        const before = await db.selectFrom('etl.mart_view').selectAll().execute()
        const reader = await openDatabase(url)
        try {
          await reader.query.transaction().execute(async (transaction) => {
            await sql`select from mart.registration`.execute(transaction)
            const impatient = { ...options, lockTimeoutMs: 200, lockWaitMs: 0 }
            await expect(bringUpToDate(db, impatient)).rejects.toMatchObject({
              kind: 'tryAgainLater',
              code: 'migrate.lock_timeout',
              message: expect.stringContaining('Views of mart'),
            })
          })
        } finally {
          await reader.close()
        }
        expect(await db.selectFrom('etl.mart_view').selectAll().execute()).toEqual(before)
      }),
    ))
})

test('eight processes at once leave one state, and each view is touched by one of them', () =>
  withDatabase((db, url) =>
    withCopy(async ({ options, edit }) => {
      await edit('registration', oneMore)
      await edit('referral', renamed)
      const readers = await readersOf(db, 'referral')
      const warehouses = await Promise.all(Array.from({ length: 8 }, () => openDatabase(url)))
      try {
        const changes = await Promise.all(
          warehouses.map((warehouse) => bringUpToDate(warehouse.query, options)),
        )
        const touched = changes.flatMap(({ views }) => views).sort()
        expect(touched).toEqual([...new Set([...readers, 'referral', 'registration'])].sort())
      } finally {
        await Promise.all(warehouses.map((warehouse) => warehouse.close()))
      }
    }),
  ))

describe('a migration', () => {
  test('a migration that adds a column leaves the views alone', () =>
    withDatabase((db) =>
      withCopy(async ({ options, migration }) => {
        const before = await numbersOf(db)
        await migration('9998_wider', 'alter table dw.fact_referral add column note text')
        expect(await bringUpToDate(db, options)).toMatchObject({ views: [] })
        expect(await numbersOf(db)).toEqual(before)
      }),
    ))

  test('a migration that alters a column of views succeeds, and the views return with their rights', () =>
    withDatabase((db, url) =>
      withReaders(db, (one) =>
        withCopy(async ({ options, edit, migration }) => {
          await sql`grant select on mart.registration, mart.co_sell to ${sql.id(one)}`.execute(db)
          const before = [...(await numbersOf(db)).keys()]
          await migration(
            '9998_longer',
            'alter table dw.fact_registration alter column line_count type integer;',
          )
          // Its view can come back only after the second one.
          await migration(
            '9999_renamed',
            'alter table dw.fact_registration rename column registration_id to number_text;',
          )
          const anew = (text: string) =>
            text.replace(
              'registration.registration_id',
              'registration.number_text as registration_id',
            )
          await edit('registration', anew)
          await edit('acv_line', anew)
          await edit('acv_reconciliation', (text) =>
            text.replace('ours.registration_id', 'ours.number_text'),
          )
          const { applied } = await bringUpToDate(db, options)
          expect(applied).toEqual(['9998_longer', '9999_renamed'])
          const other = await openDatabase(url)
          await sql`select registration_id, line_count from mart.registration`.execute(other.query)
          await sql`select registration_id from mart.incentive_acv, mart.acv_line`.execute(
            other.query,
          )
          await other.close()
          expect(await rightsTo(db, 'registration')).toEqual([`${one} SELECT f`])
          expect(await rightsTo(db, 'co_sell')).toEqual([`${one} SELECT f`])
          expect([...(await numbersOf(db)).keys()].sort()).toEqual(before.sort())
        }),
      ),
    ))
})
