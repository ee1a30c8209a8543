import { spawnSync } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { type Config, loadConfig } from '../../../src/config.ts'
import {
  requireAccounts,
  withStoredAccounts,
} from '../../../src/pipeline/accounts/accounts-in-force.ts'
import {
  addAccount,
  changeAccount,
  switchAccount,
} from '../../../src/pipeline/accounts/keep-accounts.ts'
import { readSecrets } from '../../../src/pipeline/accounts/read-secrets.ts'
import { withDatabase } from '../../support/database.ts'
import { failureOf, withHome } from '../../support/with-pipeline.ts'

const secret = 'wholly-secret-word'

/** Settings that name no account. */
const bare = (variables: Record<string, string> = {}) => loadConfig({}, variables, '/nowhere')

describe('storing an account', () => {
  test('addAccount stores settings and the places of secrets, and the next command has them in force', () =>
    withDatabase(async (db, _, warehouse) => {
      const given = {
        tenantId: 'contoso.example.com',
        clientId: 'an-application',
        clientSecret: 'env:CONTOSO_SECRET',
        refreshToken: `command:["vault","read","-field=${secret}"]`,
      }
      expect(await addAccount(warehouse, 'contoso', given)).toEqual({
        status: 'added',
        account: 'contoso',
        is_enabled: true,
        settings: {
          api_url: null,
          authority_url: null,
          api_scope: null,
          tenant_id: 'contoso.example.com',
          organization_id: null,
          client_id: 'an-application',
        },
        secrets: {
          client_secret: 'env:CONTOSO_SECRET',
          refresh_token: 'command:vault (2 arguments)',
          access_token: null,
        },
      })
      const { accounts } = await withStoredAccounts(bare(), db)
      expect(accounts).toEqual([
        {
          name: 'contoso',
          apiUrl: 'https://api.partner.microsoft.com',
          authorityUrl: 'https://login.microsoftonline.com',
          tenantId: 'contoso.example.com',
          clientId: 'an-application',
          secretsFrom: {
            clientSecret: { kind: 'env', name: 'CONTOSO_SECRET' },
            refreshToken: {
              kind: 'command',
              program: 'vault',
              args: ['read', `-field=${secret}`],
            },
          },
        },
      ])
    }))

  test.each([
    {
      why: 'a secret itself',
      given: { clientSecret: secret },
      says: 'a secret itself is never stored',
    },
    {
      why: 'a variable of ours',
      given: { clientSecret: 'env:COSELL_X' },
      says: 'not begin with COSELL_',
    },
    { why: 'a relative path', given: { refreshToken: `file:${secret}` }, says: 'an absolute path' },
    { why: 'a shell line', given: { refreshToken: `command:echo ${secret}` }, says: 'a JSON list' },
    { why: 'an empty list', given: { refreshToken: 'command:[]' }, says: 'a JSON list' },
    {
      why: 'an http address',
      given: { apiUrl: 'http://api.example.com' },
      says: '--api-url: expected',
    },
    { why: 'a blank tenant', given: { tenantId: ' ' }, says: '--tenant-id: set to a blank value' },
    {
      why: 'an idle setting',
      given: { accessToken: 'env:TOKEN', clientId: 'x' },
      says: '--client-id: no effect beside --access-token',
    },
  ])('addAccount refuses $why, stores nothing and does not repeat it', ({ given, says }) =>
    withDatabase(async (db, _, warehouse) => {
      const failure = await failureOf(addAccount(warehouse, 'contoso', given))
      expect(failure).toMatchObject({ code: 'account.settings', exitCode: 2 })
      expect(failure.message).toContain(says)
      expect(failure.message).not.toContain(secret)
      expect(await db.selectFrom('etl.account').selectAll().execute()).toEqual([])
    }),
  )

  test('the table itself refuses a secret where a place is expected', () =>
    withDatabase(async (db) => {
      const insert = sql`insert into etl.account (account_code, client_secret_from) values ('a', 'word')`
      await expect(insert.execute(db)).rejects.toThrow('violates check constraint')
    }))

  test('accounts of one tenant, one secret or one name in another case are refused, unless one is disabled', () =>
    withDatabase(async (db, _, warehouse) => {
      await addAccount(warehouse, 'north', { tenantId: 't.example.com', clientId: 'c' })
      const twin = { tenantId: 'T.example.com', clientId: 'd' }
      const failure = await failureOf(addAccount(warehouse, 'south', twin))
      expect(failure).toMatchObject({ code: 'account.settings' })
      expect(failure.message).toContain('"north" and "south" name the same tenantId')
      expect(await failureOf(addAccount(warehouse, 'North', {}))).toMatchObject({
        code: 'account.exists',
        exitCode: 2,
      })
      await switchAccount(warehouse, 'north', false, false)
      await addAccount(warehouse, 'south', twin)
      expect(await failureOf(switchAccount(warehouse, 'north', true, false))).toMatchObject({
        code: 'account.settings',
      })
      expect((await withStoredAccounts(bare(), db)).accounts.map(({ name }) => name)).toEqual([
        'south',
      ])
    }))

  test('changeAccount keeps what is not given, and unsets what is blank', () =>
    withDatabase(async (_, __, warehouse) => {
      const given = { tenantId: 't.example.com', clientId: 'c', refreshToken: 'env:TOKEN' }
      await addAccount(warehouse, 'north', given)
      const changes = { refreshToken: '', clientSecret: 'file:/run/secrets/north' }
      expect(await changeAccount(warehouse, 'north', changes)).toMatchObject({
        status: 'changed',
        settings: { tenant_id: 't.example.com', client_id: 'c' },
        secrets: { client_secret: 'file:/run/secrets/north', refresh_token: null },
      })
      expect(await failureOf(changeAccount(warehouse, 'nobody', changes))).toMatchObject({
        code: 'account.not_stored',
        message: expect.stringContaining('Expected one of: north.'),
      })
    }))

  test('rows that SQL changed to what is not accepted are refused by column, and can be disabled', () =>
    withDatabase(async (db, _, warehouse) => {
      await addAccount(warehouse, 'north', {})
      await sql`update etl.account set api_url = 'http://evil.example.com'`.execute(db)
      const failure = await failureOf(withStoredAccounts(bare(), db))
      expect(failure).toMatchObject({ code: 'config.invalid', exitCode: 78 })
      expect(failure.message).toContain('etl.account "north", api_url: expected an https://')
      await switchAccount(warehouse, 'north', false, false)
      expect((await withStoredAccounts(bare(), db)).accounts).toEqual([])
    }))
})

describe('accounts in force', () => {
  const inForce = async (config: Config, warehouse: Parameters<typeof addAccount>[0]) =>
    requireAccounts({ config: await withStoredAccounts(config, warehouse.query), warehouse })

  test.each(['COSELL_CLIENT_ID', 'COSELL_TENANT_ID', 'COSELL_ACCOUNT'])(
    '%s beside stored accounts ends a load with 78 that names both places',
    (name) =>
      withDatabase(async (_, __, warehouse) => {
        const config = bare({ [name]: 'x' })
        await inForce(config, warehouse)
        await addAccount(warehouse, 'north', {})
        const failure = await failureOf(inForce(config, warehouse))
        expect(failure).toMatchObject({ code: 'account.two_places', exitCode: 78 })
        expect(failure.message).toContain(`${name} (environment)`)
        expect(failure.message).toContain('etl.account of the warehouse (north)')
        await switchAccount(warehouse, 'north', false, false)
        await inForce(config, warehouse)
      }),
  )

  test('settings of everything but accounts may stand beside stored accounts', () =>
    withDatabase(async (_, __, warehouse) => {
      await addAccount(warehouse, 'north', {})
      await inForce(bare({ COSELL_PAGE_SIZE: '7', COSELL_CLIENT_ID: ' ' }), warehouse)
    }))

  test('stored accounts that are all disabled end a load with 78', () =>
    withDatabase(async (_, __, warehouse) => {
      await addAccount(warehouse, 'north', {})
      await switchAccount(warehouse, 'north', false, false)
      expect(await failureOf(inForce(bare(), warehouse))).toMatchObject({
        code: 'account.none_enabled',
        exitCode: 78,
      })
    }))

  test('a warehouse of an earlier version has no stored accounts', () =>
    withDatabase(async (db) => {
      await sql`drop table etl.account`.execute(db)
      const config = bare()
      expect(await withStoredAccounts(config, db)).toBe(config)
    }))
})

describe('reading secrets', () => {
  const account = (accessToken: object) => ({
    ...bare().accounts[0],
    name: 'north',
    secretsFrom: { accessToken },
  })
  const read = (from: object, variables: Record<string, string> = {}, msMax = 20_000) =>
    readSecrets(
      { config: bare(variables), signal: new AbortController().signal },
      account(from) as never,
      msMax,
    )
  const node = (script: string) => ({
    kind: 'command',
    program: process.execPath,
    args: ['-e', script],
  })

  test('readSecrets takes a variable, a private file, and what a program prints, trimmed', () =>
    withHome(async (home) => {
      const file = path.join(home, 'secret')
      await writeFile(file, ` ${secret}\n`, { mode: 0o600 })
      const places = [
        { kind: 'env', name: 'NORTH' },
        { kind: 'file', path: file },
        node(`console.error('other'); console.log(' ${secret} ')`),
      ]
      for (const place of places) {
        expect(await read(place, { NORTH: secret })).toMatchObject({ accessToken: secret })
      }
    }))

  test('readSecrets starts a program without a shell', async () => {
    const args = ['-e', 'console.log(process.argv[1])', '$HOME;`id` "x"']
    const from = { kind: 'command', program: process.execPath, args }
    expect(await read(from)).toMatchObject({ accessToken: '$HOME;`id` "x"' })
  })

  test.each([
    { from: { kind: 'env', name: 'NORTH' }, code: 'secret.variable', got: 'got nothing' },
    { from: { kind: 'file', path: '/nowhere/x' }, code: 'secret.file', got: 'ENOENT' },
    { from: { kind: 'file', path: '/' }, code: 'secret.file', got: '' },
    {
      from: { kind: 'command', program: '/nowhere/vault', args: [secret] },
      code: 'secret.command',
      got: 'it does not start (ENOENT)',
    },
    {
      from: node(`console.log('${secret}'); console.error('${secret}'); process.exit(3)`),
      code: 'secret.command',
      got: 'it ended with 3',
    },
    { from: node(''), code: 'secret.command', got: 'got nothing' },
    { from: node(`console.log('${secret}\\nx')`), code: 'secret.command', got: 'several lines' },
    {
      from: node(`process.stdout.write('${secret}'.repeat(9_999))`),
      code: 'secret.command',
      got: 'more than 65536 bytes',
    },
  ])('readSecrets refuses $code with "$got", and tells nothing of the secret', async (given) => {
    const failure = await failureOf(read(given.from))
    expect(failure.message).toContain(given.got)
    expect(failure).toMatchObject({
      code: given.from.kind === 'file' ? expect.stringMatching(/^secret\.file/) : given.code,
      exitCode: 78,
    })
    expect(failure.cause).toBeUndefined()
    expect(failure.message).toContain('Account "north", access token of')
    expect(failure.message).not.toContain(secret)
  })

  test('readSecrets refuses a file that others may read', () =>
    withHome(async (home) => {
      const file = path.join(home, 'secret')
      await writeFile(file, secret)
      await chmod(file, 0o640)
      const failure = await failureOf(read({ kind: 'file', path: file }))
      expect(failure).toMatchObject({ code: 'secret.file_mode', exitCode: 78 })
      expect(failure.message).toContain('expected mode 0600, got 0640')
    }))

  test.skipIf(process.platform === 'win32').each([
    { how: 'runs on', rest: 'setTimeout(() => {}, 60_000)' },
    { how: 'ends, but for a child', rest: 'process.exit(0)' },
  ])(
    'readSecrets ends a program that $how, with its child that holds the output, with 75',
    ({ rest }) =>
      withHome(async (home) => {
        const file = path.join(home, 'child')
        const script = `
        const { pid } = require('node:child_process').spawn(process.execPath,
          ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: ['ignore', 'inherit', 'ignore'] })
        process.on('SIGTERM', () => {})
        require('node:fs').writeFileSync(${JSON.stringify(file)}, String(pid))
        ${rest}`
        const startedAt = performance.now()
        expect(await failureOf(read(node(script), {}, 2_000))).toMatchObject({
          code: 'secret.command_too_long',
          exitCode: 75,
        })
        expect(performance.now() - startedAt).toBeLessThan(10_000)
        const pid = Number(await readFile(file, 'utf8'))
        await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 5_000)
      }),
  )
})

/** Whether a process runs; one that has ended and that nobody has waited for does not. */
function isRunning(pid: number): boolean {
  const shown = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  if (shown.error !== undefined) throw shown.error
  return /^[^Z\s]/.test(shown.stdout.trim())
}
