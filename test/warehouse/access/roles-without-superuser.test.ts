import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { missingGrants } from '../../../src/warehouse/access/grants.ts'
import { groups } from '../../../src/warehouse/access/roles.ts'
import { switchRowSecurity } from '../../../src/warehouse/access/switch-row-security.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { bringUpToDate, migrate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { asLogin } from '../../support/database-logins.ts'
import { runAt, startThrowaway, type TestServer, urlOf } from '../../support/global-setup.ts'
import { differingFromMatrix } from '../../support/rights-matrix.ts'
import { resultOf, runCli } from '../../support/run-cli.ts'
import { failureOf, withHome } from '../../support/with-pipeline.ts'

/*
 * All databases of a server share the groups, so these tests have a server of their own, without
 * groups at first. They run in order.
 */

let server: TestServer

beforeAll(async () => {
  server = await startThrowaway()
})
afterAll(() => server.stop())

const shipped = fileURLToPath(new URL('../../../sql/migrations/', import.meta.url))

interface Other {
  readonly role: string
  readonly url: string
  /** Connection of the superuser to the same database. */
  readonly adminUrl: string
}

/** Runs `use` with a database of a new role; role, database and groups are dropped afterwards. */
async function withOwner(attributes: string, use: (owner: Other) => Promise<void>) {
  const role = `owner_${randomUUID().slice(0, 8)}`
  const url = new URL(urlOf(server.url, role))
  const password = randomUUID()
  url.username = role
  url.password = password
  await runAt(server.url, sql.raw(`create role ${role} login password '${password}' ${attributes}`))
  await runAt(server.url, sql.raw(`create database ${role} owner ${role}`))
  try {
    await use({ role, url: url.href, adminUrl: urlOf(server.url, role) })
  } finally {
    await runAt(server.url, sql.raw(`drop database ${role} with (force)`))
    for (const name of [...Object.values(groups), role]) {
      await runAt(server.url, sql.raw(`drop role if exists ${name}`))
    }
  }
}

async function at<T>(url: string, use: (db: Kysely<Database>) => Promise<T>): Promise<T> {
  const { query, close } = await openDatabase(url)
  try {
    return await use(query)
  } finally {
    await close()
  }
}

test('three databases that are migrated at once share the groups', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-few-'))
  const names = ['one', 'two', 'three']
  for (const file of ['0001_schemas.sql', '0002_settings.sql']) {
    await cp(path.join(shipped, file), path.join(folder, file))
  }
  for (const name of names) await runAt(server.url, sql.raw(`create database ${name}`))
  const urls = names.flatMap((name) => [urlOf(server.url, name), urlOf(server.url, name)])
  await Promise.all(urls.map((url) => at(url, (db) => migrate(db, { folder }))))
  for (const url of urls) expect(await at(url, missingGrants)).toEqual([])
  await rm(folder, { recursive: true })
  for (const name of names) await runAt(server.url, sql.raw(`drop database ${name} with (force)`))
  for (const name of Object.values(groups)) await runAt(server.url, sql.raw(`drop role ${name}`))
})

test('an owner without CREATEROLE can still load, and gets the statements for an administrator', () =>
  withOwner('', async ({ role, url, adminUrl }) => {
    const migrated = await withHome((cwd) =>
      runCli(['migrate', '--json'], { cwd, env: { COSELL_DATABASE_URL: url } }),
    )
    expect(migrated).toMatchObject({ code: 0 })
    const { statements } = resultOf(migrated) as { statements: string[] }
    expect(statements).toContain('create role cosell_bi nologin;')
    expect(await at(url, missingGrants)).toEqual(statements)
    expect(await failureOf(at(url, (db) => switchRowSecurity(db, true)))).toMatchObject({
      kind: 'configuration',
      code: 'row_security.no_groups',
    })
    const output = await withHome((cwd) =>
      runCli(['migrate'], { cwd, env: { COSELL_DATABASE_URL: url } }),
    )
    expect(output.stdout).toContain('An administrator has to run, in this database:')
    expect(output.stdout).toContain(statements.join('\n'))

    for (const statement of statements) await runAt(adminUrl, sql.raw(statement))
    expect(await at(adminUrl, differingFromMatrix)).toEqual([])
    expect(await at(url, bringUpToDate)).toEqual({
      applied: [],
      views: [],
      sequences: [],
      lacking: [],
    })
    await migratesOn(url, role)
  }))

/** Checks that the role can still migrate, and that new objects belong to the owners' group. */
async function migratesOn(url: string, role: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-more-'))
  await cp(shipped, folder, { recursive: true })
  const wider =
    'alter table dw.fact_referral add column note text; create table dw.fact_more (n int);'
  await writeFile(path.join(folder, '9998_wider.sql'), wider)
  await at(url, async (db) => {
    expect(await migrate(db, { folder })).toEqual(['9998_wider'])
    const { rows } = await sql<{ owner: string }>`
      select pg_get_userbyid(relowner) as owner from pg_class where relname = 'fact_more'`.execute(
      db,
    )
    expect(rows, role).toEqual([{ owner: groups.owner }])
  })
  await rm(folder, { recursive: true })
}

test('an owner with CREATEROLE needs neither an administrator nor superuser rights', () =>
  withOwner('createrole', async ({ role, url, adminUrl }) => {
    expect(await at(url, bringUpToDate)).toMatchObject({ lacking: [] })
    expect(await at(adminUrl, differingFromMatrix)).toEqual([])
    expect(await at(url, bringUpToDate)).toEqual({
      applied: [],
      views: [],
      sequences: [],
      lacking: [],
    })
    await at(url, (db) => switchRowSecurity(db, true))
    await migratesOn(url, role)
  }))

async function makeGroups() {
  for (const name of Object.values(groups)) {
    await runAt(server.url, sql.raw(`create role ${name} nologin`))
  }
  await runAt(server.url, sql.raw(`grant ${groups.bi} to ${groups.pii}`))
}

/** Owners of the tables and views in our schemas, and whether the role is in `cosell_owner`. */
async function stateOf(adminUrl: string, role: string) {
  return at(adminUrl, async (db) => {
    const { rows } = await sql<{ owner: string }>`
      select distinct pg_get_userbyid(c.relowner) as owner
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('raw', 'pii', 'etl', 'stg', 'dw', 'mart') and c.relkind in ('r', 'v', 'S')
      order by 1`.execute(db)
    const { rows: members } = await sql<{ is_member: boolean }>`
      select exists (
        select from pg_auth_members
        where member = ${role}::regrole and roleid = to_regrole(${groups.owner})
      ) as is_member`.execute(db)
    return { owners: rows.map(({ owner }) => owner), isMember: members[0]?.is_member }
  })
}

/** Statements that make no group and hand no object over. */
const memberships = (statements: readonly string[]) =>
  statements.filter((statement) => /^grant cosell_\w+ to/.test(statement))

test.each(['', 'createrole'])(
  'a login (%s) that finds the groups of somebody else joins none and is given the statement',
  (attributes) =>
    withOwner(attributes, async ({ role, url, adminUrl }) => {
      await makeGroups()
      const { lacking } = await at(url, bringUpToDate)
      expect(memberships(lacking)).toEqual([
        expect.stringMatching(new RegExp(`^grant cosell_owner to "${role}"`)),
      ])
      expect(await stateOf(adminUrl, role)).toEqual({ owners: [role], isMember: false })
      // The groups have their rights all the same.
      expect(await at(adminUrl, (db) => differingFromMatrix(db, { owner: role }))).toEqual([])
      expect((await at(url, bringUpToDate)).applied).toEqual([])

      for (const statement of memberships(lacking)) await runAt(adminUrl, sql.raw(statement))
      expect(await at(url, bringUpToDate)).toEqual({
        applied: [],
        views: [],
        sequences: [],
        lacking: [],
      })
      expect(await at(adminUrl, differingFromMatrix)).toEqual([])
      await migratesOn(url, role)
    }),
)

test('a superuser that migrates the schema of another login leaves it to that login', () =>
  withOwner('', async ({ role, url, adminUrl }) => {
    await at(url, bringUpToDate)
    await runAt(adminUrl, sql`drop view mart.win_rate`)
    const { views, lacking } = await at(adminUrl, bringUpToDate)
    expect(views).toEqual(['win_rate'])
    expect(memberships(lacking)).toEqual([
      expect.stringMatching(new RegExp(`^grant cosell_owner to "${role}"`)),
    ])
    expect(await stateOf(adminUrl, role)).toEqual({ owners: [role], isMember: false })
    // The login goes on as before.
    await runAt(adminUrl, sql`drop view mart.win_rate`)
    expect(await at(url, bringUpToDate)).toMatchObject({ views: ['win_rate'] })
  }))

test('migrate by a login that does not own the schema names the group that may and the statement', () =>
  withOwner('createrole', async ({ url, adminUrl }) => {
    await at(url, bringUpToDate)
    await runAt(adminUrl, sql`drop view mart.win_rate`)
    await asLogin(adminUrl, [groups.loader], async ({ role, db }) => {
      const failure = await failureOf(bringUpToDate(db))
      expect(failure).toMatchObject({ kind: 'configuration', code: 'migrate.not_owner' })
      expect(failure.message).toContain('To apply mart.win_rate: expected a login in cosell_owner')
      const [statement = ''] = /grant cosell_owner to .*?(?=;)/.exec(failure.message) ?? []
      await runAt(adminUrl, sql.raw(statement))
      expect(await bringUpToDate(db)).toMatchObject({ views: ['win_rate'] })
      await runAt(adminUrl, sql.raw(`revoke cosell_owner from ${role}`))
    })
    expect(await at(adminUrl, differingFromMatrix)).toEqual([])
  }))

test('migrate by a login that may create no schema names the statement for its owner', () =>
  withOwner('', async ({ adminUrl }) =>
    asLogin(adminUrl, [], async ({ role, db }) => {
      const failure = await failureOf(bringUpToDate(db))
      expect(failure).toMatchObject({ kind: 'configuration', code: 'migrate.not_owner' })
      expect(failure.message).toMatch(
        new RegExp(`Let its owner run: grant create on database "owner_\\w+" to "${role}";`),
      )
      await runAt(adminUrl, sql.raw(/grant create.*(?=;)/.exec(failure.message)?.[0] ?? ''))
      expect((await bringUpToDate(db)).applied[0]).toBe('0001_schemas')
    }),
  ))
