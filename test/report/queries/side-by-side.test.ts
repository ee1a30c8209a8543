import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { readReport } from '../../../src/report/queries/read-report.ts'
import { inSnapshot, readSideBySide } from '../../../src/report/queries/side-by-side.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'
import { runAt } from '../../support/global-setup.ts'
import { businessDay, loadEuroRates, loadOnce, one } from '../../support/report-warehouse.ts'

const now = new Date('2026-07-01T05:20:00Z')
const loaded = loadOnce({ referrals: 300, seed: 5, broken: 0 })

test('readSideBySide sees in all reads what its first transaction saw, though others commit meanwhile', () =>
  withDatabase(async (db) => {
    const seen = await inSnapshot(db, async (first) => {
      await look(first)
      await addCurrency(db, 'QAA')
      const both = meeting(2)
      return readSideBySide(db, first, {
        one: async (snapshot) => {
          await both()
          await addCurrency(db, 'QAB')
          return look(snapshot)
        },
        other: async (snapshot) => {
          await both()
          await sql`select pg_sleep(0.2)`.execute(snapshot)
          return look(snapshot)
        },
      })
    })
    expect(seen.one.pid).not.toBe(seen.other.pid)
    expect([seen.one.added, seen.other.added]).toEqual([0, 0])
    expect((await look(db)).added).toBe(2)
  }))

test('readSideBySide reads all on one connection where the server gives no other', () =>
  withDatabase((_db, url) =>
    asLogin(url, [], async ({ role, db }) => {
      await runAt(url, sql`alter role ${sql.id(role)} connection limit 1`)
      const pids = await inSnapshot(db, (first) =>
        readSideBySide(db, first, { one: pidOf, other: pidOf, third: pidOf }),
      )
      expect(new Set(Object.values(pids)).size).toBe(1)
    }),
  ))

test('readSideBySide begins no read after one that failed, and throws its error', () =>
  withDatabase(async (db) => {
    let hasBegun = false
    const all = meeting(3)
    const read = inSnapshot(db, (first) =>
      readSideBySide(db, first, {
        one: async (snapshot) => {
          await all()
          await sql`select 1 / 0`.execute(snapshot)
        },
        other: async (snapshot) => {
          await all()
          await sql`select pg_sleep(0.3)`.execute(snapshot)
        },
        third: async (snapshot) => {
          await all()
          await sql`select pg_sleep(0.3)`.execute(snapshot)
        },
        fourth: async () => {
          hasBegun = true
        },
      }),
    )
    await expect(read).rejects.toThrow('division by zero')
    expect(hasBegun).toBe(false)
  }))

test('readReport has at each month end the sums of mart.pipeline_month_end', async () => {
  const { db } = loaded()
  await loadEuroRates(db)
  const { month_ends } = await readReport(db, now, businessDay)
  const { rows } = await sql<Record<string, unknown>>`
    select snapshot_date::text as period, stage_label as label, count(*) as count,
      round(sum(deal_value_reporting_amount), 2)::text as converted,
      sum(deal_value_amount) filter (where currency_code = 'GBP')::text as sterling
    from mart.pipeline_month_end
    where is_deal_primary and is_open and snapshot_date < ${businessDay}::date
      and snapshot_date >= date '2024-06-01'
    group by snapshot_date, stage_label`.execute(db)
  const shown = month_ends.map(({ period, label, count, amounts }) => ({
    period,
    label,
    count,
    converted: amounts.converted,
    sterling:
      amounts.by_currency.find(({ currency_code }) => currency_code === 'GBP')?.amount ?? null,
  }))
  expect(rows.length).toBeGreaterThan(24)
  expect(shown.toSorted(byName)).toEqual(rows.toSorted(byName))
})

const byName = (one: Record<string, unknown>, other: Record<string, unknown>) =>
  `${one.period} ${one.label}`.localeCompare(`${other.period} ${other.label}`)

/** Returns a function that ends for nobody until so many have called it. */
function meeting(size: number): () => Promise<void> {
  let come = 0
  let open = () => {}
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    come++
    if (come === size) open()
    return all
  }
}

function addCurrency(db: Kysely<Database>, code: string) {
  return sql`
    insert into dw.dim_currency (currency_code, currency_name, minor_unit, is_documented)
    values (${code}, 'Added', 2, false)`.execute(db)
}

/** The process that reads, and how many of the added currencies it sees. */
function look(db: Kysely<Database>) {
  return one(
    db,
    sql<{ pid: number; added: number }>`
      select pg_backend_pid() as pid,
        (select count(*) from dw.dim_currency where currency_name = 'Added') as added`,
  )
}

async function pidOf(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  return rows[0]?.pid ?? 0
}
