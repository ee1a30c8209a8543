import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { expect, test } from 'vitest'
import { rebuild } from '../../src/pipeline/rebuild.ts'
import { run } from '../../src/pipeline/run.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import { withDatabase } from '../support/database.ts'
import { digestRowVersions, digestState } from '../support/digest.ts'
import { contextOf, withPipeline } from '../support/with-pipeline.ts'

const seed = 11

/** Everything that a rebuild needs: the landing zone, the ledger, the accounts and the hash key. */
const kept = ['pii.secret', 'dw.dim_partner_account', 'etl.run', 'raw.payload', 'pii.payload']

async function copyKept(from: Warehouse, to: Warehouse) {
  const source = await from.pool.connect()
  const target = await to.pool.connect()
  try {
    await target.query('truncate pii.secret')
    for (const table of kept) {
      const rows = source.query(copyTo(`copy ${table} to stdout`))
      await pipeline(rows, target.query(copyFrom(`copy ${table} from stdin`)))
    }
    await target.query(
      "select setval(pg_get_serial_sequence('etl.run', 'run_id'), max(run_id)) from etl.run",
    )
  } finally {
    source.release()
    target.release()
  }
}

test('a warehouse grown by nightly runs equals one rebuilt from its landing zone', () =>
  withPipeline(
    { referrals: 200, seed, broken: 2 },
    async ({ sandbox, warehouse, db, run, passNight, home }) => {
      await run()
      for (const [changes, silent] of [
        [25, 0],
        [40, 1],
        [10, 2],
        [60, 0],
      ] as const) {
        sandbox.change(changes)
        sandbox.change(silent, 'silent')
        sandbox.arrive(3)
        await run()
      }
      sandbox.change(4, 'reopen')
      sandbox.vanish(2)
      await run(true)
      await passNight()
      await run(true)
      const grown = await digestState(db)
      await withDatabase(async (emptyDb, _, empty) => {
        await copyKept(warehouse, empty)
        const summary = await rebuild(contextOf(empty, home, [], demoSettings(sandbox.url)))
        expect(summary).toMatchObject({ seen: 212, requests: 0, throttled: 0, quarantined: 2 })
        expect(await digestState(emptyDb)).toEqual(grown)
      })
    },
  ))

test('a rebuild of a correct warehouse writes nothing', () =>
  withPipeline({ referrals: 120, seed }, async ({ sandbox, db, run, rebuild }) => {
    await run()
    sandbox.change(30)
    await run()
    const before = await digestRowVersions(db)
    expect(await rebuild()).toMatchObject({ seen: 120, changed: 0, rows_written: 0 })
    expect(await digestRowVersions(db)).toEqual(before)
  }))

test('a rebuild repairs rows that were damaged by hand', () =>
  withPipeline({ referrals: 120, seed }, async ({ db, run, rebuild }) => {
    await run()
    const right = await digestState(db)
    await sql`update dw.fact_referral set deal_value_amount = 1, row_hash = 0
      where currency_code = 'USD'`.execute(db)
    await sql`delete from dw.fact_acv_schedule where contract_year_no = 1`.execute(db)
    await sql`delete from pii.contact where contact_no = 1`.execute(db)
    expect(await digestState(db)).not.toEqual(right)
    expect((await rebuild()).rows_written).toBeGreaterThan(0)
    expect(await digestState(db)).toEqual(right)
  }))

test('a warehouse grown by nightly runs has the same present as one loaded today', () =>
  withPipeline({ referrals: 200, seed }, async ({ sandbox, db, run: night, home }) => {
    await night()
    for (const count of [30, 50, 20]) {
      sandbox.change(count)
      await night()
    }
    // Only the older warehouse has seen the past: history, dimension members no longer in use, and the
    // closing day of a referral that does not carry one.
    const past = [
      'dw.fact_referral_history',
      'dw.fact_engagement_history',
      'dw.dim_customer',
      'dw.dim_tag',
      'dw.dim_solution',
      'dw.fact_solution_change',
      'pii.contact_change',
    ]
    const closing = [
      'closed_at',
      'closed_at_basis',
      'closed_date',
      'days_to_close',
      'days_to_registration',
      'row_hash',
    ]
    const leftOut = [
      ...past,
      ...closing.map((column) => `dw.fact_referral.${column}`),
      'dw.fact_finding',
      'etl.enum_value',
    ]
    const grown = await digestState(db, leftOut)
    await withDatabase(async (freshDb, _, fresh) => {
      await run(contextOf(fresh, home, [], demoSettings(sandbox.url)), false)
      expect(await digestState(freshDb, leftOut)).toEqual(grown)
    })
  }))
