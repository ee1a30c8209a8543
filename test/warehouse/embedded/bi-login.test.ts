import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../../../src/log.ts'
import { switchRowSecurity } from '../../../src/warehouse/access/switch-row-security.ts'
import { keepBiLogin } from '../../../src/warehouse/bi-connection.ts'
import { openDatabase, type Warehouse } from '../../../src/warehouse/connection/database.ts'
import {
  type EmbeddedServer,
  startEmbedded,
  stopEmbedded,
} from '../../../src/warehouse/embedded/embedded.ts'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'

const parent = fs.mkdtempSync(path.join(tmpdir(), 'cosell-bi-'))
fs.chmodSync(parent, 0o755)
const options = {
  home: path.join(parent, 'home'),
  path: process.env.PATH ?? '',
  binDir: process.env.COSELL_PG_BINDIR,
  osUser: process.env.COSELL_PG_OS_USER,
  settings: { fsync: 'off', full_page_writes: 'off' },
}
let server: EmbeddedServer
let admin: Warehouse

async function start() {
  server = await startEmbedded(options)
  admin = await openDatabase(server.url)
}

beforeAll(async () => {
  await start()
  await migrate(admin.query)
})

afterAll(async () => {
  await admin.close()
  await stopEmbedded(options)
  fs.rmSync(parent, { recursive: true, force: true })
})

/** Runs statements as a BI tool does: over the bare driver, with the settings of the login. */
async function asTool<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

const asAdmin = async <Row>(text: string) => (await sql.raw<Row>(text).execute(admin.query)).rows
const run = (text: string) => asAdmin(text)
const biUrl = () => server.biUrl(admin.query)
/** Does with the login what a load does, and returns the lines of its log. */
async function loadLog(): Promise<string[]> {
  const logged: string[] = []
  const { logger } = createLog({ write: (line) => logged.push(line), isTerminal: false })
  await keepBiLogin({ query: admin.query, embedded: server }, logger)
  return logged
}

const fileOf = (name: string) => path.join(server.home, name)

describe('the login for BI tools', () => {
  test('the login for BI tools may read every table of dw and mart, and do nothing else', async () => {
    const url = await biUrl()
    const rights = await asTool<{ schema: string; readable: string; total: string }>(
      url,
      `select n.nspname as schema, count(*) as total,
         count(*) filter (where has_schema_privilege(n.oid, 'usage')
           and has_table_privilege(c.oid, 'select')) as readable
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'v', 'm')
         and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
       group by n.nspname order by n.nspname`,
    )
    const isRead = ({ readable, total }: (typeof rights)[number]) => readable === total
    expect(rights.filter(isRead).map(({ schema }) => schema)).toEqual(['dw', 'mart'])
    const closed = rights.filter((one) => !isRead(one))
    expect(closed.map(({ schema, readable }) => `${schema} ${readable}`)).toEqual([
      'etl 0',
      'pii 0',
      'raw 0',
      'stg 0',
    ])
    const [writable] = await asTool<{ count: string }>(
      url,
      `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'v') and n.nspname !~ '^(pg_|information_schema)'
         and has_table_privilege(c.oid, 'insert, update, delete, truncate')`,
    )
    expect(writable).toEqual({ count: '0' })
    const [role] = await asTool(
      url,
      `select current_user as name, rolsuper or rolcreatedb or rolcreaterole or rolbypassrls as more,
         to_json(array(select roleid::regrole::text from pg_auth_members where member = r.oid)) as groups,
         shobj_description(r.oid, 'pg_authid') as comment,
         current_setting('transaction_read_only') as read_only,
         to_json(current_schemas(false)) as schemas
       from pg_roles r where rolname = current_user`,
    )
    expect(role).toEqual({
      name: 'cosell_reader',
      more: false,
      groups: ['cosell_bi'],
      comment: expect.stringMatching(/^cosell: login for BI tools\./),
      read_only: 'on',
      schemas: ['mart', 'dw', 'public'],
    })
  })

  test('the login for BI tools cannot write where it lifts the guard against slips', async () => {
    const lifted = 'set session characteristics as transaction read write; commit;'
    const url = await biUrl()
    const attempt = (text: string) => asTool(url, `${lifted} ${text}`)
    for (const text of ['delete from dw.fact_referral', 'create table made ()']) {
      await expect(attempt(text), text).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('the login for BI tools reads what columns mean', async () => {
    const [column] = await asTool<{ comment: string }>(
      await biUrl(),
      `select col_description('dw.fact_registration'::regclass, attnum) as comment
       from pg_attribute where attrelid = 'dw.fact_registration'::regclass
         and attname = 'referral_key'`,
    )
    expect(column?.comment).toMatch(/referral/)
  })

  test('the connection string for BI tools holds a password of its own, and stays the same after a restart', async () => {
    const url = await biUrl()
    const passwords = ['password', 'bi-password'].map((name) =>
      fs.readFileSync(fileOf(name), 'utf8').trim(),
    )
    expect(new Set(passwords).size).toBe(2)
    expect(url).toBe(`postgres://cosell_reader:${passwords[1]}@127.0.0.1:${server.port}/cosell`)
    for (const name of ['password', 'bi-password']) {
      const { mode, uid } = fs.statSync(fileOf(name))
      expect({ mode: mode & 0o777, uid }).toEqual({
        mode: 0o600,
        uid: fs.statSync(server.home).uid,
      })
    }
    await admin.close()
    await server.stop()
    await start()
    expect(await biUrl()).toBe(url)
    expect(await asTool(url, 'select 1 as n')).toEqual([{ n: 1 }])
  })

  test('the login for BI tools keeps a hash that its password gives by RFC 5803', async () => {
    const { password } = new URL(await biUrl())
    const [role] = await asAdmin<{ rolpassword: string }>(
      "select rolpassword from pg_authid where rolname = 'cosell_reader'",
    )
    const [, salt = '', storedKey] =
      /^SCRAM-SHA-256\$4096:([^$]+)\$([^:]+):/.exec(role?.rolpassword ?? '') ?? []
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), 4096, 32, 'sha256')
    const clientKey = createHmac('sha256', salted).update('Client Key').digest()
    expect(storedKey).toBe(createHash('sha256').update(clientKey).digest('base64'))
  })

  test.each([
    ['another password', "alter role cosell_reader password 'other'"],
    ['no password', 'alter role cosell_reader password null'],
    ['a password that has run out', "alter role cosell_reader valid until '2020-01-01'"],
    ['no right to sign in', 'alter role cosell_reader nologin'],
    ['no group', 'revoke cosell_bi from cosell_reader'],
    ['the group of people', 'grant cosell_pii to cosell_reader'],
    [
      'a group that another role gave',
      `create role lender; grant cosell_pii to lender with admin option; set role lender;
       grant cosell_pii to cosell_reader; reset role`,
    ],
    ['rights of its own', 'alter role cosell_reader createrole bypassrls'],
    ['no inheritance', 'alter role cosell_reader noinherit'],
    ['no role', 'drop role cosell_reader'],
  ])('the connection string for BI tools works again after %s', async (_, change) => {
    const url = await biUrl()
    await run(change)
    expect(await biUrl()).toBe(url)
    const [role] = await asTool(
      url,
      `select (select count(*)::integer from mart.referral) as rows,
         (select count(*)::integer from pg_auth_members where member = r.oid) as groups,
         rolcreaterole or rolbypassrls as more
       from pg_roles r where rolname = current_user`,
    )
    expect(role).toEqual({ rows: 0, groups: 1, more: false })
  })

  test('a second call changes nothing of the login for BI tools', async () => {
    const url = await biUrl()
    const version = () => asAdmin("select xmin from pg_authid where rolname = 'cosell_reader'")
    await run("alter role cosell_reader set statement_timeout = '5min'")
    const before = await version()
    expect(await biUrl()).toBe(url)
    expect(await version()).toEqual(before)
    expect(await asTool(url, 'show statement_timeout')).toEqual([{ statement_timeout: '5min' }])
  })

  test.each(['', 'pässword'])(
    'a file that holds "%s" for the password gets another one',
    async (text) => {
      fs.writeFileSync(fileOf('bi-password'), text)
      expect(await asTool(await biUrl(), 'select 1 as n')).toEqual([{ n: 1 }])
      expect(fs.readFileSync(fileOf('bi-password'), 'utf8')).toMatch(/^[\w-]{24}\n$/)
    },
  )

  test('a folder in the place of the password is left alone, and does not end a load', async () => {
    const url = await biUrl()
    const file = fileOf('bi-password')
    const text = fs.readFileSync(file)
    fs.rmSync(file)
    fs.mkdirSync(file)
    await expect(biUrl()).rejects.toMatchObject({
      code: 'postgres.password',
      message: expect.stringContaining(`${file}: expected a file`),
    })
    expect(await loadLog()).toEqual([expect.stringContaining('"code":"postgres.password"')])
    fs.rmdirSync(file)
    fs.writeFileSync(file, text)
    expect(await biUrl()).toBe(url)
  })

  test('a load gives a warehouse of the previous version its login, and prints nothing', async () => {
    await run('drop role cosell_reader')
    fs.rmSync(fileOf('bi-password'))
    expect(await loadLog()).toEqual([])
    const password = fs.readFileSync(fileOf('bi-password'), 'utf8').trim()
    const url = `postgres://cosell_reader:${password}@127.0.0.1:${server.port}/cosell`
    expect(await asTool(url, 'select 1 as n')).toEqual([{ n: 1 }])
    expect(await biUrl()).toBe(url)
  })

  test('several calls at once make one login with one password', async () => {
    await run('drop role cosell_reader')
    fs.rmSync(fileOf('bi-password'))
    const urls = await Promise.all([biUrl(), biUrl(), biUrl()])
    expect(new Set(urls).size).toBe(1)
    expect(await asTool(urls[0] ?? '', 'select 1 as n')).toEqual([{ n: 1 }])
  })

  test('a role that others made under the name of the login is left alone', async () => {
    await biUrl()
    await run('alter role cosell_reader rename to kept_reader')
    await run("create role cosell_reader login password 'theirs' in role cosell_pii")
    const state = () =>
      asAdmin("select xmin, rolpassword from pg_authid where rolname = 'cosell_reader'")
    const before = await state()
    await expect(biUrl()).rejects.toMatchObject({
      code: 'postgres.login_taken',
      kind: 'configuration',
      message: expect.stringContaining('alter role cosell_reader rename to'),
    })
    expect(await loadLog()).toEqual([expect.stringContaining('"code":"postgres.login_taken"')])
    expect(await state()).toEqual(before)
    await run('drop role cosell_reader')
    await run('alter role kept_reader rename to cosell_reader')
  })

  test('the login for BI tools sees the accounts that etl.bi_access gives it, under row-level security', async () => {
    const url = await biUrl()
    await run(`insert into dw.dim_partner_account
      (partner_account_key, account_code, account_name, created_at)
      values (1, 'north', 'north', now()), (2, 'south', 'south', now())`)
    const seen = () =>
      asTool<{ name: string }>(
        url,
        'select account_name as name from dw.dim_partner_account order by 1',
      )
    expect(await seen()).toHaveLength(2)
    await switchRowSecurity(admin.query, true)
    expect(await seen()).toEqual([])
    await run(`insert into etl.bi_access (role_name, partner_account_key)
      select 'cosell_reader', partner_account_key from dw.dim_partner_account
      where account_name = 'north'`)
    expect(await seen()).toEqual([{ name: 'north' }])
  })
})
