import { Decimal } from 'decimal.js'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeMicrosoftAcv } from '../../src/load/landing/microsoft-acv.ts'
import { readMicrosoftAcv } from '../../src/report/queries/microsoft-acv.ts'
import { conventionOf } from '../../src/sandbox/csv/cell/annual-value.ts'
import { downloads } from '../../src/sandbox/csv/file/downloads.ts'
import { insightsCoSell } from '../../src/sandbox/csv/layout/insights.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { microsoftAcvRows } from '../../src/transform/rows/fact-microsoft-acv.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { importBytes } from '../support/csv-files.ts'
import { readSource } from '../support/expected-marts.ts'
import { type TestPipeline, withPipeline } from '../support/with-pipeline.ts'

interface Reading {
  readonly referralId: string
  readonly asOf: string | null
  readonly cells: Readonly<Record<string, string>>
}

let nights: TestPipeline
let source: Referral[]
let close = async () => {}

beforeAll(
  () =>
    new Promise<void>((ready, fail) => {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const living = withPipeline({ referrals: 300, seed: 5 }, async (opened) => {
        nights = opened
        await nights.run()
        source = (await readSource(nights.db)).map(({ latest }) => latest)
        ready()
        await released
      })
      close = () => {
        release()
        return living
      }
      living.catch(fail)
    }),
)
afterAll(() => close())

/** Rows of the Insights file of the sandbox's referrals, read as an import reads them. */
async function readInsights(words: string): Promise<Reading[]> {
  const convention = conventionOf(words)
  if (convention === undefined) throw new Error(`no convention ${words}`)
  const readings: Reading[] = []
  for (const { path, bytes } of downloads(source, { convention, layouts: [insightsCoSell] })) {
    if (!path.startsWith('partner-center/')) continue
    const { file, rows } = await importBytes(bytes)
    for (const { referralId, cells } of rows) {
      readings.push({ referralId: referralId ?? '', asOf: file.latestDay, cells })
    }
  }
  return readings
}

/** Thrown to undo what a test wrote. */
class Undone extends Error {}

/** Runs `use` on a star with these readings, and undoes them. */
async function withReadings(
  readings: readonly Reading[],
  use: (db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  try {
    await nights.db.transaction().execute(async (db) => {
      await publishReadings(db, readings)
      await use(db)
      throw new Undone()
    })
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
}

async function publishReadings(db: Kysely<Database>, readings: readonly Reading[]): Promise<void> {
  const { rows: known } = await sql<{ referral_id: string; key: number; ids: string[] }>`
    select d.referral_id, d.referral_key as key,
      coalesce(array_agg(r.registration_id order by r.registration_no)
        filter (where r.registration_no is not null), '{}') as ids
    from dw.dim_referral d
    left join dw.fact_registration r using (referral_key)
    group by 1, 2`.execute(db)
  const rows = known.flatMap(({ referral_id, key, ids }) => {
    const theirs = readings.filter(({ referralId }) => referralId === referral_id)
    return microsoftAcvRows({ accountKey: 1, referralNo: key }, ids, theirs).map(
      ({ referral_no, ...row }) => ({
        ...row,
        referral_key: referral_no,
        row_hash: '0',
        created_run_id: 1,
        updated_run_id: 1,
      }),
    )
  })
  await sql`delete from dw.fact_microsoft_acv`.execute(db)
  await db.insertInto('dw.fact_microsoft_acv').values(rows).execute()
}

/** Conventions of the sandbox by its words, of which any two choices are together in one at least. */
const conventions = [
  '365-days',
  '365-days,inclusive-end,capped,solutions,usd',
  '365-days,inclusive-end,usd',
  '365-days,capped,solutions',
  '365.25-days,usd',
  '365.25-days,inclusive-end,solutions',
  '365.25-days,capped,solutions,usd',
  '365.25-days,inclusive-end,capped',
  'months,capped,usd',
  'months,solutions',
  'months,inclusive-end,solutions,usd',
  'months,inclusive-end,capped',
]

/** Name of a convention of the sandbox in the mart. */
function nameOf(words: string): string {
  const has = (word: string) => words.split(',').includes(word)
  return [
    has('months') ? 'months' : has('365.25-days') ? '365.25-day year' : '365-day year',
    has('inclusive-end') ? 'end included' : 'end excluded',
    has('capped') ? 'capped below a year' : 'no cap below a year',
    has('solutions') ? 'solution values' : 'contract value',
    has('usd') ? 'US dollars' : 'contract currency',
  ].join(', ')
}

describe('acv_convention', () => {
  test.each(conventions)(
    'the convention %s of a file is found out, alone on rank 1',
    async (words) => {
      await withReadings(await readInsights(words), async (db) => {
        const { rows } = await sql`
        select convention_name, registration_count = reproduced_count as is_all
        from mart.acv_convention
        where convention_rank = 1`.execute(db)
        expect(rows).toEqual([{ convention_name: nameOf(words), is_all: true }])
      })
    },
  )

  test('the report names the convention of the file, and what ours does not explain', async () => {
    await withReadings(await readInsights('months,capped'), async (db) => {
      const figures = await readMicrosoftAcv(db)
      expect(figures?.conventions[0]?.convention_name).toBe(nameOf('months,capped'))
      expect(figures?.conventions[0]?.reproduced_count).toBe(figures?.figure_count)
      expect(figures?.agreeing_count).toBeLessThan(figures?.figure_count ?? 0)
      expect(figures?.reasons.map(({ reason }) => reason)).toContain('year and end date')
      expect(figures?.as_of_date).toMatch(/^2026-06-/)
    })
    expect(await readMicrosoftAcv(nights.db)).toBeNull()
  })
})

interface Ours {
  readonly referral_id: string
  readonly registration_id: string
  readonly registration_status: string
  readonly currency_code: string
  readonly is_perpetual: boolean
  readonly contract_value_amount: string
  readonly contract_acv_amount: string
  readonly contract_annualized_amount: string
  readonly solution_value_amount: string | null
  readonly contract_start_date: string
  readonly contract_end_date: string | null
  readonly term_months: string
}

/** Registrations of the star whose annual value is known. */
async function readOurs(): Promise<Ours[]> {
  const { rows } = await sql<Ours>`
    select d.referral_id, r.*
    from dw.fact_registration r
    join dw.dim_referral d using (referral_key)
    where r.contract_acv_amount is not null and r.registration_id is not null
    order by r.registration_status in ('Approved', 'Passed') desc, d.referral_id`.execute(nights.db)
  return rows
}

type Change = (ours: Ours) => Readonly<Record<string, string | undefined>>

/** Reading of a registration in which Microsoft's figure is ours, but for a change. */
function readingOf(ours: Ours, change: Change = () => ({})): Reading {
  const cells = {
    'Deal ID': ours.registration_id,
    'Contract Currency': ours.currency_code,
    'Contract Value': ours.contract_value_amount,
    'Contract Value (USD)': dollars(ours.contract_value_amount),
    'Contract Start Date': ours.contract_start_date,
    'Contract End Date': ours.contract_end_date ?? undefined,
    'Contract Term': ours.is_perpetual ? 'Perpetual' : 'Finite',
    'Deal Approved Date': '2026-01-31',
    'Annual Contract Value': ours.contract_acv_amount,
    ...change(ours),
  }
  const filled = Object.entries(cells).filter(
    (cell): cell is [string, string] => cell[1] !== undefined,
  )
  return { referralId: ours.referral_id, asOf: '2026-06-30', cells: Object.fromEntries(filled) }
}

/** Half of an amount, exactly: two units of every currency for one dollar. */
function dollars(amount: string): string {
  return new Decimal(amount).div(2).toFixed(2)
}

const isApproved = ({ registration_status }: Ours) =>
  ['Approved', 'Passed'].includes(registration_status)
const isLimited = (ours: Ours) => isApproved(ours) && !ours.is_perpetual
const isLong = (ours: Ours) => isLimited(ours) && Number(ours.term_months) >= 12
const hasOtherLines = (ours: Ours) =>
  isLong(ours) &&
  ours.solution_value_amount !== null &&
  Number(ours.solution_value_amount) !== Number(ours.contract_value_amount)

/** Days from the first to the end of a contract, of which the end is none. */
function daysOf({ contract_start_date: start, contract_end_date: end }: Ours): number {
  return (Date.parse(end ?? '') - Date.parse(start)) / 86_400_000
}

/** What is changed in the reading of one registration, of which the reason is expected. */
const reasons: readonly [reason: string, of: (ours: Ours) => boolean, change: Change][] = [
  [
    'state of the registration',
    (ours) => !isApproved(ours),
    () => ({ 'Annual Contract Value': undefined }),
  ],
  ['no annual value in the file', isApproved, () => ({ 'Annual Contract Value': undefined })],
  [
    'currency and rate',
    isApproved,
    () => ({ 'Contract Currency': 'NOK', 'Annual Contract Value': '1' }),
  ],
  [
    'currency and rate',
    (ours) => isLong(ours) && ours.currency_code !== 'USD',
    (ours) => ({ 'Annual Contract Value': dollars(ours.contract_acv_amount) }),
  ],
  ['contract value', isApproved, () => ({ 'Contract Value': '7', 'Annual Contract Value': '7' })],
  ['perpetual', isLong, () => ({ 'Contract Term': 'Perpetual', 'Annual Contract Value': '9' })],
  [
    'perpetual',
    (ours) => isApproved(ours) && ours.is_perpetual,
    () => ({ 'Annual Contract Value': '9' }),
  ],
  ['dates', isLimited, () => ({ 'Contract End Date': '2031-05-06', 'Annual Contract Value': '9' })],
  [
    'solution or contract basis',
    hasOtherLines,
    (ours) => ({
      'Annual Contract Value': new Decimal(ours.solution_value_amount ?? 0)
        .mul(365)
        .div(daysOf(ours))
        .toFixed(4),
    }),
  ],
  [
    'term shorter than a year',
    (ours) => isLimited(ours) && Number(ours.term_months) < 11,
    (ours) => ({ 'Annual Contract Value': ours.contract_annualized_amount }),
  ],
  [
    'year and end date',
    isLong,
    (ours) => ({
      'Annual Contract Value': new Decimal(ours.contract_value_amount)
        .mul('365.25')
        .div(daysOf(ours) + 1)
        .toFixed(4),
    }),
  ],
  ['unknown', isLong, (ours) => ({ 'Annual Contract Value': `1${ours.contract_value_amount}` })],
]

const readMart = async (db: Kysely<Database>) =>
  (
    await sql<{
      referral_id: string
      registration_id: string
      reason: string | null
      is_within_minor_unit: boolean | null
      currency_code: string
      acv_amount: string | null
      difference_amount: string | null
    }>`
      select referral_id, registration_id, reason, is_within_minor_unit, currency_code, acv_amount,
        difference_amount
      from mart.acv_reconciliation
      order by referral_id, registration_id`.execute(db)
  ).rows

describe('acv_reconciliation', () => {
  test('registrations without a file have one row each, not in the file of Microsoft', async () => {
    const { rows } = await sql<{
      count: number
    }>`select count(*) from dw.fact_registration`.execute(nights.db)
    const mart = await readMart(nights.db)
    expect(mart).toHaveLength(Number(rows[0]?.count))
    expect(new Set(mart.map(({ reason }) => reason))).toEqual(new Set(["not in Microsoft's file"]))
  })

  test('figures of Microsoft that are ours agree with no reason', async () => {
    const ours = await readOurs()
    await withReadings(
      ours.map((one) => readingOf(one)),
      async (db) => {
        const known = new Set(ours.map(({ registration_id }) => registration_id))
        const mart = (await readMart(db)).filter(({ registration_id }) =>
          known.has(registration_id),
        )
        expect(mart.map(({ registration_id }) => registration_id).sort()).toEqual([...known].sort())
        for (const row of mart) {
          expect(row).toMatchObject({
            reason: null,
            is_within_minor_unit: true,
            difference_amount: '0.0000',
          })
        }
      },
    )
  })

  test.each(reasons)('a registration is explained by: %s', async (reason, isMeant, change) => {
    const ours = await readOurs()
    const one = ours.find(isMeant)
    if (one === undefined) throw new Error(`the population has no registration for ${reason}`)
    const others = ours.filter((other) => other !== one).map((other) => readingOf(other))
    await withReadings([...others, readingOf(one, change)], async (db) => {
      const explained = (await readMart(db)).filter((row) => row.reason !== null)
      const known = new Set(ours.map(({ registration_id }) => registration_id))
      const found = explained.filter(({ registration_id }) => known.has(registration_id))
      expect(found.map((row) => [row.registration_id, row.reason])).toEqual([
        [one.registration_id, reason],
      ])
    })
  })

  test('a registration of the file alone has a row, and ours of another id is not in the file', async () => {
    const [one] = await readOurs()
    if (one === undefined) throw new Error('no registration')
    await withReadings([readingOf(one, () => ({ 'Deal ID': 'of-microsoft' }))], async (db) => {
      const mart = await readMart(db)
      const theirs = mart.filter(({ referral_id }) => referral_id === one.referral_id)
      expect(Object.fromEntries(theirs.map((row) => [row.registration_id, row.reason]))).toEqual({
        'of-microsoft': 'not in ours',
        [one.registration_id]: "not in Microsoft's file",
      })
    })
  })

  test('figures in US dollars are compared after conversion at the rate of the file', async () => {
    const ours = (await readOurs()).filter(isApproved)
    const inDollars = ours.map((one) =>
      readingOf(one, ({ currency_code, contract_acv_amount }) =>
        currency_code === 'USD' ? {} : { 'Annual Contract Value': dollars(contract_acv_amount) },
      ),
    )
    await withReadings(inDollars, async (db) => {
      const mart = await readMart(db)
      for (const one of ours) {
        const row = mart.find(({ registration_id }) => registration_id === one.registration_id)
        expect(row).toMatchObject({
          reason: null,
          currency_code: 'USD',
          is_within_minor_unit: true,
        })
        const expected =
          one.currency_code === 'USD' ? one.contract_acv_amount : dollars(one.contract_acv_amount)
        expect(Math.abs(Number(row?.acv_amount) - Number(expected))).toBeLessThanOrEqual(0.01)
      }
      expect(new Set(ours.map(({ currency_code }) => currency_code)).size).toBeGreaterThan(3)
    })
  })
})

const readFact = async () =>
  (
    await sql<{ row: string }>`
      select (to_jsonb(f) - 'row_hash' - 'created_run_id' - 'updated_run_id')::text as row
      from dw.fact_microsoft_acv f
      order by referral_key, reading_no`.execute(nights.db)
  ).rows.map(({ row }) => row)

const land = (readings: readonly Reading[]) =>
  nights.db.transaction().execute((transaction) =>
    storeMicrosoftAcv(transaction, {
      partnerAccountKey: 1,
      runId: 1,
      rows: readings.map((reading, at) => ({ ...reading, sourceRef: `insights.csv:${at + 2}` })),
    }),
  )

describe('fact_microsoft_acv', () => {
  test('the same readings in any order and any number of times give the same rows, after a rebuild', async () => {
    const ours = (await readOurs()).slice(0, 12)
    const march = ours.map((one) => ({ ...readingOf(one), asOf: '2026-03-31' }))
    const june = ours.map((one) => readingOf(one, () => ({ 'Annual Contract Value': '5' })))
    const undated = ours.map((one) => ({ ...readingOf(one), asOf: null }))
    const orders = [
      [march, june, undated],
      [undated, june, march, june],
    ]
    const results: string[][] = []
    for (const files of orders) {
      await sql`delete from raw.payload where resource_type = 'microsoft_acv'`.execute(nights.db)
      let landed = 0
      for (const file of files) landed += await land(file)
      expect(landed).toBe(3 * ours.length)
      await nights.rebuild()
      results.push(await readFact())
    }
    expect(results[0]).toHaveLength(3 * ours.length)
    expect(results[1]).toEqual(results[0])
    const { rows } = await sql`
      select distinct as_of_date, reading_no, is_latest, microsoft_acv_amount = 5 as is_of_june
      from dw.fact_microsoft_acv
      order by reading_no`.execute(nights.db)
    expect(rows).toEqual([
      { as_of_date: null, reading_no: 1, is_latest: false, is_of_june: false },
      { as_of_date: '2026-03-31', reading_no: 2, is_latest: false, is_of_june: false },
      { as_of_date: '2026-06-30', reading_no: 3, is_latest: true, is_of_june: true },
    ])
    expect((await nights.rebuild()).rows_written).toBe(0)
  })
})
