import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { applyGrants } from '../../../src/warehouse/access/grants.ts'
import { groups } from '../../../src/warehouse/access/roles.ts'
import { bringUpToDate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'
import { differingFromMatrix } from '../../support/rights-matrix.ts'
import { recordStatements } from '../../support/sent-statements.ts'

test('every table, view, sequence and schema grants each group exactly the rights of the matrix', () =>
  withDatabase(async (db) => {
    expect(await differingFromMatrix(db)).toEqual([])
  }))

/** Runs `use` in a transaction that is rolled back. */
async function undone<T>(db: Kysely<Database>, use: (db: Kysely<Database>) => Promise<T>) {
  const back = new Error('taken back')
  let result: T | undefined
  await db
    .transaction()
    .execute(async (transaction) => {
      result = await use(transaction)
      throw back
    })
    .catch((error: unknown) => {
      if (error !== back) throw error
    })
  return result
}

test('the matrix reports every right and object that it does not list', () =>
  withDatabase(async (db) => {
    for (const [statement, sentence] of [
      ['create table dw.something (n integer)', 'dw.something: no row of the matrix'],
      ['create view mart.something as select 1', 'mart.something: cosell_bi has - instead of s'],
      ['create sequence dw.something', 'dw.something: belongs to postgres'],
      ['grant select on pii.payload to cosell_bi', 'pii.payload: cosell_bi has s instead of -'],
      ['revoke insert on raw.payload from cosell_loader', 'raw.payload: cosell_loader has'],
      ['grant usage on schema etl to public', 'etl: cosell_bi has u instead of -'],
      ['grant select (email) on pii.contact to cosell_bi', 'pii.contact: rights to single columns'],
      ['grant select on raw.payload to public', 'raw.payload: rights of public'],
      ['alter role cosell_bi login', 'cosell_bi: can do more than a group'],
      ['create function dw.f() returns int language sql as $$ select 1 $$', 'dw.f: a function'],
    ] as const) {
      const found = await undone(db, async (transaction) => {
        await sql.raw(statement).execute(transaction)
        return differingFromMatrix(transaction)
      })
      expect(found?.join('\n'), statement).toContain(sentence)
    }
  }))

describe('cosell migrate', () => {
  test('cosell migrate grants and locks nothing in a database that is up to date', () =>
    withDatabase(async (db) => {
      await applyGrants(db)
      const sent = await recordStatements(() => bringUpToDate(db))
      const texts = sent.map(({ text }) => text).join('\n')
      expect(texts).toContain('aclexplode')
      expect(texts).not.toMatch(/^\s*(grant|revoke|alter|create role|set local)/im)
    }))

  test('cosell migrate grants the listed rights on what cosell made and revokes unlisted ones', () =>
    withDatabase(async (db) => {
      await sql
        .raw(`
          grant select on etl.run, pii.contact to cosell_bi;
          grant select (email) on pii.contact to cosell_bi;
          grant truncate on dw.fact_referral to cosell_loader;
          grant select on dw.dim_referral to public;
          revoke insert on dw.fact_referral from cosell_loader;
          revoke select on mart.referral from cosell_bi;
          revoke usage on schema mart from cosell_bi;
        `)
        .execute(db)
      expect((await differingFromMatrix(db)).length).toBeGreaterThan(5)
      expect(await applyGrants(db)).toEqual([])
      expect(await differingFromMatrix(db)).toEqual([])
    }))

  test('cosell migrate takes rights to people from other roles, a run leaves them', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role }) => {
        await sql
          .raw(`
            grant usage on schema pii, dw to ${role};
            grant select on raw.payload, dw.fact_referral to ${role};
            grant select (email), update (email) on pii.contact to ${role};
            grant select on pii.referral_text to ${role} with grant option;
            set role ${role};
            grant select on pii.referral_text to cosell_bi;
            reset role;
            grant select on pii.contact to cosell_pii with grant option;
            create table pii.of_another_tool (email text);
            grant select on pii.of_another_tool to ${role};
          `)
          .execute(db)
        const held = async () => {
          const { rows } = await sql<{ held: string }>`
            select name || ' ' || privilege as held
            from unnest(array['raw.payload', 'dw.fact_referral', 'pii.contact', 'pii.referral_text',
              'pii.of_another_tool']) name
            cross join unnest(array['select', 'update']) privilege
            where has_any_column_privilege(${role}, name, privilege)
            order by 1`.execute(db)
          return rows.map((row) => row.held)
        }
        const before = await held()
        expect(before).toHaveLength(6)
        await bringUpToDate(db)
        expect(await held()).toEqual(before)
        expect(await applyGrants(db, { isClosing: true })).toEqual([])
        expect(await held()).toEqual(['dw.fact_referral select', 'pii.of_another_tool select'])
        const { rows } = await sql`
          select has_schema_privilege(${role}, 'pii', 'usage') as may_use,
            has_table_privilege('cosell_pii', 'pii.contact', 'select') as may_read,
            has_table_privilege('cosell_pii', 'pii.contact', 'select with grant option') as may_pass,
            has_table_privilege('cosell_bi', 'pii.referral_text', 'select') as may_all`.execute(db)
        expect(rows).toEqual([{ may_use: true, may_read: true, may_pass: false, may_all: false }])
      }),
    ))

  test('cosell migrate by a loader finds nothing to do and prints nothing', () =>
    withDatabase(async (owner, url) => {
      await applyGrants(owner)
      await asLogin(url, [groups.loader], async ({ db }) => {
        expect(await bringUpToDate(db)).toEqual({
          applied: [],
          views: [],
          sequences: [],
          lacking: [],
        })
      })
    }))
})

/** Returns the SQLSTATE of a statement, or `done`. */
async function endOf(db: Kysely<Database>, statement: string): Promise<string> {
  try {
    await sql.raw(statement).execute(db)
    return 'done'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const forbidden = '42501'

const refusals: Readonly<Record<string, readonly string[]>> = {
  [groups.bi]: [
    'select * from pii.contact',
    'select * from pii.referral_text',
    'select * from raw.payload',
    'select * from etl.run',
    'select * from etl.bi_access',
    'select * from stg.contact',
    'delete from dw.fact_referral',
    'create view mart.mine as select 1 as n',
    'create table public.mine (n integer)',
  ],
  [groups.pii]: [
    'select * from pii.secret',
    'select * from pii.payload',
    'update pii.contact set email = null',
    'select * from raw.payload',
  ],
  [groups.loader]: [
    'create table dw.mine (n integer)',
    'create table stg.mine (n integer)',
    'create schema mine',
    'truncate dw.fact_referral',
    'truncate stg.listed_referral',
    'truncate raw.payload',
    'drop table stg.contact',
    'alter table dw.fact_referral add column mine text',
    'create or replace view mart.referral as select 1 as n',
    'update etl.bi_access set partner_account_key = 1',
    'alter table dw.fact_referral disable row level security',
    "select setval('dw.dim_tag_tag_key_seq', 1)",
    "select nextval('etl.run_run_id_seq')",
  ],
}

test('PostgreSQL denies logins of each group every statement beyond their purpose', () =>
  withDatabase(async (_, url) => {
    for (const [group, statements] of Object.entries(refusals)) {
      await asLogin(url, [group], async ({ db }) => {
        for (const statement of statements) {
          const end = await endOf(db, statement)
          expect(`${end} ${group}: ${statement}`).toBe(`${forbidden} ${group}: ${statement}`)
        }
      })
    }
  }))

test('a login of each group may run the statements of its purpose', () =>
  withDatabase(async (owner, url) => {
    await applyGrants(owner)
    for (const [group, statement] of [
      [groups.bi, 'select * from dw.fact_referral'],
      [groups.bi, 'select * from mart.data_quality'],
      [groups.pii, 'select * from pii.contact join dw.dim_referral using (referral_key)'],
      [groups.loader, 'truncate stg.contact'],
      [groups.owner, 'alter table dw.fact_referral add column mine text'],
      [groups.owner, 'create schema mine'],
    ] as const) {
      await asLogin(url, [group], async ({ db }) => {
        const end = await undone(db, (transaction) => endOf(transaction, statement))
        expect(`${end} ${group}: ${statement}`).toBe(`done ${group}: ${statement}`)
      })
    }
  }))
