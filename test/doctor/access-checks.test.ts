import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { CheckResult } from '../../src/doctor/check-result.ts'
import { checkDatabase } from '../../src/doctor/database-checks.ts'
import { checkGroups, describeGroups } from '../../src/doctor/group-rights.ts'
import { checkOtherObjects } from '../../src/doctor/other-objects.ts'
import { checkPeople, describePeople } from '../../src/doctor/people-readers.ts'
import { applyGrants } from '../../src/warehouse/access/grants.ts'
import { groups } from '../../src/warehouse/access/roles.ts'
import { bringUpToDate } from '../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { runCli } from '../support/run-cli.ts'
import { failureOf, withHome } from '../support/with-pipeline.ts'

type Db = Kysely<Database>

const isNew = async (db: Db) => {
  const { rows } = await sql<{ is_new: boolean }>`
    select current_setting('server_version_num')::integer >= 160000 as is_new`.execute(db)
  return rows[0]?.is_new === true
}

/** What the detail says of one login, such as `cosell_pii`. */
function waysOf({ detail }: CheckResult, role: string): string | undefined {
  return new RegExp(`"${role}"(?:, no login,)? \\(([^)]*)\\)`).exec(detail)?.[1]
}

describe('the people check', () => {
  test('the people check names every login that reads people, and how', () =>
    withDatabase((db, url) =>
      asLogin(url, [groups.pii], (reader) =>
        asLogin(url, [groups.loader], (loader) =>
          asLogin(url, [groups.owner], (owner) =>
            asLogin(url, [groups.bi], async (bi) => {
              await sql`alter role ${sql.id(reader.role)} noinherit`.execute(db)
              const result = await checkPeople(db)
              expect(result.status).toBe('ok')
              expect(waysOf(result, reader.role)).toBe('cosell_pii')
              expect(waysOf(result, loader.role)).toBe('cosell_loader')
              expect(waysOf(result, owner.role)).toBe('cosell_owner')
              expect(waysOf(result, bi.role)).toBeUndefined()
              expect(waysOf(result, 'postgres')).toBe('superuser')
            }),
          ),
        ),
      ),
    ))

  test('the people check warns of grants, columns, public, groups and predefined roles, until migrate', () =>
    withDatabase((db, url) =>
      asLogin(url, [], (direct) =>
        asLogin(url, [], (column) =>
          asLogin(url, ['pg_read_all_data'], (all) =>
            asLogin(url, [], (team) =>
              asLogin(url, [team.role], async (member) => {
                await sql
                  .raw(`
                    grant usage on schema pii to ${direct.role}, ${column.role}, ${team.role};
                    grant select on pii.payload to ${direct.role};
                    grant select (email) on pii.contact to ${column.role};
                    grant select on pii.referral_text to ${team.role};
                    -- Without usage on raw nobody is let in by this one.
                    grant select on raw.payload to public;
                  `)
                  .execute(db)
                const result = await checkPeople(db)
                expect(result.status).toBe('warn')
                expect(waysOf(result, direct.role)).toBe('its own rights: pii.payload')
                expect(waysOf(result, column.role)).toBe('its own rights: pii.contact')
                expect(waysOf(result, member.role)).toBe(`${team.role}: pii.referral_text`)
                expect(waysOf(result, all.role)).toContain('pg_read_all_data')
                expect(result.remedy).toContain(
                  'the rights to pii.contact, pii.payload, pii.referral_text, raw.payload.',
                )
                expect(result.remedy).toContain(
                  `whether "${all.role}" must be in pg_read_all_data.`,
                )
                await applyGrants(db, { isClosing: true })
                const after = await checkPeople(db)
                expect(waysOf(after, direct.role)).toBeUndefined()
                expect(waysOf(after, column.role)).toBeUndefined()
                expect(waysOf(after, member.role)).toBeUndefined()
                expect(waysOf(after, all.role)).toBe('pg_read_all_data')
              }),
            ),
          ),
        ),
      ),
    ))

  test('the people check describes a role that is no login', () => {
    const reader = { is_superuser: false, opened: ['pii.contact'], through: ['team'] }
    const found = [{ ...reader, role: 'team', is_login: false }]
    expect(describePeople(found, [groups.pii])).toMatchObject({
      status: 'warn',
      detail: 'raw and pii can be read by "team", no login, (its own rights: pii.contact)',
    })
  })
})

describe('the check of other objects', () => {
  test('the check of other objects names what others made, and warns where it took a name of ours', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: other }) => {
        expect(await checkOtherObjects(db)).toMatchObject({
          status: 'ok',
          detail: 'all objects were made by cosell',
        })
        await sql`grant usage, create on schema mart to ${sql.id(role)}`.execute(db)
        await sql.raw('create table mart.model (n serial)').execute(other)
        const harmless = await checkOtherObjects(db)
        expect(harmless).toEqual({
          check: 'other objects',
          status: 'ok',
          detail:
            `not made by cosell and left alone: mart.model (table of "${role}"); rights to schemas ` +
            `that cosell did not give: create on mart to "${role}", usage on mart to "${role}"`,
        })
        await sql`drop view mart.win_rate`.execute(db)
        await sql`create view mart.win_rate as select 1 as n`.execute(other)
        expect(await checkOtherObjects(db)).toMatchObject({
          status: 'warn',
          remedy: expect.stringMatching(/^mart\.win_rate should be an object of cosell/),
        })
        await sql.raw('drop view mart.win_rate; drop table mart.model').execute(other)
      }),
    ))
})

describe('the groups check', () => {
  test('the groups check names a missing right and passes after migrate', () =>
    withDatabase(async (db) => {
      expect(await checkGroups(db)).toMatchObject({ status: 'ok' })
      await sql`revoke insert on raw.payload from cosell_loader`.execute(db)
      expect(await checkGroups(db)).toMatchObject({
        status: 'warn',
        detail: 'lack: grant insert on table raw.payload to cosell_loader;',
      })
      await bringUpToDate(db)
      expect(await checkGroups(db)).toMatchObject({ status: 'ok' })
    }))

  test('the groups check passes an installation without groups', () => {
    const missing = Object.values(groups).map((name) => `create role ${name} nologin;`)
    expect(describeGroups(missing)).toMatchObject({ status: 'ok' })
  })
})

describe('a login without inheritance', () => {
  test.each([groups.loader, groups.owner])(
    'the rights check of a NOINHERIT member of %s gives the statement that helps',
    (group) =>
      withDatabase((db, url) =>
        asLogin(url, [], async ({ role, db: own }) => {
          await sql.raw(`alter role ${role} noinherit; grant ${group} to ${role}`).execute(db)
          const look = async () =>
            (
              await checkDatabase(own, { isLocal: true, isUnverified: false }, Date.now)
            ).results.find(({ check }) => check === 'rights')
          const found = await look()
          expect(found).toMatchObject({ status: 'fail' })
          const statement = (await isNew(db))
            ? `grant ${group} to "${role}" with inherit true;`
            : `alter role "${role}" inherit;`
          expect(found?.remedy).toBe(`Let an administrator run: ${statement}`)
          await sql.raw(statement).execute(db)
          expect((await look())?.status).not.toBe('fail')
        }),
      ),
  )
})

describe('commands of a reader', () => {
  test.each([['status'], ['report']])(
    'cosell %s by a member of cosell_bi names the login to ask for, and no right to grant',
    (command) =>
      withDatabase((_, url) =>
        asLogin(url, [groups.bi], (reader) =>
          withHome(async (cwd) => {
            const end = await runCli([command, '--json'], {
              cwd,
              env: { COSELL_DATABASE_URL: reader.url },
            })
            expect(end.code).toBe(78)
            expect(end.stderr + end.stdout).toContain('expected a login in cosell_loader')
            expect(end.stderr + end.stdout).not.toMatch(/grant /i)
          }),
        ),
      ),
  )

  test('a NOINHERIT member of cosell_loader is given the statement, not asked for another login', () =>
    withDatabase((db, url) =>
      asLogin(url, [], async ({ role, db: own }) => {
        await sql.raw(`alter role ${role} noinherit; grant cosell_loader to ${role}`).execute(db)
        const { message, kind } = (await failureOf(bringUpToDate(own))) as Error & { kind: string }
        expect(kind).toBe('configuration')
        const [statement = ''] = /(grant|alter role) [^;]*;/.exec(message) ?? []
        expect(message).toContain('in cosell_loader without its rights')
        await sql.raw(statement).execute(db)
        expect(await bringUpToDate(own)).toMatchObject({ applied: [] })
      }),
    ))
})
