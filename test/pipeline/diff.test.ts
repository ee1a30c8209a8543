import { type Kysely, sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { loadRates } from '../../src/exchange-rates/store.ts'
import { diffRebuild, diffRetry } from '../../src/pipeline/diff/diff.ts'
import { compareHeld } from '../../src/pipeline/diff/diff-account.ts'
import { martKeys } from '../../src/pipeline/diff/mart-keys.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { tables } from '../../src/warehouse/tables.generated.ts'
import { untilWaiting, whileLocked } from '../support/load-referrals.ts'
import {
  contextOf,
  type Settings,
  type TestPipeline,
  withPipeline,
  withSandbox,
} from '../support/with-pipeline.ts'

function contextFor({ warehouse, home, sandbox }: TestPipeline, more: Settings = {}) {
  return contextOf(warehouse, home, [], { ...demoSettings(sandbox.url), ...more })
}

/** What a rebuild would change in the only account. */
async function diff(nights: TestPipeline, more: Settings = {}) {
  const { status, accounts } = await diffRebuild(contextFor(nights, more))
  expect(accounts).toHaveLength(1)
  return { status, ...accounts[0] }
}

type Told = Awaited<ReturnType<typeof diff>>

const martOf = ({ marts = [] }: Told, name: string) => marts.find(({ mart }) => mart === name)
const columnOf = (told: Told, mart: string, name: string) =>
  martOf(told, mart)?.columns.find(({ column }) => column === name)

/** Lets the next rebuild write the amounts of referrals in US dollars again. */
const damage = (db: Kysely<Database>, amount = 1) =>
  sql`update dw.fact_referral set deal_value_amount = ${amount}, row_hash = 0
    where currency_code = 'USD'`.execute(db)

/** Every row of every table, but for the lease, which names its last holder. */
async function everything(db: Kysely<Database>) {
  const digests: Record<string, string> = {}
  for (const name of Object.keys(tables).filter((one) => one !== 'etl.lease')) {
    const { rows } = await sql<{ digest: string }>`
      select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest
      from ${sql.table(name)} t`.execute(db)
    digests[name] = rows[0]?.digest ?? ''
  }
  return digests
}

test('a diff of a correct warehouse finds nothing and leaves no row behind', () =>
  withPipeline({ referrals: 120, seed: 11, broken: 2 }, async (nights) => {
    const { run, sandbox, db } = nights
    await run()
    sandbox.change(30)
    await run()
    const before = await everything(db)
    expect(await diff(nights)).toEqual({
      status: 'same',
      account: 'demo',
      seen: 120,
      quarantined: 2,
      quarantine: { added: 0, removed: 0, referrals: [] },
      tables: [],
      marts: [],
    })
    expect(await everything(db)).toEqual(before)
  }))

test('a diff of damaged amounts tells the rows and the money that a rebuild then changes', () =>
  withPipeline({ referrals: 120, seed: 11 }, async (nights) => {
    const { run, rebuild, db } = nights
    await run()
    await damage(db)
    const amounts = async () => {
      const { rows } = await sql<{ id: string; amount: string }>`
        select referral_id as id, deal_value_amount::text as amount
        from mart.referral where currency_code = 'USD' order by referral_id`.execute(db)
      return rows
    }
    const damaged = await amounts()
    const state = await everything(db)
    const told = await diff(nights)
    expect(told.status).toBe('different')
    expect(await everything(db)).toEqual(state)
    await rebuild()
    const right = await amounts()
    const differing = right.filter(({ amount }, at) => amount !== damaged[at]?.amount)
    const scaled = (rows: typeof right) =>
      rows.reduce((sum, { amount }) => sum + BigInt((amount ?? '0.0000').replace('.', '')), 0n)
    const column = columnOf(told, 'referral', 'deal_value_amount')
    expect(column?.rows).toBe(differing.length)
    expect(column?.referrals).toEqual(differing.map(({ id }) => id).slice(0, 10))
    const usd = column?.amounts.find(({ currency }) => currency === 'USD')
    const difference = (text: string | null | undefined) => BigInt((text ?? '').replace('.', ''))
    expect(difference(usd?.after) - difference(usd?.before)).toBe(scaled(right) - scaled(damaged))
  }))

describe('what a later version would change', () => {
  test('a diff under a changed rule tells what a rebuild under that rule then changes', () =>
    withPipeline({ referrals: 150, seed: 11 }, async (nights) => {
      const { run, db } = nights
      await run()
      const years = async () => {
        const { rows } = await sql<{ line: string; amount: string | null; currency: string }>`
          select concat_ws(' ', referral_key, registration_no, line_no) as line,
            acv_amount::text as amount, currency_code as currency
          from mart.acv_line order by line`.execute(db)
        return rows
      }
      const before = await years()
      const state = await everything(db)
      vi.resetModules()
      vi.doMock('../../src/transform/contract/acv.ts', async (original) => {
        const acv = await original<typeof import('../../src/transform/contract/acv.ts')>()
        const contractPeriod: typeof acv.contractPeriod = (terms) => {
          const period = acv.contractPeriod(terms)
          const months = { numerator: 36n, denominator: 1n }
          return period.isPerpetual ? { ...period, months } : period
        }
        return { ...acv, contractPeriod }
      })
      try {
        const later = await import('../../src/pipeline/diff/diff.ts')
        const { rebuild } = await import('../../src/pipeline/rebuild.ts')
        const { accounts } = await later.diffRebuild(contextFor(nights))
        expect(await everything(db)).toEqual(state)
        const column = accounts[0]?.marts
          .find(({ mart }) => mart === 'acv_line')
          ?.columns.find((one) => one.column === 'acv_amount')
        await rebuild(contextFor(nights))
        const after = await years()
        const changed = after.filter(({ amount }, at) => amount !== before[at]?.amount)
        expect(changed.length).toBeGreaterThan(0)
        expect(column?.rows).toBe(changed.length)
        const currencies = [...new Set(changed.map(({ currency }) => currency))].sort()
        expect(column?.amounts.map(({ currency }) => currency)).toEqual(currencies)
      } finally {
        vi.doUnmock('../../src/transform/contract/acv.ts')
        vi.resetModules()
      }
    }))

  test('a diff after a value was documented tells the finding that a rebuild then takes away', () =>
    withPipeline({ referrals: 300, seed: 7 }, async (nights) => {
      const { run, rebuild, db } = nights
      await run()
      const findings = async () =>
        (await sql<{ n: number }>`select count(*) as n from mart.data_quality`.execute(db)).rows[0]
          ?.n
      const before = (await findings()) ?? 0
      await sql`
        update etl.enum_value set is_documented = true
        where (enum_name, parent_value, enum_value) = (
          select enum_name, parent_value, enum_value from etl.enum_value
          where not is_documented order by 1, 2, 3 limit 1)`.execute(db)
      const state = await everything(db)
      const told = await diff(nights)
      expect(await everything(db)).toEqual(state)
      await rebuild()
      const gone = before - ((await findings()) ?? 0)
      expect(gone).toBeGreaterThan(0)
      expect(martOf(told, 'data_quality')).toMatchObject({ added: 0, removed: gone })
    }))

  test('a rate that came later is in the marts at once, and a diff finds nothing', () =>
    withPipeline({ referrals: 120, seed: 11 }, async (nights) => {
      await nights.run()
      const quote = { currency: 'EUR', baseUnits: '1.1', currencyUnits: '1' }
      const quotes = [{ ...quote, date: '2026-01-02' }]
      const manual = { source: 'manual', base: 'USD', daysCarriedMax: 366, quotes } as const
      await loadRates(nights.db, 'USD', manual)
      expect(await diff(nights)).toMatchObject({ status: 'same', marts: [] })
    }))

  test('a diff counts settings that a rebuild would store, and stores none', () =>
    withPipeline({ referrals: 120, seed: 11 }, async (nights) => {
      await nights.run()
      const state = await everything(nights.db)
      const told = await diff(nights, { COSELL_FISCAL_YEAR_START_MONTH: '1' })
      expect(told.status).toBe('different')
      expect(martOf(told, 'acv_by_fiscal_quarter')).toBeDefined()
      const inEuro = await diff(nights, { COSELL_REPORTING_CURRENCY: 'EUR' })
      expect(inEuro.status).toBe('different')
      expect(await everything(nights.db)).toEqual(state)
    }))
})

describe('quarantine and a diff', () => {
  test('a diff of one quarantined referral tells the rows that its retry then adds', () =>
    withPipeline({ referrals: 150, seed: 7, broken: 6 }, async (nights) => {
      const { run, retry, db } = nights
      await run()
      const { rows } = await sql<{ id: string }>`
        update raw.payload set payload = jsonb_set(payload, '{status}', '"New"')
        where resource_id = (
          select min(resource_id) from etl.quarantine where item_path = 'status')
        returning resource_id as id`.execute(db)
      const referralIds = rows.map(({ id }) => id)
      expect(referralIds).toHaveLength(1)
      const state = await everything(db)
      const told = await diffRetry(contextFor(nights), { referralIds })
      expect(await everything(db)).toEqual(state)
      expect(told).toMatchObject({
        status: 'different',
        accounts: [
          {
            seen: 1,
            quarantined: 0,
            quarantine: { added: 0, removed: 1, referrals: referralIds },
          },
        ],
      })
      const [{ marts, tables: written } = { marts: [], tables: [] }] = told.accounts
      const referral = marts.find(({ mart }) => mart === 'referral')
      expect(referral).toMatchObject({ added: 1, removed: 0, changed: 0, referrals: referralIds })
      const summary = await retry({ referralIds })
      expect(summary.changed).toBe(1)
      const rowsTold = written.reduce(
        (sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted,
        0,
      )
      expect(rowsTold).toBe(summary.rows_written)
    }))

  test('a diff of a referral that stays in quarantine finds nothing, and counts no attempt', () =>
    withPipeline({ referrals: 120, seed: 7, broken: 3 }, async (nights) => {
      await nights.run()
      const state = await everything(nights.db)
      const told = await diffRetry(contextFor(nights), { referralIds: [] })
      expect(told).toMatchObject({ status: 'same', accounts: [{ seen: 3, quarantined: 3 }] })
      expect(await everything(nights.db)).toEqual(state)
    }))

  test('a diff holds a referral of which PostgreSQL rejects a row, as the rebuild then does', () =>
    withPipeline({ referrals: 120, seed: 11 }, async (nights) => {
      const { run, rebuild, db } = nights
      await run()
      const { rows } = await sql<{ id: string; key: number }>`
        select referral_id as id, referral_key as key from mart.referral
        where currency_code = 'USD' order by referral_id limit 1`.execute(db)
      const [{ id, key } = { id: '', key: 0 }] = rows
      await damage(db)
      await sql`
        alter table dw.fact_referral add constraint a_rule
        check (referral_key <> ${sql.lit(key)}) not valid`.execute(db)
      const state = await everything(db)
      const told = await diff(nights)
      expect(await everything(db)).toEqual(state)
      expect(told).toMatchObject({
        seen: 120,
        quarantined: 1,
        quarantine: { added: 1, removed: 0, referrals: [id] },
      })
      expect(await rebuild()).toMatchObject({ seen: 120, quarantined: 1 })
    }))

  test('compareHeld tells at most ten ids, those that come first', () => {
    const ids = (from: number, to: number) =>
      new Set(Array.from({ length: to - from }, (_, index) => String(from + index)))
    expect(compareHeld(ids(10, 20), ids(15, 40))).toEqual({
      added: 20,
      removed: 5,
      referrals: ['20', '21', '22', '23', '24', '25', '26', '27', '28', '29'],
    })
    expect(compareHeld(ids(10, 12), ids(11, 12))).toEqual({
      added: 0,
      removed: 1,
      referrals: ['10'],
    })
  })
})

describe('a diff beside others', () => {
  test('a diff of two accounts tells the differences of each alone', () =>
    withPipeline(
      { referrals: 60, seed: 1 },
      async (nights) => {
        const { run, db } = nights
        await run()
        await withSandbox({ referrals: 80, seed: 2 }, async ({ url }) => {
          const south = { COSELL_ACCOUNT: 'south', COSELL_TENANT_ID: 'south' }
          await run(false, { ...demoSettings(url), ...south })
        })
        await sql`
          update dw.fact_referral set deal_value_amount = 1, row_hash = 0
          where partner_account_key = (
            select partner_account_key from dw.dim_partner_account where account_code = 'south')`.execute(
          db,
        )
        const state = await everything(db)
        const { status, accounts } = await diffRebuild(contextFor(nights))
        expect(status).toBe('different')
        expect(accounts).toMatchObject([
          { account: 'north', seen: 60, tables: [], marts: [] },
          { account: 'south', seen: 80 },
        ])
        expect(accounts[1]?.tables).toMatchObject([{ table: 'dw.fact_referral', updated: 80 }])
        expect(await everything(db)).toEqual(state)
      },
      { COSELL_ACCOUNT: 'north' },
    ))

  test('a reader sees the old rows at once while a diff has written its own', () =>
    withPipeline({ referrals: 120, seed: 11 }, async (nights) => {
      const { run, warehouse, db } = nights
      await run()
      await damage(db)
      const read = () =>
        sql`
          select count(*) filter (where deal_value_amount = 1) as damaged, count(*) as rows
          from mart.referral`.execute(db)
      const { rows: before } = await read()
      let told: Promise<Told> | undefined
      await whileLocked(warehouse, 'etl.run_table', async () => {
        told = diff(nights)
        await untilWaiting(warehouse, 1)
        const { rows } = await db.transaction().execute(async (reader) => {
          await sql`set local lock_timeout = '1s'`.execute(reader)
          return sql`
            select count(*) filter (where deal_value_amount = 1) as damaged, count(*) as rows
            from mart.referral`.execute(reader)
        })
        expect(rows).toEqual(before)
      })
      expect(await told).toMatchObject({ status: 'different' })
    }))

  test('a diff begins again when a row that it writes was changed meanwhile', () =>
    withPipeline({ referrals: 120, seed: 11 }, async (nights) => {
      const { run, warehouse, db } = nights
      await run()
      await damage(db, 1)
      let told: Promise<Told> | undefined
      await whileLocked(warehouse, 'stg.dim_referral', async () => {
        told = diff(nights)
        await untilWaiting(warehouse, 1)
        await damage(db, 2)
      })
      const usd = columnOf((await told) ?? ({} as Told), 'referral', 'deal_value_amount')
      const { rows } = await sql<{ sum: string }>`
        select sum(deal_value_amount)::text as sum from mart.referral
        where currency_code = 'USD'`.execute(db)
      expect(usd?.amounts.find(({ currency }) => currency === 'USD')?.before).toBe(rows[0]?.sum)
    }))
})

test('the rows of a compared mart differ in the columns that tell them apart', () =>
  withPipeline({ referrals: 200, seed: 11 }, async ({ run, sandbox, db }) => {
    await run()
    sandbox.change(60)
    await run()
    for (const [mart, key] of Object.entries(martKeys)) {
      if (key === null) continue
      const columns = sql.join(key.map((name) => sql.ref(name)))
      const { rows } = await sql`
        select ${columns} from ${sql.table(`mart.${mart}`)}
        group by ${columns} having count(*) > 1 limit 1`.execute(db)
      expect(rows, mart).toEqual([])
    }
  }))

test('every mart is compared, or left out for a reason that is written down', () =>
  withPipeline({ referrals: 5, seed: 1 }, async ({ db }) => {
    const { rows } = await sql<{ name: string }>`
      select relname::text as name from pg_class
      where relnamespace = 'mart'::regnamespace and relkind = 'v'
        and relname <> all(array['load_status', 'bi_access', 'documented_value', 'pipeline_as_of'])
      order by relname`.execute(db)
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(martKeys).sort())
  }))
