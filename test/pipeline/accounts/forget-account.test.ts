import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { loadInventedRates } from '../../../src/cli/commands/try/demo.ts'
import { diagnose } from '../../../src/doctor/doctor.ts'
import { createTokenStore, tokenFileOf } from '../../../src/extract/auth/token-store.ts'
import { listAccounts } from '../../../src/load/runs/accounts.ts'
import { acquireLease } from '../../../src/load/runs/lease.ts'
import { demoAccount, holdsDemo } from '../../../src/pipeline/accounts/demo-account.ts'
import { findHoldings, forgetAccount } from '../../../src/pipeline/accounts/forget-account.ts'
import { backfill } from '../../../src/pipeline/backfill/backfill.ts'
import { planBackfill } from '../../../src/pipeline/backfill/backfill-plan.ts'
import { rebuild } from '../../../src/pipeline/rebuild.ts'
import { run } from '../../../src/pipeline/run.ts'
import { demoSettings, sandboxSettings } from '../../../src/sandbox/settings.ts'
import { switchRowSecurity } from '../../../src/warehouse/access/switch-row-security.ts'
import type { Warehouse } from '../../../src/warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'
import { countRows, digestState } from '../../support/digest.ts'
import { silent } from '../../support/load-referrals.ts'
import { resultOf, runCli, startCli } from '../../support/run-cli.ts'
import {
  contextOf,
  failureOf,
  withHome,
  withPipeline,
  withSandbox,
} from '../../support/with-pipeline.ts'

interface Servers {
  readonly north: string
  readonly south: string
  readonly home: string
}

/** Two simulated partners with different referrals, both with ones that cannot be read. */
function withServers(use: (servers: Servers) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withSandbox({ referrals: 60, seed: 1, broken: 2 }, (north) =>
      withSandbox({ referrals: 50, seed: 2, broken: 2 }, (south) =>
        use({ north: north.url, south: south.url, home }),
      ),
    ),
  )
}

function contextFor(warehouse: Warehouse, { home, ...urls }: Servers, name: 'north' | 'south') {
  const settings = { ...demoSettings(urls[name]), COSELL_ACCOUNT: name }
  return contextOf(warehouse, home, [], settings)
}

async function forget(warehouse: Warehouse, home: string, account: string) {
  const context = contextOf(warehouse, home, [], {})
  return forgetAccount(context, await findHoldings(context, account))
}

const namesOf = async (db: Kysely<Database>) =>
  (await listAccounts(db)).map(({ account_code }) => account_code)

/** Rows that refer to an account or a run that is not there. */
async function strayRows(db: Kysely<Database>): Promise<string[]> {
  const strays: string[] = []
  for (const table of Object.keys(tables) as TableName[]) {
    for (const column of tables[table].columns) {
      const target =
        column === 'partner_account_key'
          ? sql`dw.dim_partner_account m where m.partner_account_key`
          : /(^|_)run_id$/.test(column)
            ? sql`etl.run m where m.run_id`
            : undefined
      if (target === undefined) continue
      const { rows } = await sql`select from ${sql.table(table)} t
        where ${sql.ref(`t.${column}`)} is not null
          and not exists (select from ${target} = ${sql.ref(`t.${column}`)})`.execute(db)
      if (rows.length > 0) strays.push(`${table}.${column}`)
    }
  }
  return strays
}

/** Undocumented members that the south alone uses, and an enum value that both use. */
async function plantMembers(db: Kysely<Database>, south: number) {
  await sql`insert into dw.dim_status (referral_status, referral_substatus, stage_label, stage_sort,
      is_open, is_closed, is_won, is_lost, is_decided, is_documented)
    values ('Parked', 'None', 'Parked', 999, false, false, false, false, false, false)`.execute(db)
  await sql`insert into dw.dim_currency (currency_code, currency_name, is_documented)
    values ('ZZX', 'ZZX', false)`.execute(db)
  await sql`update dw.fact_referral set currency_code = 'ZZX',
      status_key = (select status_key from dw.dim_status where referral_status = 'Parked')
    where partner_account_key = ${south}`.execute(db)
  await sql`insert into etl.enum_value (enum_name, enum_value, canonical_value, sort_order,
      is_documented, first_seen_run_id)
    select 'Industries', name, name, 9999, false,
      (select min(run_id) from etl.run where partner_account_key = ${south})
    from unnest(array['both', 'south only']) as name`.execute(db)
  await sql`insert into dw.fact_finding (partner_account_key, referral_id, rule_code, item_ref,
      severity, first_seen_run_id, last_seen_run_id)
    select r.partner_account_key, '', 'unknown_enum_value', 'Industries//' || name, 'warn',
      min(r.run_id), min(r.run_id)
    from etl.run r
    join unnest(array['both', 'south only']) as name
      on name = 'both' or r.partner_account_key = ${south}
    group by 1, name`.execute(db)
}

describe('cosell forget', () => {
  test.each([
    { removed: 'south', kept: 'north', order: ['north', 'south'] },
    { removed: 'north', kept: 'south', order: ['north', 'south'] },
  ] as const)(
    'a warehouse without $removed equals one that never loaded it',
    ({ removed, kept, order }) =>
      withServers(async (servers) =>
        withDatabase(async (alone, _, aloneWarehouse) =>
          withDatabase(async (db, url, warehouse) => {
            await run(contextFor(aloneWarehouse, servers, kept), false)
            for (const name of order) await run(contextFor(warehouse, servers, name), false)
            await sql`insert into etl.bi_access values ('someone', 1), ('someone', 2)`.execute(db)
            await sql`insert into etl.bi_access
            select 'someone', partner_account_key from dw.dim_partner_account`.execute(alone)
            await switchRowSecurity(db, true)
            await asLogin(url, ['cosell_owner'], async (login) => {
              const result = await forget(login.warehouse, servers.home, removed)
              expect(result).toMatchObject({ status: 'forgotten', are_shared_values_kept: false })
              expect(result.rows['dw.fact_referral']).toBe(removed === 'north' ? 58 : 48)
            })
            expect(await namesOf(db)).toEqual([kept])
            expect(await strayRows(db)).toEqual([])
            // Both were read at another time.
            const leftOut = ['observed_at', 'dw.fact_referral_history.row_hash']
            expect(await digestState(db, leftOut)).toEqual(await digestState(alone, leftOut))
            const { 'etl.setting': _s, ...counts } = await countRows(db, /./)
            const { 'etl.setting': _t, ...expected } = await countRows(alone, /./)
            expect(counts).toEqual(expected)
            expect(await rebuild(contextFor(warehouse, servers, kept))).toMatchObject({
              rows_written: 0,
            })
          }),
        ),
      ),
  )

  test('a removal takes shared members that the account alone used, and passes on the others', () =>
    withServers((servers) =>
      withDatabase(async (db, _, warehouse) => {
        for (const name of ['south', 'north'] as const) {
          await run(contextFor(warehouse, servers, name), false)
        }
        const before = await countRows(db, /dim_status|dim_currency|enum_value$/)
        await plantMembers(db, 1)
        await forget(warehouse, servers.home, 'south')
        const seen = await sql<{ first_seen_run_id: number }>`
          delete from etl.enum_value where enum_value = 'both' returning first_seen_run_id`.execute(
          db,
        )
        expect(seen.rows).toEqual([{ first_seen_run_id: 2 }])
        await sql`delete from dw.fact_finding where item_ref = 'Industries//both'`.execute(db)
        expect(await strayRows(db)).toEqual([])
        const after = await countRows(db, /dim_status|dim_currency|enum_value$/)
        for (const [table, count] of Object.entries(after)) {
          expect(count, table).toBeLessThanOrEqual(before[table] ?? 0)
        }
        const planted = await sql`select from dw.dim_status where referral_status = 'Parked'
          union all select from dw.dim_currency where currency_code = 'ZZX'`.execute(db)
        expect(planted.rows).toEqual([])
        // Undocumented members come back from the landing zone where they are in use after all.
        expect(await rebuild(contextFor(warehouse, servers, 'north'))).toMatchObject({
          rows_written: 0,
        })
      }),
    ))

  test('a removal that is killed leaves the account whole, and a second one completes it', () =>
    withPipeline({ referrals: 40 }, async ({ db, url, home, run: load, warehouse }) => {
      await load()
      await createTokenStore(tokenFileOf(home, 'demo')).save('sandbox-refresh-token')
      const before = await digestState(db)
      const options = { cwd: home, env: { COSELL_DATABASE_URL: url, COSELL_HOME: home } }
      const args = ['forget', '--account', 'demo', '--yes', '--json']
      const pids = await warehouse.query.transaction().execute(async (reader) => {
        await sql`select from dw.dim_customer limit 1`.execute(reader)
        const killed = startCli(args, options)
        const waiting = sql<{ pid: number }>`select pid from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`
        let found: { pid: number }[] = []
        while (found.length === 0) found = (await waiting.execute(db)).rows
        // Half of it is deleted in the transaction, and others see everything.
        expect(await digestState(db)).toEqual(before)
        const held = resultOf(await runCli(args, options))
        expect(held).toMatchObject({ exit_code: 4 })
        killed.child.kill('SIGKILL')
        await killed.ended
        return found
      })
      for (const { pid } of pids) await sql`select pg_terminate_backend(${pid}, 10000)`.execute(db)
      expect(await digestState(db)).toEqual(before)
      expect(await readdir(path.join(home, 'tokens'))).toEqual(['demo.json'])
      await sql`update etl.lease set expires_at = clock_timestamp()`.execute(db)
      const ended = resultOf(await runCli(args, options))
      expect(ended).toMatchObject({ status: 'forgotten', is_sign_in_removed: true })
      expect(await namesOf(db)).toEqual([])
      expect(await readdir(path.join(home, 'tokens'))).toEqual([])
    }))

  test('a removal without --yes removes nothing, and an unknown account is named with the known', () =>
    withPipeline({ referrals: 20 }, async ({ db, url, home, run: load }) => {
      await load()
      const before = await countRows(db, /./)
      const options = { cwd: home, env: { COSELL_DATABASE_URL: url, COSELL_HOME: home } }
      const cli = (...args: string[]) => runCli(['forget', ...args], options)
      const asked = await cli('--account', 'demo')
      expect(asked.code).toBe(2)
      expect(asked.stderr).toMatch(/dw +[\d,]+ rows/)
      expect(asked.stderr).toContain('--yes')
      expect(resultOf(await cli('--account', 'demo', '--json'))).toMatchObject({
        code: 'forget.not_confirmed',
      })
      const unknown = await cli('--account', 'dmeo', '--yes')
      expect(unknown).toMatchObject({ code: 2 })
      expect(unknown.stderr).toContain('"dmeo". Expected one of: demo.')
      expect(await countRows(db, /./)).toEqual(before)
      // What a removal leaves that is killed between the commit and the sign-in.
      await createTokenStore(tokenFileOf(home, 'gone')).save('a-token')
      await writeFile(`${tokenFileOf(home, 'gone')}.123.new`, 'a-token')
      expect(resultOf(await cli('--account', 'gone', '--yes', '--json'))).toMatchObject({
        rows: {},
        is_sign_in_removed: true,
      })
      expect(await readdir(path.join(home, 'tokens'))).toEqual([])
    }))

  test('a removal is refused to the loader, and beside rows of others that refer to the account', () =>
    withPipeline({ referrals: 20 }, async ({ db, url, home, run: load, warehouse }) => {
      await load()
      const before = await digestState(db)
      await asLogin(url, ['cosell_loader'], async (login) => {
        const failure = await failureOf(forget(login.warehouse, home, 'demo'))
        expect(failure).toMatchObject({ code: 'forget.not_owner', exitCode: 78 })
      })
      await sql`
        create table public.note (referral_key bigint, partner_account_key integer,
          foreign key (referral_key, partner_account_key) references dw.dim_referral)`.execute(db)
      await sql`
        insert into public.note
        select referral_key, partner_account_key from dw.dim_referral limit 1`.execute(db)
      const failure = await failureOf(forget(warehouse, home, 'demo'))
      expect(failure).toMatchObject({ code: 'forget.referenced', exitCode: 78 })
      expect(failure.message).toContain('public.note')
      expect(await digestState(db)).toEqual(before)
    }))

  test('the key of a removed account is not given again, and its lease is denied', () =>
    withServers((servers) =>
      withDatabase(async (db, _, warehouse) => {
        await run(contextFor(warehouse, servers, 'north'), false)
        await forget(warehouse, servers.home, 'north')
        const late = await failureOf(acquireLease(db, 1, 'a backfill that waited', silent))
        expect(late).toMatchObject({ code: 'account.gone', exitCode: 75 })
        await run(contextFor(warehouse, servers, 'south'), false)
        expect(await listAccounts(db)).toEqual([{ partner_account_key: 2, account_code: 'south' }])
        expect(await strayRows(db)).toEqual([])
      }),
    ))
})

describe('the demo and other accounts', () => {
  test('the settings of the demo name the account that runs refuse to stand beside', () => {
    expect(demoSettings('http://127.0.0.1:1').COSELL_ACCOUNT).toBe(demoAccount)
  })

  test.each([
    { holding: 'the loaded demo', empty: false },
    { holding: 'an empty demo', empty: true },
  ])('run and backfill refuse a warehouse with $holding until it is removed', ({ empty }) =>
    withPipeline({ referrals: 30 }, async ({ db, url, run: load, warehouse, home, sandbox }) => {
      await loadInventedRates(warehouse, undefined, new Date())
      await load()
      if (empty) await sql`truncate raw.payload`.execute(db)
      const requests = sandbox.requests.length
      const settings = { ...sandboxSettings(sandbox.url), COSELL_ACCOUNT: 'real' }
      const context = () => contextOf(warehouse, home, [], settings)
      const before = await countRows(db, /./)
      for (const load of [
        () => run(context(), false),
        () => backfill(context(), { from: '2026-01-01' }),
        () => planBackfill(context(), { from: '2026-01-01' }),
      ]) {
        const failure = await failureOf(load())
        expect(failure).toMatchObject({ code: 'account.demo', exitCode: 78 })
        expect(failure.message).toContain('`cosell forget --account demo`')
      }
      expect(sandbox.requests).toHaveLength(requests)
      const { config, log, signal } = context()
      const database = { ...config, databaseUrl: url }
      const { checks } = await diagnose({ config: database, log, signal })
      expect(checks.find(({ check }) => check === 'demo')).toMatchObject({
        account: 'real',
        status: 'fail',
        kind: 'configuration',
        remedy: expect.stringContaining('`cosell forget --account demo`'),
      })
      expect(await countRows(db, /./)).toEqual(before)
      expect(await rebuild(context())).toMatchObject({ status: 'published' })
      const removed = await forget(warehouse, home, 'demo')
      expect(removed.invented_rates_deleted).toBeGreaterThan(0)
      const rates = await sql`select from dw.fx_rate where rate_source <> 'identity'`.execute(db)
      expect(rates.rows).toEqual([])
      expect(await run(context(), false)).toMatchObject({ changed: 30 })
    }),
  )

  test('rates of a demo that was killed before its load are removed as the demo', () =>
    withPipeline({ referrals: 20 }, async ({ run: load, warehouse, home }) => {
      await loadInventedRates(warehouse, undefined, new Date())
      const refused = await failureOf(load(false, { COSELL_ACCOUNT: 'real' }))
      expect(refused.code).toBe('account.demo')
      const { rows, invented_rates_deleted } = await forget(warehouse, home, 'demo')
      expect(rows).toEqual({})
      expect(invented_rates_deleted).toBeGreaterThan(0)
      expect(await load(false, { COSELL_ACCOUNT: 'real' })).toMatchObject({ changed: 20 })
    }))

  test('a real account of the name demo is not taken for the demo', () =>
    withPipeline({ referrals: 20 }, async ({ db, run: load, sandbox }) => {
      const tenant = '5a4db0c0-0000-4000-8000-000000000001'
      await load(false, { COSELL_TENANT_ID: tenant })
      expect(await holdsDemo(db)).toBe(false)
      await withSandbox({ referrals: 30, seed: 2 }, ({ url }) =>
        load(false, { ...sandboxSettings(url), COSELL_ACCOUNT: 'other' }),
      )
      expect(await namesOf(db)).toEqual(['demo', 'other'])
      expect(sandbox.requests.length).toBeGreaterThan(0)
    }))
})
