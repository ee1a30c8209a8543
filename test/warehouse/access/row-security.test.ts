import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../../src/pipeline/run.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { isRowSecured } from '../../../src/warehouse/access/access-catalog.ts'
import { applyGrants } from '../../../src/warehouse/access/grants.ts'
import { groups } from '../../../src/warehouse/access/roles.ts'
import {
  countAccountGrants,
  switchRowSecurity,
} from '../../../src/warehouse/access/switch-row-security.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'
import { differingFromMatrix } from '../../support/rights-matrix.ts'
import { resultOf, runCli } from '../../support/run-cli.ts'
import { contextOf, failureOf, withHome, withSandbox } from '../../support/with-pipeline.ts'

type Db = Kysely<Database>

/** Accounts whose rows each table and view shows, such as `1,2`. */
type Shown = Readonly<Record<string, string>>

interface Readers {
  readonly owner: Shown
  readonly loader: Shown
  /** Readers with account 1 by name, account 2 through a group, no account, and 1 with people. */
  readonly first: Shown
  readonly second: Shown
  readonly unmapped: Shown
  readonly people: Shown
}

const shown: { off?: Readers; on?: Readers; offAgain?: Readers } = {}
let plan = ''
let differing: Record<string, string[]> = {}

/** Two accounts of two partners, loaded by the pipeline. */
async function withTwoAccounts(use: (db: Db, url: string) => Promise<void>) {
  const options = { referrals: 40, seed: 1, broken: 1, eligibility: 'property' } as const
  await withHome((home) =>
    withSandbox(options, (north) =>
      withSandbox({ ...options, seed: 2 }, (south) =>
        withDatabase(async (db, url, warehouse) => {
          const file = path.join(home, 'accounts.json')
          const accounts = Object.entries({ north: north.url, south: south.url }).map(
            ([account, apiUrl]) => {
              const { COSELL_CLIENT_ID: clientId, COSELL_TENANT_ID: tenantId } =
                demoSettings(apiUrl)
              const refreshToken = 'sandbox-refresh-token'
              return { account, apiUrl, authorityUrl: apiUrl, clientId, tenantId, refreshToken }
            },
          )
          await writeFile(file, JSON.stringify(accounts))
          const settings = { COSELL_ACCOUNTS_FILE: file, COSELL_REQUESTS_PER_MINUTE: '60000' }
          await run(contextOf(warehouse, home, [], settings), false)
          await applyGrants(db)
          // All referrals of the simulated partner expired.
          await sql`
            update dw.fact_referral f set expiration_date = current_date + 10
            from dw.dim_status s where s.status_key = f.status_key and s.is_open`.execute(db)
          // Both partners imported a file with Microsoft's annual contract value.
          await sql`
            insert into dw.fact_microsoft_acv (partner_account_key, referral_key, reading_no,
              registration_no, registration_id, is_latest, contract_term, is_perpetual,
              contract_start_date, contract_end_date, currency_code, contract_value_amount,
              contract_value_usd_amount, microsoft_acv_amount, solution_currency_code, row_hash,
              created_run_id, updated_run_id)
            select partner_account_key, referral_key, registration_no, registration_no,
              registration_id, true, contract_term, is_perpetual, contract_start_date,
              contract_end_date, currency_code, contract_value_amount, contract_value_amount,
              contract_acv_amount, currency_code, 0, created_run_id, updated_run_id
            from dw.fact_registration`.execute(db)
          // A later night brought other solutions and people.
          await sql`
            insert into dw.fact_solution_change (partner_account_key, referral_key, change_no,
              list_name, changed_at, observed_at, before_solutions, after_solutions, row_hash,
              created_run_id, updated_run_id)
            select partner_account_key, referral_key, 1, 'sold', updated_at, updated_at, '', 'One',
              0, created_run_id, updated_run_id
            from dw.fact_referral`.execute(db)
          await sql`
            insert into pii.contact_change (partner_account_key, referral_key, change_no,
              contact_role, is_joining, changed_at, observed_at, first_name, row_hash,
              created_run_id, updated_run_id)
            select partner_account_key, referral_key, 1, 'referral_team', true, updated_at,
              updated_at, 'Ida', 0, created_run_id, updated_run_id
            from dw.fact_referral`.execute(db)
          await use(db, url)
        }),
      ),
    ),
  )
}

async function look(db: Db, relations: readonly string[]): Promise<Shown> {
  const found: Record<string, string> = {}
  for (const relation of relations) {
    const { rows } = await sql<{ accounts: string | null }>`
      select string_agg(distinct partner_account_key::text, ',') as accounts
      from ${sql.table(relation)}`.execute(db)
    found[relation] = rows[0]?.accounts ?? ''
  }
  return found
}

/** Tables and views that readers may read and that have accounts. */
async function relationsOf(db: Db, schemas: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select n.nspname || '.' || c.relname as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'partner_account_key'
    where n.nspname in (${sql.join([...schemas])}) and c.relkind in ('r', 'v')
    order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

const people = ['pii.contact', 'pii.contact_change', 'pii.referral_text']

beforeAll(() =>
  withTwoAccounts((owner, url) =>
    asLogin(url, [groups.loader], (loader) =>
      asLogin(url, [groups.bi], (first) =>
        asLogin(url, [], (team) =>
          asLogin(url, [groups.bi, team.role], (second) =>
            asLogin(url, [groups.bi], (unmapped) =>
              asLogin(url, [groups.pii], async (withPeople) => {
                const relations = await relationsOf(owner, ['dw', 'mart'])
                const readers = async (): Promise<Readers> => ({
                  owner: await look(owner, [...relations, ...people]),
                  loader: await look(loader.db, [...relations, ...people]),
                  first: await look(first.db, relations),
                  second: await look(second.db, relations),
                  unmapped: await look(unmapped.db, relations),
                  people: await look(withPeople.db, [...relations, ...people]),
                })
                await owner
                  .insertInto('etl.bi_access')
                  .values([
                    { role_name: first.role, partner_account_key: 1 },
                    { role_name: withPeople.role, partner_account_key: 1 },
                    { role_name: team.role, partner_account_key: 2 },
                    { role_name: 'a_role_that_is_gone', partner_account_key: 1 },
                  ])
                  .execute()
                shown.off = await readers()
                await switchRowSecurity(owner, true)
                shown.on = await readers()
                plan = await explain(first.db)
                const on = await differingFromMatrix(owner, { isRowSecured: true })
                await switchRowSecurity(owner, false)
                shown.offAgain = await readers()
                differing = { on, off: await differingFromMatrix(owner) }
              }),
            ),
          ),
        ),
      ),
    ),
  ),
)

async function explain(db: Db): Promise<string> {
  const { rows } = await sql<{ 'QUERY PLAN': string }>`
    explain (analyze, costs off, timing off)
    select count(*) from dw.fact_referral`.execute(db)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

/** Returns the owner's view of these accounts. */
function only(account: string, all: Shown | undefined): Shown {
  return Object.fromEntries(
    Object.entries(all ?? {}).map(([name, accounts]) => [
      name,
      accounts
        .split(',')
        .filter((each) => each === account)
        .join(','),
    ]),
  )
}

function withoutPeople(all: Shown | undefined): Shown {
  return Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => !people.includes(name)))
}

describe('row-level security', () => {
  test('the fixture has rows of two accounts in every mart and every table of dw', () => {
    const all = Object.entries(shown.on?.owner ?? {})
    expect(all.filter(([, accounts]) => accounts !== '1,2').map(([name]) => name)).toEqual([])
    expect(all.filter(([name]) => name.startsWith('mart.')).length).toBeGreaterThan(17)
  })

  test('a reader sees the accounts that etl.bi_access gives by name, in every table and mart', () => {
    expect(shown.on?.first).toEqual(only('1', withoutPeople(shown.on?.owner)))
  })

  test('a reader sees the accounts that etl.bi_access gives to a group, in every table and mart', () => {
    expect(shown.on?.second).toEqual(only('2', withoutPeople(shown.on?.owner)))
  })

  test('a reader without a row in etl.bi_access sees nothing', () => {
    expect(new Set(Object.values(shown.on?.unmapped ?? {}))).toEqual(new Set(['']))
  })

  test('row-level security hides people with their accounts', () => {
    expect(shown.on?.people).toEqual(only('1', shown.on?.owner))
    expect(shown.on?.people['pii.contact']).toBe('1')
  })

  test('the loader and the owner see every account under row-level security', () => {
    expect(shown.on?.loader).toEqual(shown.on?.owner)
    expect(shown.on?.owner).toEqual(shown.off?.owner)
  })

  test('a policy reads etl.bi_access once a statement, not once a row', () => {
    expect(plan).toMatch(/InitPlan/)
    const asked = plan.split('\n').filter((line) => line.includes('bi_access'))
    expect(asked.length).toBeGreaterThan(0)
    for (const line of asked) expect(line).toContain('loops=1')
  })

  test('row-level security grants readers etl.bi_access for the policies and changes no other right', () => {
    expect(differing).toEqual({ on: [], off: [] })
  })
})

test('every reader sees every account while row-level security is off, also after it was on', () => {
  for (const { first, second, unmapped, owner } of [shown.off, shown.offAgain].flatMap(
    (r) => r ?? [],
  )) {
    for (const reader of [first, second, unmapped]) expect(reader).toEqual(withoutPeople(owner))
  }
  expect(shown.offAgain).toEqual(shown.off)
})

async function securedTables(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.oid::regclass::text as name from pg_class c
    where c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid)
    order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

describe('switchRowSecurity', () => {
  test('later migrations secure every table of cosell, and no other, while row-level security is on', () =>
    withDatabase(async (db) => {
      await switchRowSecurity(db, true)
      expect(await isRowSecured(db)).toBe(true)
      expect(await countAccountGrants(db)).toBe(0)
      const before = await securedTables(db)
      expect(before).toEqual([...(await relationsOf(db, ['dw'])), ...people].sort())
      await sql`create table dw.of_another_tool (partner_account_key integer)`.execute(db)
      await sql`drop policy cosell_reader on dw.fact_referral`.execute(db)
      await sql`drop policy cosell_reader on dw.dim_tag`.execute(db)
      await sql`drop policy cosell_loader on dw.dim_tag`.execute(db)
      await sql`alter table dw.dim_tag disable row level security`.execute(db)
      expect(await securedTables(db)).not.toContain('dw.dim_tag')
      expect(await applyGrants(db)).toEqual([])
      expect(await securedTables(db)).toEqual(before)
      const { rows } = await sql`
        select polname from pg_policy where polrelid = 'dw.fact_referral'::regclass`.execute(db)
      expect(rows).toHaveLength(2)
    }))

  test('switchRowSecurity leaves tables with a policy of another owner alone', () =>
    withDatabase(async (db) => {
      await sql`alter table dw.fact_referral enable row level security`.execute(db)
      await sql`create policy theirs on dw.fact_referral using (true)`.execute(db)
      await applyGrants(db)
      await switchRowSecurity(db, false)
      expect(await securedTables(db)).toEqual(['dw.fact_referral'])
    }))

  test('switchRowSecurity waits for a reader in short attempts, names the table when it gives up, and continues when called again', () =>
    withDatabase(async (db, url) => {
      const other = await openDatabase(url)
      try {
        let longestMs = 0
        await other.query.transaction().execute(async (transaction) => {
          await sql`select from dw.fact_referral`.execute(transaction)
          const failing = failureOf(switchRowSecurity(db, true, 1_000))
          let isOver = false
          void failing.finally(() => (isOver = true))
          const third = await openDatabase(url)
          while (!isOver) {
            const asked = performance.now()
            await sql`select from dw.fact_referral`.execute(third.query)
            longestMs = Math.max(longestMs, performance.now() - asked)
          }
          await third.close()
          expect(await failing).toMatchObject({
            kind: 'tryAgainLater',
            code: 'row_security.lock_timeout',
            message: expect.stringContaining('dw.fact_referral'),
          })
        })
        expect(longestMs, 'the switch was in the way').toBeGreaterThan(500)
        expect(longestMs).toBeLessThan(2_500)
        await switchRowSecurity(db, true)
        expect(await securedTables(db)).toContain('dw.fact_referral')
      } finally {
        await other.close()
      }
    }))

  test('cosell migrate --row-level-security warns of an empty etl.bi_access', () =>
    withDatabase(async (db, url) =>
      withHome(async (cwd) => {
        const env = { COSELL_DATABASE_URL: url }
        const on = await runCli(['migrate', '--row-level-security', 'on'], { cwd, env })
        expect(on).toMatchObject({ code: 0, stderr: '' })
        expect(on.stdout).toContain('Row-level security is on.\nReaders see no rows')
        expect((await securedTables(db)).length).toBeGreaterThan(15)
        const later = await runCli(['migrate', '--json'], { cwd, env })
        expect(resultOf(later)).toMatchObject({ row_level_security: 'on', statements: [] })
        const off = ['migrate', '--row-level-security', 'off', '--json']
        expect(resultOf(await runCli(off, { cwd, env }))).toMatchObject({
          row_level_security: 'off',
        })
        expect(await securedTables(db)).toEqual([])
        const wrong = await runCli(['migrate', '--row-level-security', 'maybe'], { cwd, env })
        expect(wrong).toMatchObject({ code: 2 })
      }),
    ))

  test('switchRowSecurity fails for a role that does not own the tables', () =>
    withDatabase((_, url) =>
      asLogin(url, [groups.loader], async ({ db }) => {
        expect(await failureOf(switchRowSecurity(db, true))).toMatchObject({
          kind: 'configuration',
          code: 'row_security.not_owner',
        })
      }),
    ))
})
