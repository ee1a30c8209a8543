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
    expect(await at(url, bringUpToDate)).toEqual({ applied: [], views: [], lacking: [] })
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
    expect(await at(url, bringUpToDate)).toEqual({ applied: [], views: [], lacking: [] })
    await at(url, (db) => switchRowSecurity(db, true))
    await migratesOn(url, role)
  }))
