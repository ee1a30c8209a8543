import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTokenStore, tokenFileOf } from '../../src/extract/auth/token-store.ts'
import {
  type AccountSource,
  checkSource,
  findHolder,
  isSameSource,
  listSources,
  recordSource,
  type StoredAccount,
} from '../../src/load/runs/account-source.ts'
import { acquireLease } from '../../src/load/runs/lease.ts'
import { createLog } from '../../src/log.ts'
import { renameStoredAccount } from '../../src/pipeline/accounts/rename-account.ts'
import { backfill } from '../../src/pipeline/backfill/backfill.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { digestState } from '../support/digest.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import {
  contextOf,
  failureOf,
  type TestPipeline,
  withPipeline as withDemo,
  withSandbox,
} from '../support/with-pipeline.ts'

/** A pipeline with an account that other ones may stand beside, unlike the demo's. */
function withPipeline(
  options: { referrals: number },
  use: (nights: TestPipeline) => Promise<void>,
) {
  return withDemo(options, use, { COSELL_ACCOUNT: 'first' })
}

/** Tenant of every access token of the sandbox. */
const tokenTenant = '5a4db0c0-0000-4000-8000-000000000001'
const otherTenant = '5a4db0c0-0000-4000-8000-000000000002'

async function namesOf(db: Kysely<Database>): Promise<string[]> {
  return (await listSources(db)).map(({ name }) => name)
}

function storeSignIn(home: string, account: string): Promise<void> {
  return createTokenStore(tokenFileOf(home, account)).save('sandbox-refresh-token')
}

/** A token that names a tenant and has no signature. */
function tokenOf(tid: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ tid, oid: 'someone' })}.`
}

describe('an account whose source another account holds', () => {
  test.each([
    { why: 'by its tenant, before it signs in', more: { COSELL_TENANT_ID: tokenTenant }, sent: 0 },
    {
      why: 'by the tenant of a given token',
      more: { COSELL_ACCESS_TOKEN: tokenOf(tokenTenant) },
      sent: 0,
    },
    { why: 'by the tenant of its sign-in', more: {}, sent: 1 },
  ])('an account is refused $why, and nothing is read or written', ({ more, sent }) =>
    withPipeline({ referrals: 40 }, async ({ db, sandbox, run }) => {
      await run()
      const [before, requests] = [await digestState(db), sandbox.requests.length]
      const failure = await failureOf(run(false, { COSELL_ACCOUNT: 'renamed', ...more }))
      expect(failure).toMatchObject({ code: 'account.same_source', exitCode: 78 })
      expect(failure.message).toContain('`cosell account rename first renamed`')
      expect(failure.message).toContain('Set COSELL_ACCOUNT')
      expect(await digestState(db)).toEqual(before)
      expect(await namesOf(db)).toEqual(['first'])
      const paths = sandbox.requests.slice(requests).map((request) => request.url)
      expect(paths).toHaveLength(sent)
      expect(paths.filter((asked) => asked.includes('/referrals'))).toEqual([])
      expect(await run()).toMatchObject({ changed: 0, rows_written: 0 })
    }),
  )

  test('an account is refused by its referrals where nothing names the tenant', () =>
    withPipeline({ referrals: 40 }, async ({ db, run }) => {
      await run()
      // Another address, so that the source differs as far as anybody can say.
      await withSandbox({ referrals: 60 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_ACCOUNT: 'copy' }
        const failure = await failureOf(run(false, settings))
        expect(failure).toMatchObject({ code: 'account.same_source', exitCode: 78 })
        expect(failure.message).toMatch(/40 of the 60 referrals of its first page/)
        expect(await namesOf(db)).toEqual(['first'])
      })
    }))

  test('an account that shares less than half of its first page is loaded', () =>
    withPipeline({ referrals: 25 }, async ({ db, run }) => {
      await run()
      await withSandbox({ referrals: 60 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_ACCOUNT: 'partner' }
        expect(await run(false, settings)).toMatchObject({ changed: 60 })
        expect(await namesOf(db)).toEqual(['first', 'partner'])
        expect(await run()).toMatchObject({ changed: 0, rows_written: 0 })
      })
    }))

  test('backfill refuses a second name of a source as run does', () =>
    withPipeline({ referrals: 40 }, async ({ db, run, warehouse, home, sandbox }) => {
      await run()
      const settings = { ...sandboxSettings(sandbox.url), COSELL_ACCOUNT: 'renamed' }
      const context = contextOf(warehouse, home, [], settings)
      const failure = await failureOf(backfill(context, { from: '2026-01-01' }))
      expect(failure.code).toBe('account.same_source')
      expect(await namesOf(db)).toEqual(['first'])
    }))

  test('a new account that differs from a stored one in case alone is refused', () =>
    withPipeline({ referrals: 20 }, async ({ db, run }) => {
      await run()
      const failure = await failureOf(run(false, { COSELL_ACCOUNT: 'First' }))
      expect(failure).toMatchObject({ code: 'account.same_source', exitCode: 78 })
      expect(await namesOf(db)).toEqual(['first'])
    }))
})

describe('source of an account', () => {
  test('a first run without a sign-in leaves no account behind', () =>
    withPipeline({ referrals: 20 }, async ({ db, run }) => {
      const failure = await failureOf(run(false, { COSELL_REFRESH_TOKEN: 'no-such-token' }))
      expect(failure.exitCode).toBe(77)
      expect(await namesOf(db)).toEqual([])
    }))

  test('the source of an account of an earlier version is recorded by its next run, once', () =>
    withPipeline({ referrals: 40 }, async ({ db, run, sandbox }) => {
      await run()
      const recorded = { apiUrl: sandbox.url, tenantId: tokenTenant, isLoaded: true }
      const [{ organizationId } = {}] = await listSources(db)
      expect(organizationId).toMatch(/^[0-9a-f-]{36}$/)
      await sql`delete from etl.account_source`.execute(db)
      expect(await run()).toMatchObject({ changed: 0 })
      expect(await listSources(db)).toMatchObject([{ ...recorded, organizationId }])
      const at = async () =>
        (await db.selectFrom('etl.account_source').select('recorded_at').execute())[0]?.recorded_at
      const first = await at()
      await run()
      expect(await at()).toBe(first)
    }))

  test('an account whose settings sign in to another tenant is refused', () =>
    withPipeline({ referrals: 20 }, async ({ db, run }) => {
      await run()
      const settings = { COSELL_ACCESS_TOKEN: tokenOf(otherTenant), COSELL_REFRESH_TOKEN: '' }
      const failure = await failureOf(run(false, settings))
      expect(failure).toMatchObject({ code: 'account.other_tenant', exitCode: 78 })
      const mixed = await failureOf(run(false, { ...settings, COSELL_TENANT_ID: tokenTenant }))
      expect(mixed.message).toContain(`was issued for tenant ${otherTenant}`)
      expect(await namesOf(db)).toEqual(['first'])
    }))

  const source: AccountSource = { apiUrl: 'https://a', tenantId: 't', organizationId: 'o' }
  test.each([
    { why: 'everything is equal', change: {}, isSame: true },
    { why: 'the address differs', change: { apiUrl: 'https://b' }, isSame: false },
    { why: 'an earlier version stored no address', change: { apiUrl: null }, isSame: true },
    { why: 'the tenant differs', change: { tenantId: 'u' }, isSame: false },
    { why: 'the tenant is not known', change: { tenantId: null }, isSame: false },
    { why: 'the organisation differs', change: { organizationId: 'p' }, isSame: false },
    { why: 'the organisation differs in case', change: { organizationId: 'O' }, isSame: true },
    { why: 'the organisation is not known', change: { organizationId: null }, isSame: true },
  ])('isSameSource is $isSame where $why', ({ change, isSame }) =>
    expect(isSameSource(source, { ...source, ...change })).toBe(isSame),
  )

  const stored = (name: string, key: number, isLoaded: boolean): StoredAccount => ({
    ...source,
    name,
    key,
    isLoaded,
    confirmedTenantId: null,
  })
  test.each([
    { why: 'a new account', accounts: [stored('a', 1, true)], holder: 'a' },
    { why: 'a new account', accounts: [stored('a', 1, false), stored('b', 2, true)], holder: 'b' },
    { why: 'a loaded one', accounts: [stored('a', 1, false), stored('self', 2, true)] },
    {
      why: 'an empty one',
      accounts: [stored('self', 1, false), stored('b', 2, true)],
      holder: 'b',
    },
    {
      why: 'the first of two empty ones',
      accounts: [stored('self', 1, false), stored('b', 2, false)],
    },
    {
      why: 'the first of two loaded ones',
      accounts: [stored('self', 1, true), stored('b', 2, true)],
    },
    {
      why: 'the second of two loaded ones',
      accounts: [stored('a', 1, true), stored('self', 2, true)],
      holder: 'a',
    },
  ])('findHolder returns $holder for $why', ({ accounts, holder }) =>
    expect(findHolder(accounts, 'self', source)?.name).toBe(holder),
  )

  test.each([
    { referrals: 'their own referrals', share: 0, code: undefined },
    { referrals: 'the same referrals', share: 1, code: 'account.same_source' },
  ])('checkSource of the later of two loaded accounts with $referrals: $code', ({ share, code }) =>
    withPipeline({ referrals: 20 }, async ({ db, run }) => {
      await run()
      await withSandbox({ referrals: 20, seed: 2 }, async ({ url }) => {
        await run(false, { ...sandboxSettings(url), COSELL_ACCOUNT: 'later' })
      })
      const [first, later] = await listSources(db)
      const { apiUrl, tenantId } = first ?? {}
      const one = { apiUrl: apiUrl ?? '', tenantId: tenantId ?? '', organizationId: null }
      await recordSource(db, later?.key ?? 0, one)
      if (share === 1) {
        await sql`update dw.dim_referral later set referral_id = first.referral_id
          from (select *, row_number() over (order by referral_key) as n from dw.dim_referral
            where partner_account_key = 1) first,
            (select referral_key, row_number() over (order by referral_key) as n
              from dw.dim_referral where partner_account_key = 2) numbered
          where numbered.referral_key = later.referral_key and numbered.n = first.n`.execute(db)
      }
      const check = checkSource(db, 'later', one)
      if (code === undefined) expect((await check)?.name).toBe('later')
      else expect(await failureOf(check)).toMatchObject({ code })
      expect((await checkSource(db, 'first', one))?.name).toBe('first')
    }),
  )
})

describe('cosell account', () => {
  test('a renamed account goes on under its new name, and its old setting is refused', () =>
    withPipeline({ referrals: 40 }, async ({ db, run, sandbox, url, home }) => {
      await run()
      const settings = { ...sandboxSettings(sandbox.url), COSELL_DATABASE_URL: url }
      const env = { ...settings, COSELL_HOME: home, COSELL_ACCOUNT: 'first' }
      const cli = (...args: string[]) => runCli(['account', ...args, '--json'], { cwd: home, env })
      await storeSignIn(home, 'first')
      expect(resultOf(await cli('rename', 'first', 'north'))).toEqual({
        status: 'renamed',
        account: 'north',
        previous_name: 'first',
        sign_in: 'moved',
        is_setting_stale: true,
        is_stored: false,
      })
      expect(await readdir(path.join(home, 'tokens'))).toEqual(['north.json'])
      const listed = resultOf(await cli('list'))
      expect(listed.accounts).toMatchObject([
        { account: 'north', tenant_id: tokenTenant, referrals: 40, is_configured: false },
      ])
      const failure = await failureOf(run())
      expect(failure).toMatchObject({ code: 'account.same_source', exitCode: 78 })
      expect(failure.message).toContain('accounts file, to north')
      expect(await run(false, { COSELL_ACCOUNT: 'north' })).toMatchObject({
        changed: 0,
        rows_written: 0,
        accounts: [{ account: 'north' }],
      })
      expect(await namesOf(db)).toEqual(['north'])
    }))

  test('a rename is refused with 2 for a name that is unknown, in use or not a name', () =>
    withPipeline({ referrals: 20 }, async ({ db, run, url, home, warehouse }) => {
      await run()
      await withSandbox({ referrals: 20, seed: 2 }, ({ url: api }) =>
        run(false, { ...sandboxSettings(api), COSELL_ACCOUNT: 'south' }),
      )
      for (const [from, to, code] of [
        ['no-such', 'north', 'account.unknown'],
        ['first', 'south', 'account.exists'],
        ['first', 'SOUTH', 'account.exists'],
        ['first', 'first', 'account.exists'],
      ] as const) {
        const failure = await failureOf(
          renameStoredAccount(contextOf(warehouse, home, [], {}), from, to),
        )
        expect(failure).toMatchObject({ code, exitCode: 2 })
      }
      const env = { COSELL_DATABASE_URL: url, COSELL_HOME: home }
      const args = ['account', 'rename', 'first', '../north', '--json']
      const ended = await runCli(args, { cwd: home, env })
      expect(resultOf(ended)).toMatchObject({ code: 'account.name', exit_code: 2 })
      expect(await namesOf(db)).toEqual(['first', 'south'])
    }))

  test('a rename ends with 4 while a run of the account is under way', () =>
    withPipeline({ referrals: 20 }, async ({ db, run, url, home }) => {
      await run()
      const { logger } = createLog({ isTerminal: false, write: () => undefined })
      await storeSignIn(home, 'first')
      const lease = await acquireLease(db, 1, 'a run', logger)
      const env = { COSELL_DATABASE_URL: url, COSELL_HOME: home }
      const ended = await runCli(['account', 'rename', 'first', 'north'], { cwd: home, env })
      await lease.release()
      expect(ended.code).toBe(4)
      expect(await namesOf(db)).toEqual(['first'])
      expect(await readdir(path.join(home, 'tokens'))).toEqual(['first.json'])
    }))
})

test('the first line of a run and its result name warehouse and accounts, without a password', () =>
  withSandbox({ referrals: 20 }, ({ url: api }) =>
    withDatabase(async (_, url) => {
      const { host, pathname } = new URL(url)
      const warehouse = `${host}${pathname}`
      const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
      for (const [command, accounts] of [
        ['run', ['default']],
        ['rebuild', undefined],
      ] as const) {
        const ended = await runCli([command, '--json'], { cwd: '/tmp', env })
        const [first = ''] = ended.stderr.split('\n')
        expect(JSON.parse(first)).toMatchObject({ warehouse })
        expect(JSON.parse(first).accounts).toEqual(accounts)
        expect(resultOf(ended)).toMatchObject({ warehouse, accounts: [{ account: 'default' }] })
      }
    }),
  ))
