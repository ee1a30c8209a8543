import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { describeCapabilities } from '../../src/extract/api/capabilities.ts'
import { enterAccount } from '../../src/load/runs/accounts.ts'
import { storeCapabilities } from '../../src/load/runs/api-capabilities.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withAltered } from '../support/altered-sandbox.ts'
import { digestState } from '../support/digest.ts'
import { unnamedSource } from '../support/load-referrals.ts'
import {
  failureOf,
  type TestPipeline,
  withPipeline,
  withSandbox,
} from '../support/with-pipeline.ts'

const referrals = 150
const seed = 7

async function missingIn(db: Kysely<Database>): Promise<string[]> {
  const missing = await db
    .selectFrom('dw.dim_referral')
    .select('referral_id')
    .where('is_missing', '=', true)
    .orderBy('referral_id')
    .execute()
  return missing.map((row) => row.referral_id)
}

async function absencesIn(db: Kysely<Database>): Promise<number> {
  const landed = await sql`
    select 1 from raw.payload where resource_type = 'referral_absence'`.execute(db)
  return landed.rows.length
}

/** Finding about users with less visibility. */
async function lessSeenIn(db: Kysely<Database>): Promise<string[]> {
  const findings = await db
    .selectFrom('dw.fact_finding')
    .select(['item_ref', 'observed_value', 'severity', 'referral_id'])
    .where('rule_code', '=', 'principal_sees_fewer')
    .execute()
  return findings.map((found) => Object.values(found).join(' '))
}

async function latestRun(db: Kysely<Database>) {
  return db
    .selectFrom('etl.run')
    .selectAll()
    .orderBy('run_id', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
}

describe('a referral that the source no longer returns', () => {
  test('a referral is missing after two full reads by one user, not after one each by two', () =>
    withPipeline({ referrals, seed }, async ({ sandbox, db, run, passNight, rebuild }) => {
      const fullReadAs = async (principal: string) => {
        await passNight()
        sandbox.signInAs(principal)
        return run(true)
      }
      await fullReadAs('anna')
      const anna = (await latestRun(db)).principal
      await fullReadAs('ben')
      const ben = (await latestRun(db)).principal
      expect(anna).toMatch(/^[0-9a-f]{32}$/)
      expect(ben).not.toBe(anna)
      const [vanished] = sandbox.vanish(1)
      expect(await fullReadAs('anna')).toMatchObject({ missing: 0 })
      expect(await fullReadAs('ben')).toMatchObject({ missing: 0 })
      expect(await absencesIn(db)).toBe(2)
      expect(await missingIn(db)).toEqual([])
      expect(await fullReadAs('ben')).toMatchObject({ missing: 1 })
      expect(await missingIn(db)).toEqual([vanished])
      expect(await lessSeenIn(db)).toEqual([])

      const published = await digestState(db)
      expect(await rebuild()).toMatchObject({ changed: 0, missing: 0 })
      expect(await digestState(db)).toEqual(published)

      await withSandbox({ referrals, seed, principal: 'cleo' }, async (whole) => {
        expect(await run(true, demoSettings(whole.url))).toMatchObject({ changed: 1 })
      })
      expect(await missingIn(db)).toEqual([])
      const returned = await digestState(db)
      await rebuild()
      expect(await digestState(db)).toEqual(returned)
    }))
})

describe('a user with less visibility', () => {
  const office = { referrals, seed, visiblePercent: { office: 30 } }

  test('ten full reads by a user with less visibility delete nothing and raise one finding', () =>
    withPipeline(office, async ({ sandbox, db, run }) => {
      await run(true)
      const before = await digestState(db, ['dw.fact_finding'])
      sandbox.signInAs('office')
      const first = await run(true)
      expect(first.seen).toBeGreaterThan(20)
      expect(first.seen).toBeLessThan(referrals - 20)
      const who = (await latestRun(db)).principal?.slice(0, 8)
      for (let night = 2; night <= 10; night++) {
        expect(await run(true)).toMatchObject({ seen: first.seen, missing: 0, rows_written: 0 })
        expect(await lessSeenIn(db)).toEqual([`${who} ${first.seen} of ${referrals} warn `])
      }
      expect(await absencesIn(db)).toBe(0)
      expect(await digestState(db, ['dw.fact_finding'])).toEqual(before)
      sandbox.signInAs('admin')
      expect(await run(true)).toMatchObject({ seen: referrals, rows_written: 0 })
      expect(await lessSeenIn(db)).toEqual([])
    }))

  test('a user with less visibility still finds missing what that user was shown', () =>
    withPipeline({ ...office, visiblePercent: { office: 90 } }, async (nights) => {
      const { sandbox, db, run, passNight } = nights
      await run(true)
      sandbox.signInAs('office')
      await run(true)
      const gone = new Set(sandbox.vanish(8))
      const { seen } = await run(true)
      await passNight()
      const { missing } = await run(true)
      expect(missing).toBeGreaterThan(0)
      expect(missing).toBe(await absencesIn(db).then((landed) => landed / 2))
      expect((await missingIn(db)).filter((id) => !gone.has(id))).toEqual([])
      const known = referrals - missing
      expect(await lessSeenIn(db)).toEqual([expect.stringContaining(` ${seen} of ${known} warn`)])
    }))

  test('a run ends when its user was shown more before, as after a lost role', () =>
    withPipeline(office, async ({ sandbox, db, run }) => {
      await run(true)
      const before = await digestState(db)
      const { watermark_text } = await latestRun(db)
      sandbox.vanish(30)
      for (const night of [1, 2, 3]) {
        expect(await failureOf(run(true)), `night ${night}`).toMatchObject({
          code: 'full_read.too_many_missing',
          exitCode: 65,
          message: expect.stringContaining('did not return 30 of 150 known referrals'),
        })
      }
      expect(await latestRun(db)).toMatchObject({ run_status: 'failed', watermark_text: null })
      expect(watermark_text).not.toBeNull()
      expect(await absencesIn(db)).toBe(0)
      expect(await digestState(db)).toEqual(before)
    }))

  test('a run ends when its user sees nothing of many referrals, also the first time', () =>
    withPipeline(
      { referrals, seed, visiblePercent: { nobody: 0 } },
      async ({ sandbox, db, run }) => {
        await run(true)
        const before = await digestState(db)
        sandbox.signInAs('nobody')
        for (const night of [1, 2, 3]) {
          expect(await failureOf(run(true)), `night ${night}`).toMatchObject({
            code: 'full_read.too_many_missing',
          })
        }
        expect(await digestState(db)).toEqual(before)
        sandbox.signInAs('admin')
        expect(await run(true)).toMatchObject({ status: 'published', rows_written: 0 })
      },
    ))
})

describe('an incomplete full read', () => {
  /** Runs `use` while one referral is missing from the pages and present in their count. */
  async function withLossyPages(
    { sandbox, run }: TestPipeline,
    use: (fullRead: () => ReturnType<TestPipeline['run']>, dropped: () => number) => Promise<void>,
  ) {
    const lost = sandbox.referrals()[7]?.id ?? ''
    let dropped = 0
    await withAltered(
      sandbox,
      ({ body }) => {
        if (!Array.isArray(body.value)) return
        const kept = body.value.filter(({ id }: { id: string }) => id !== lost)
        dropped += body.value.length - kept.length
        body.value = kept
      },
      (settings) =>
        use(
          () => run(true, settings),
          () => dropped,
        ),
    )
  }

  const total = { referrals, seed, count: 'total', pageCap: 40 } as const
  const counts = describeCapabilities({
    createdFilter: 'bare',
    updatedFilter: 'bare',
    statusFilter: false,
    nextLink: true,
    skip: true,
    pageCap: 40,
    count: 'total',
  })

  test('an incomplete full read is published, marks nothing missing and moves no watermark', () =>
    withPipeline(total, async (nights) => {
      const { sandbox, db, run, logged } = nights
      await run(true)
      const { partner_account_key, watermark_text } = await latestRun(db)
      await storeCapabilities(db, partner_account_key, counts)
      sandbox.arrive(1)
      await withLossyPages(nights, async (fullRead, dropped) => {
        for (const night of [1, 2, 3]) {
          const before = dropped()
          expect(await fullRead()).toMatchObject({ seen: referrals, missing: 0 })
          expect(dropped(), `night ${night}`).toBeGreaterThan(before)
          expect(await latestRun(db)).toMatchObject({
            run_status: 'published',
            is_complete: false,
            watermark_text,
          })
        }
      })
      expect(await absencesIn(db)).toBe(0)
      await run(true)
      expect((await latestRun(db)).watermark_text?.localeCompare(watermark_text ?? '')).toBe(1)
      const warnings = logged.filter((line) => line.includes('the full read is not complete'))
      expect(warnings).toHaveLength(3)
      expect(warnings[0]).toContain(`"read":${referrals},"counted":${referrals + 1}`)
    }))

  test('the run after an incomplete full read is a full read again', () =>
    withPipeline(total, async (nights) => {
      const { db, run } = nights
      const account = await enterAccount(db, { name: 'demo', tenantId: 'sandbox' }, unnamedSource)
      await storeCapabilities(db, account, counts)
      await withLossyPages(nights, async (fullRead) => {
        expect(await fullRead()).toMatchObject({ seen: referrals - 1 })
      })
      expect(await run()).toMatchObject({ seen: referrals, changed: 1 })
      expect(await latestRun(db)).toMatchObject({ run_mode: 'full', is_complete: true })
      await run()
      expect(await latestRun(db)).toMatchObject({ run_mode: 'incremental' })
    }))
})
