import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { applyGrants } from '../../../src/warehouse/access/grants.ts'
import { groups } from '../../../src/warehouse/access/roles.ts'
import { bringUpToDate, compareSchema } from '../../../src/warehouse/migrate/migrate.ts'
import { migrationsFolder } from '../../../src/warehouse/sql-folder.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'

type Db = Kysely<Database>

const ownerOf = async (db: Db, name: string) => {
  const { rows } = await sql<{ owner: string }>`
    select pg_get_userbyid(relowner) as owner from pg_class where oid = to_regclass(${name})`.execute(
    db,
  )
  return rows[0]?.owner
}

const membersOf = async (db: Db, role: string) => {
  const { rows } = await sql<{ name: string }>`
    select r.rolname as name from pg_auth_members m
    join pg_roles r on r.oid = m.roleid
    where m.member = ${role}::regrole`.execute(db)
  return rows.map(({ name }) => name)
}

describe('objects of others in our schemas', () => {
  test('a table that another role makes in mart stays its own, with its rights, and its owner joins no group', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: other }) => {
        await sql`grant usage, create on schema mart, dw to ${sql.id(role)}`.execute(db)
        await sql
          .raw('create table mart.model (n integer); grant select on mart.model to public;')
          .execute(other)
        await sql`create view dw.model as select 1 as n`.execute(other)
        await sql`create table mart.numbered (n serial)`.execute(other)
        const rights = async () => {
          const { rows } = await sql`
            select relname, relacl::text, pg_get_userbyid(relowner) as owner from pg_class
            where relowner = ${role}::regrole order by 1`.execute(db)
          return rows
        }
        const before = await rights()
        expect(before.length).toBeGreaterThanOrEqual(4)
        expect(await bringUpToDate(db)).toEqual({
          applied: [],
          views: [],
          sequences: [],
          lacking: [],
        })
        expect(await applyGrants(db, { isClosing: true })).toEqual([])
        expect(await rights()).toEqual(before)
        expect(await membersOf(db, role)).toEqual([])
        await expect(sql`select from pii.contact`.execute(other)).rejects.toThrow('denied')
        await sql`drop owned by ${sql.id(role)}`.execute(db)
      }),
    ))

  test('a table that took the name of a view of ours is neither owned, granted nor replaced', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: other }) => {
        await sql`grant usage, create on schema mart to ${sql.id(role)}`.execute(db)
        await sql`drop view mart.win_rate`.execute(db)
        await sql`create table mart.win_rate (n integer)`.execute(other)
        expect(await bringUpToDate(db)).toEqual({
          applied: [],
          views: [],
          sequences: [],
          lacking: [],
        })
        await sql`update etl.mart_view set definition_digest = 'old'
          where view_name = 'win_rate'`.execute(db)
        await expect(bringUpToDate(db)).rejects.toMatchObject({
          kind: 'configuration',
          code: 'migrate.name_taken',
          message: expect.stringContaining(`mart.win_rate, a table of "${role}"`),
        })
        expect(await ownerOf(db, 'mart.win_rate')).toBe(role)
        await sql`drop table mart.win_rate`.execute(other)
        expect((await bringUpToDate(db)).views).toEqual(['win_rate'])
        expect(await ownerOf(db, 'mart.win_rate')).toBe(groups.owner)
      }),
    ))

  test('a view that took the name of a new view of ours is refused by name', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: other }) => {
        await sql`grant usage, create on schema mart to ${sql.id(role)}`.execute(db)
        await sql`drop view mart.win_rate`.execute(db)
        await sql`delete from etl.mart_view where view_name = 'registration'`.execute(db)
        await sql`create view mart.win_rate as select 1 as n`.execute(other)
        await expect(bringUpToDate(db)).rejects.toMatchObject({
          code: 'migrate.name_taken',
          message: expect.stringContaining(`mart.win_rate, a view of "${role}"`),
        })
        expect(await ownerOf(db, 'mart.win_rate')).toBe(role)
        await sql`drop view mart.win_rate`.execute(other)
      }),
    ))

  test('a table that took the name of a table of a new migration is named', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: other }) => {
        await sql`grant usage, create on schema dw to ${sql.id(role)}`.execute(db)
        await sql`create table dw.fact_more (n integer)`.execute(other)
        const folder = await mkdtemp(path.join(tmpdir(), 'cosell-more-'))
        await cp(migrationsFolder, folder, { recursive: true })
        await writeFile(path.join(folder, '9998_more.sql'), 'create table dw.fact_more (n integer)')
        await expect(bringUpToDate(db, { folder })).rejects.toMatchObject({
          kind: 'configuration',
          code: 'migrate.name_taken',
          message: expect.stringMatching(/9998_more.*fact_more/),
        })
        expect(await ownerOf(db, 'dw.fact_more')).toBe(role)
        await rm(folder, { recursive: true })
      }),
    ))

  test('a table of ours that changed hands is left there', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role }) => {
        await sql`grant create on schema dw to ${sql.id(role)}`.execute(db)
        await sql`alter table dw.fact_referral owner to ${sql.id(role)}`.execute(db)
        expect(await applyGrants(db, { isClosing: true })).toEqual([])
        expect(await ownerOf(db, 'dw.fact_referral')).toBe(role)
        expect(await membersOf(db, role)).toEqual([])
        await sql`alter table dw.fact_referral owner to cosell_owner`.execute(db)
      }),
    ))

  test('a view that migrate creates as a superuser belongs to the owners’ group', () =>
    withDatabase(async (db) => {
      await sql`drop view mart.win_rate`.execute(db)
      await bringUpToDate(db)
      expect(await ownerOf(db, 'mart.win_rate')).toBe(groups.owner)
    }))
})

describe('rights by default', () => {
  test('default privileges from before the first migrate leave raw and pii closed', () =>
    withEmptyDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: other }) => {
        await sql
          .raw(`
            alter default privileges grant select on tables to ${role};
            alter default privileges grant usage on schemas to ${role};
            alter default privileges grant select on tables to public;
          `)
          .execute(db)
        expect(await bringUpToDate(db)).toMatchObject({ lacking: [] })
        const { rows } = await sql<{ name: string }>`
          select c.oid::regclass::text as name
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname in ('raw', 'pii') and c.relkind in ('r', 'p', 'v')
            and has_any_column_privilege(${role}, c.oid, 'select')`.execute(db)
        expect(rows).toEqual([])
        await expect(sql`select from pii.contact`.execute(other)).rejects.toThrow('denied')
        // Not about people: what the administrator gave stays.
        await sql`select from dw.fact_referral`.execute(other)
        const { rows: schemas } = await sql`
          select has_schema_privilege(${role}, 'pii', 'usage') as may`.execute(db)
        expect(schemas).toEqual([{ may: true }])
      }),
    ))
})

describe('a database with schemas of others', () => {
  const names = ['raw', 'etl', 'mart']

  test.each(names)(
    'migrate refuses a database with a schema %s of another role and creates nothing',
    (name) =>
      withEmptyDatabase((db, url) =>
        asLogin(url, [], async ({ role }) => {
          await sql`create schema ${sql.id(name)} authorization ${sql.id(role)}`.execute(db)
          const refused = {
            kind: 'configuration',
            code: 'migrate.schema_taken',
            message: expect.stringContaining(`${name} of role "${role}"`),
          }
          await expect(bringUpToDate(db)).rejects.toMatchObject(refused)
          await expect(compareSchema(db)).rejects.toMatchObject(refused)
          const { rows } = await sql<{ name: string }>`
          select nspname as name from pg_namespace where nspname in (${sql.join(names)})`.execute(
            db,
          )
          expect(rows).toEqual([{ name }])
        }),
      ),
  )

  test('migrate refuses a schema etl of its own login that holds a table', () =>
    withEmptyDatabase(async (db) => {
      await sql.raw('create schema etl; create table etl.job (n integer)').execute(db)
      await expect(bringUpToDate(db)).rejects.toMatchObject({ code: 'migrate.schema_taken' })
    }))

  test('migrate refuses a table etl.migration of another tool', () =>
    withEmptyDatabase(async (db) => {
      await sql.raw('create schema etl; create table etl.migration (version integer)').execute(db)
      await expect(bringUpToDate(db)).rejects.toMatchObject({ code: 'migrate.schema_taken' })
    }))

  test('migrate continues a first migration that was cut off before or after its first file', () =>
    withEmptyDatabase(async (db) => {
      await sql`create schema etl`.execute(db)
      const whole = await bringUpToDate(db)
      expect(whole.applied[0]).toBe('0001_schemas')
      await sql`drop schema mart, dw, stg, raw, pii cascade`.execute(db)
      await sql`do $$ declare t record; begin
        for t in select oid::regclass as name from pg_class
          where relnamespace = 'etl'::regnamespace and relkind = 'r' and relname !~ '^migration'
        loop execute format('drop table if exists %s cascade', t.name); end loop; end $$`.execute(
        db,
      )
      await sql`delete from etl.migration`.execute(db)
      expect((await bringUpToDate(db)).applied).toEqual(whole.applied)
    }))
})
