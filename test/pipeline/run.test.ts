import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { SandboxOptions } from '../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { countRows, digestRowVersions, digestState } from '../support/digest.ts'
import { differing, withPipeline, withSandbox } from '../support/with-pipeline.ts'

const referrals = 150
const seed = 7

/** Ten-thousandths: money that never becomes a double. */
function exact(amount: unknown): bigint {
  const [, sign = '', whole = '', fraction = ''] =
    /^(-?)(\d+)(?:\.(\d{1,4}))?$/.exec(String(amount)) ?? []
  return BigInt(`${sign}${whole}${fraction.padEnd(4, '0')}`)
}

/** Figures added up from the API's answers alone. */
function figuresOf(population: readonly Referral[]) {
  const figures = { statuses: {}, deals: {}, contracts: {}, registrations: 0 }
  for (const { status, substatus, details, registrations } of population) {
    add(figures.statuses, `${status} ${substatus}`, exact(1))
    if (details?.dealValue != null) add(figures.deals, details.currency, exact(details.dealValue))
    for (const { contract } of registrations ?? []) {
      figures.registrations += 1
      if (contract?.value != null) add(figures.contracts, contract.currency, exact(contract.value))
    }
  }
  return figures
}

function add(sums: Record<string, bigint>, of: string | null | undefined, amount: bigint) {
  const key = of ?? 'XXX'
  sums[key] = (sums[key] ?? 0n) + amount
}

/** The same figures, from the warehouse. */
async function figuresIn(db: Kysely<Database>) {
  const statuses = await sums(
    db,
    `select referral_status || ' ' || referral_substatus as key, count(*) as sum
    from dw.fact_referral join dw.dim_status using (status_key) group by key`,
  )
  const deals = await sums(
    db,
    `select currency_code as key, sum(deal_value_amount) as sum
    from dw.fact_referral where deal_value_amount is not null group by key`,
  )
  const contracts = await sums(
    db,
    `select currency_code as key, sum(contract_value_amount) as sum
    from dw.fact_registration where contract_value_amount is not null group by key`,
  )
  const registrations = (await countRows(db, /^dw\.fact_registration$/))['dw.fact_registration']
  return { statuses, deals, contracts, registrations }
}

async function sums(db: Kysely<Database>, query: string): Promise<Record<string, bigint>> {
  const found = await sql.raw<{ key: string; sum: string | number }>(query).execute(db)
  return Object.fromEntries(found.rows.map(({ key, sum }) => [key, exact(sum)]))
}

/** Ids of the referrals that a run wrote. */
async function updatedBy(db: Kysely<Database>, runId: number | undefined): Promise<string[]> {
  const found = await sql<{ referral_id: string }>`
    select referral_id from dw.dim_referral where updated_run_id = ${runId}
    order by referral_id collate "C"`.execute(db)
  return found.rows.map((row) => row.referral_id)
}

test('the first run reads everything and publishes every referral exactly once', () =>
  withPipeline({ referrals, seed }, async ({ sandbox, db, run }) => {
    const summary = await run()
    expect(summary).toMatchObject({
      status: 'published',
      seen: referrals,
      changed: referrals,
      unchanged: 0,
      quarantined: 0,
      missing: 0,
      throttled: 0,
    })
    const population = sandbox.referrals()
    expect(await figuresIn(db)).toEqual(figuresOf(population))
    const ids = population.map(({ id }) => id ?? '').sort()
    expect(await updatedBy(db, summary.run_ids[0])).toEqual(ids)
    const rows = await countRows(db, /^(raw\.payload|pii\.payload|dw\.(dim|fact)_referral)$/)
    expect(new Set(Object.values(rows))).toEqual(new Set([referrals]))
    const ledger = await db.selectFrom('etl.run').selectAll().execute()
    expect(ledger).toMatchObject([
      { run_mode: 'full', run_status: 'published', is_complete: true, error_message: null },
    ])
  }))

test('rows_written counts the rows written in raw, pii and dw', () =>
  withPipeline({ referrals, seed }, async ({ db, run }) => {
    // Findings and the run itself are not counted.
    const counted = /^(raw|pii|dw)\.(?!fact_(run|finding)$)/
    const before = await countRows(db, counted)
    const summary = await run()
    const after = await countRows(db, counted)
    const grown = Object.entries(after).map(([table, rows]) => rows - (before[table] ?? 0))
    const account = 1
    expect(summary.rows_written + account).toBe(grown.reduce((sum, rows) => sum + rows, 0))
  }))

describe.each([
  { how: 'a nightly run', full: false, mode: 'incremental' },
  { how: 'a full read', full: true, mode: 'full' },
])('$how that finds nothing new', ({ full, mode }) => {
  test('a run that finds nothing new writes no row in raw, pii or dw', () =>
    withPipeline({ referrals, seed }, async ({ db, run }) => {
      await run()
      const before = await digestRowVersions(db)
      const summary = await run(full)
      expect(summary).toMatchObject({ changed: 0, rows_written: 0, missing: 0 })
      expect(summary.unchanged).toBe(summary.seen)
      expect(await digestRowVersions(db)).toEqual(before)
      const { run_mode, run_status } = await db
        .selectFrom('etl.run')
        .select(['run_mode', 'run_status'])
        .orderBy('run_id', 'desc')
        .executeTakeFirstOrThrow()
      expect({ run_mode, run_status }).toEqual({ run_mode: mode, run_status: 'published' })
    }))
})

test('a run publishes the changed referrals and no others', () =>
  withPipeline({ referrals, seed }, async ({ sandbox, db, run }) => {
    await run()
    for (const count of [12, 1, 30]) {
      const before = sandbox.referrals()
      sandbox.change(count)
      const changed = differing(before, sandbox.referrals())
      const summary = await run()
      expect(summary.changed).toBe(changed.length)
      expect(await updatedBy(db, summary.run_ids[0])).toEqual(changed)
      expect(await figuresIn(db)).toEqual(figuresOf(sandbox.referrals()))
    }
  }))

test('a run publishes a review decision that left updatedDateTime alone', () =>
  withPipeline({ referrals: 400, seed }, async ({ sandbox, db, run }) => {
    await run()
    const silent = sandbox.change(5, 'silent').sort()
    expect(silent.length).toBeGreaterThan(2)
    const summary = await run()
    expect(summary).toMatchObject({ changed: silent.length })
    expect(await updatedBy(db, summary.run_ids[0])).toEqual(silent)
    const statuses = sandbox
      .referrals()
      .flatMap(({ registrations }) => (registrations ?? []).map(({ status }) => status))
    const stored = await db
      .selectFrom('dw.fact_registration')
      .select('registration_status')
      .execute()
    expect(stored.map((row) => row.registration_status).sort()).toEqual(statuses.sort())
  }))

test('a run publishes new referrals', () =>
  withPipeline({ referrals, seed }, async ({ sandbox, db, run }) => {
    await run()
    const arrived = sandbox.arrive(9).sort()
    const summary = await run()
    expect(await updatedBy(db, summary.run_ids[0])).toEqual(arrived)
    expect(await figuresIn(db)).toEqual(figuresOf(sandbox.referrals()))
  }))

test('a referral is missing after the second night without it, until it returns', () =>
  withPipeline({ referrals, seed }, async ({ sandbox, db, run, passNight }) => {
    const missing = () =>
      db
        .selectFrom('dw.dim_referral')
        .select('referral_id')
        .where('is_missing', '=', true)
        .execute()
    await run()
    const [vanished] = sandbox.vanish(1)
    for (const full of [true, false, true]) {
      expect(await run(full)).toMatchObject({ missing: 0 })
      expect(await missing()).toEqual([])
    }
    await passNight()
    expect(await run(true)).toMatchObject({ missing: 1 })
    expect(await missing()).toEqual([{ referral_id: vanished }])
    const settled = await digestRowVersions(db)
    expect(await run(true)).toMatchObject({ missing: 0, rows_written: 0 })
    expect(await digestRowVersions(db)).toEqual(settled)
    await withSandbox({ referrals, seed }, async (whole) => {
      expect(await run(true, demoSettings(whole.url))).toMatchObject({ changed: 1 })
    })
    expect(await missing()).toEqual([])
  }))

describe('behaviours of the API', () => {
  const cases: { why: string; options: Partial<SandboxOptions> }[] = [
    {
      why: 'next links as documented: plain http, without /engagements',
      options: { nextLink: 'http-without-engagements', pageCap: 20 },
    },
    { why: 'no filter on dates', options: { dateFilter: false } },
    { why: '$skip is ignored', options: { skip: false, pageCap: 40 } },
    {
      why: 'neither a filter on dates nor $skip',
      options: { dateFilter: false, skip: false, pageCap: 33 },
    },
    {
      why: '$top means no more than, and the count is of all',
      options: { top: 'total', count: 'total' },
    },
    { why: 'pages are shorter than asked for', options: { pageCap: 7 } },
    { why: 'every sign-in gives another refresh token', options: { rotateRefreshToken: true } },
  ]
  test.each(cases)('a run over an API with this behaviour loads everything: $why', ({ options }) =>
    withPipeline({ referrals, seed, ...options }, async ({ sandbox, db, run }) => {
      expect(await run()).toMatchObject({ seen: referrals, changed: referrals })
      const before = sandbox.referrals()
      sandbox.change(15)
      const changed = differing(before, sandbox.referrals())
      expect(await run()).toMatchObject({ changed: changed.length })
      expect(await figuresIn(db)).toEqual(figuresOf(sandbox.referrals()))
    }),
  )

  // So few that a busy machine is too fast as well.
  const slow = { referrals: 40, requestsPerMinute: 120, pageCap: 5, tokenLifetimeSeconds: 1 }
  test('a run over an API that throttles and lets tokens expire loads everything', () =>
    withPipeline({ seed, ...slow }, async ({ sandbox, db, run }) => {
      const summary = await run()
      const refused = sandbox.requests.filter(({ status }) => status === 429).length
      const tokens = sandbox.requests.filter(({ url }) => url.endsWith('/token')).length
      expect(refused).toBeGreaterThan(0)
      expect(tokens).toBeGreaterThan(1)
      expect(summary).toMatchObject({ seen: 40, changed: 40, throttled: refused })
      expect(await figuresIn(db)).toEqual(figuresOf(sandbox.referrals()))
    }))
})

test('staging is empty after a run', () =>
  withPipeline({ referrals, seed, broken: 3 }, async ({ sandbox, db, run }) => {
    await run()
    sandbox.change(10)
    await run()
    const staged = Object.entries(await countRows(db, /^stg\./)).filter(([, rows]) => rows > 0)
    expect(staged).toEqual([])
  }))

test('equal answers of the API make equal warehouses', async () => {
  const digests: unknown[] = []
  for (let time = 0; time < 2; time++) {
    await withPipeline({ referrals, seed }, async ({ db, run }) => {
      await run()
      // The time of reading may differ.
      digests.push(await digestState(db, ['observed_at', 'dw.fact_referral_history.row_hash']))
    })
  }
  expect(digests[1]).toEqual(digests[0])
})
