import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { demoSettings } from '../../src/cli/commands/demo.ts'
import { preflight } from '../../src/doctor/database-checks.ts'
import { backfill } from '../../src/pipeline/backfill.ts'
import { rebuild, retry, run } from '../../src/pipeline/run.ts'
import { settleAccess } from '../../src/warehouse/access/grants.ts'
import { groups, rightsOf } from '../../src/warehouse/access/roles.ts'
import { switchRowSecurity } from '../../src/warehouse/access/switch-row-security.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import { bringUpToDate } from '../../src/warehouse/migrate/migrate.ts'
import { type TableName, tables } from '../../src/warehouse/tables.generated.ts'
import { asLogin } from '../support/database-logins.ts'
import { digestState } from '../support/digest.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { bareText, recordStatements, type Sent, writesOf } from '../support/sent-statements.ts'
import { environmentOf, type Nights, withNights } from '../support/with-pipeline.ts'

/** Rights to change rows that no load here makes use of, with what does. */
const unusedHere = [
  // An answer that contradicts what was found before makes it forgotten.
  'etl.api_capability delete',
  // Another reporting currency than the one of the last load.
  'etl.setting insert',
  'etl.setting update',
  // A first load into an empty star, which the next test does: it is no COPY under row-level security.
  'dw.dim_tag update',
]

/** Rights of the loaders' group to change rows of kept tables that no statement needed. */
function unusedRights(sent: readonly Sent[]): string[] {
  const used = new Set(sent.flatMap(({ text }) => [...rightsUsed(bareText(text))]))
  return (Object.keys(tables) as TableName[])
    .filter((table) => !table.startsWith('stg.') && !/fx_/.test(table))
    .flatMap((table) => {
      const [schema = '', name = ''] = table.split('.')
      const granted = { kind: 'table', schema, name } as const
      return rightsOf(groups.loader, granted, { version: 150_000, isRowSecured: false })
        .filter((right) => right !== 'select')
        .map((right) => `${table} ${right}`)
    })
    .filter((right) => !used.has(right))
}

function* rightsUsed(text: string) {
  for (const { how, table } of writesOf(text)) {
    if (how === 'insert into' || how === 'copy') yield `${table} insert`
    if (how === 'delete from') yield `${table} delete`
    const isUpsert = how === 'insert into' && text.includes('do update')
    // PostgreSQL lets nobody lock a table who may not change its rows.
    if (how === 'update' || how === 'lock table' || isUpsert) yield `${table} update`
  }
}

const population = { referrals: 40, seed: 3, broken: 3, pageCap: 15 }
const near = { isLocal: true, isUnverified: false }

/** Every kind of load, with referrals that change, vanish, cannot be read, and are refused. */
async function everyKindOfLoad({ sandbox, home }: Nights, warehouse: Warehouse) {
  const environment = () => environmentOf(warehouse, home, [], demoSettings(sandbox.url))
  await bringUpToDate(warehouse.query)
  const first = await run(environment(), false)
  const second = await run(environment(), false)
  sandbox.change(30)
  const third = await run(environment(), false)
  sandbox.vanish(3)
  await run(environment(), true)
  const fourth = await run(environment(), true)
  await retry(environment(), { referralIds: [] })
  const built = await rebuild(environment())
  const span = { from: '2026-01-01', to: '2026-03-01' }
  const filled = await backfill(environment(), span, { pauseMs: 0 })
  return { first, second, third, fourth, built, filled }
}

/** From now on PostgreSQL refuses a row that the transform accepts, which is found by halving. */
async function refuseOne({ sandbox, db }: Nights) {
  const refused = sandbox.referrals()[0]?.id ?? ''
  await sql`alter table dw.dim_referral
    add constraint refused check (referral_id <> ${sql.lit(refused)})`.execute(db)
}

test('a login of the loaders’ group loads, repeats, tries again, rebuilds and fills back as the owner does', () =>
  withNights(population, async (nights) => {
    const { db, url } = nights
    await refuseOne(nights)
    // On asks for more: policies beside the same grants.
    await switchRowSecurity(db, true)
    await asLogin(url, [groups.loader], async ({ db: query, warehouse }) => {
      const { verdicts } = await preflight(query, near, Date.now)
      expect(verdicts.find(({ check }) => check === 'rights')).toMatchObject(await expected(nights))
      let found: Awaited<ReturnType<typeof everyKindOfLoad>> | undefined
      const sent = await recordStatements(async () => {
        found = await everyKindOfLoad(nights, warehouse)
      })
      if (found === undefined) throw new Error('it did not load')
      const loads = found
      expect(unusedRights(sent)).toEqual(unusedHere)
      expect(loads.first).toMatchObject({ seen: 40, quarantined: 4 })
      expect(loads.second).toMatchObject({ changed: 0, rows_written: 0 })
      expect(loads.third.changed).toBeGreaterThan(20)
      expect(loads.fourth).toMatchObject({ missing: 3 })
      expect(loads.built.rows_written).toBe(0)
    })
    const loaded = await digestState(db)
    expect(await nights.rebuild()).toMatchObject({ rows_written: 0 })
    expect(await digestState(db)).toEqual(loaded)
  }))

/** Before PostgreSQL 17 nobody but the owner may analyze. */
async function expected({ db }: Nights) {
  const { rows } = await sql<{ version: number }>`
    select current_setting('server_version_num')::integer as version`.execute(db)
  return { status: (rows[0]?.version ?? 0) >= 170_000 ? 'ok' : 'warn' }
}

test('cosell run, status, quarantine and rebuild work in a loader’s hands', () =>
  withNights(population, async ({ db, url, sandbox, home }) => {
    await settleAccess(db)
    await asLogin(url, [groups.loader], async (login) => {
      const env = { ...demoSettings(sandbox.url), COSELL_DATABASE_URL: login.url }
      for (const args of [['run'], ['status'], ['quarantine', 'list'], ['migrate'], ['report']]) {
        const end = await runCli([...args, '--json'], { cwd: home, env })
        expect({ args, code: end.code, stderr: end.code === 0 ? '' : end.stderr }).toEqual({
          args,
          code: 0,
          stderr: '',
        })
        if (args[0] === 'migrate') expect(resultOf(end)).toMatchObject({ statements: [] })
      }
    })
  }))
