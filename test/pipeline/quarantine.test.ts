import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { demoSettings } from '../../src/demo.ts'
import { countRows, digestRowVersions, digestState } from '../support/digest.ts'
import { failureOf, type Nights, withNights, withSandbox } from '../support/pipeline.ts'

const referrals = 150
const seed = 7
const broken = 6

/** Referrals that are set aside now, with the reason. */
async function setAside({ db }: Nights) {
  const found = await sql<{ resource_id: string; reason_code: string; item_path: string }>`
    select resource_id, reason_code, item_path from etl.quarantine
    where resolved_run_id is null order by resource_id`.execute(db)
  return found.rows
}

/** What the star tells of some referrals, their former versions included. */
async function rowsOf({ db }: Nights, ids: readonly string[]) {
  const found = await sql<{ row: string }>`
    select row(referral, fact, history)::text as row
    from dw.dim_referral referral
    join dw.fact_referral fact using (referral_key)
    join dw.fact_referral_history history using (referral_key)
    where referral.referral_id = any(${ids})
    order by referral.referral_id, history.version_no`.execute(db)
  return found.rows
}

test('referrals that cannot be read are set aside whole, and the others are published', () =>
  withNights({ referrals, seed, broken }, async (nights) => {
    const summary = await nights.run()
    expect(summary).toMatchObject({
      status: 'published',
      seen: referrals,
      changed: referrals - broken,
      quarantined: broken,
    })
    const aside = await setAside(nights)
    expect(aside).toHaveLength(broken)
    for (const { reason_code, item_path } of aside) {
      expect(reason_code).toMatch(/^[a-z_]+$/)
      expect(item_path).not.toBe('')
    }
    expect(
      await rowsOf(
        nights,
        aside.map((row) => row.resource_id),
      ),
    ).toEqual([])
    expect(await countRows(nights.db, /^(raw\.payload|dw\.fact_referral)$/)).toEqual({
      'raw.payload': referrals,
      'dw.fact_referral': referrals - broken,
    })
  }))

test('a night without news leaves what is set aside alone', () =>
  withNights({ referrals, seed, broken }, async (nights) => {
    await nights.run()
    const before = await digestRowVersions(nights.db)
    expect(await nights.run(true)).toMatchObject({ changed: 0, rows_written: 0, quarantined: 0 })
    expect(await digestRowVersions(nights.db)).toEqual(before)
    expect(await setAside(nights)).toHaveLength(broken)
  }))

test('a referral that becomes unreadable keeps its last good rows until it can be read again', () =>
  withNights({ referrals, seed }, async (nights) => {
    await nights.run()
    const good = await digestState(nights.db, ['etl.quarantine'])
    await withSandbox({ referrals, seed, broken }, async (damaged) => {
      const settings = demoSettings(damaged.url)
      const summary = await nights.run(true, settings)
      expect(summary).toMatchObject({ changed: 0, quarantined: broken, missing: 0 })
    })
    const aside = await setAside(nights)
    expect(aside).toHaveLength(broken)
    expect(await digestState(nights.db, ['etl.quarantine'])).toEqual(good)
    expect(
      await rowsOf(
        nights,
        aside.map((row) => row.resource_id),
      ),
    ).not.toHaveLength(0)

    expect(await nights.run(true)).toMatchObject({ changed: broken, quarantined: 0 })
    expect(await setAside(nights)).toEqual([])
    expect(await nights.rebuild()).toMatchObject({ quarantined: 0, rows_written: 0 })
    expect(await setAside(nights)).toEqual([])
  }))

test('too many unreadable referrals stop the run, and nothing is published', () =>
  withNights({ referrals, seed, broken: 20 }, async (nights) => {
    const accounts = await digestState(nights.db)
    const failure = await failureOf(nights.run())
    expect(failure).toMatchObject({ kind: 'checkFailed', exitCode: 65 })
    expect(failure.message).toContain('20 of 150')
    const empty = await digestState(nights.db, ['dw.dim_partner_account'])
    expect({ ...empty, 'dw.dim_partner_account': accounts['dw.dim_partner_account'] }).toEqual(
      accounts,
    )
    const run = await nights.db.selectFrom('etl.run').selectAll().executeTakeFirstOrThrow()
    expect(run).toMatchObject({ run_status: 'failed', watermark_to: null, published_at: null })
    expect(run.error_message).toBe(failure.message)
  }))

test('what a stopped run had read is published once the limit is raised', () =>
  withNights({ referrals, seed, broken: 20 }, async (nights) => {
    await failureOf(nights.run())
    await sql`update etl.setting set setting_value = '50'
      where setting_name = 'quarantine_percent_max'`.execute(nights.db)
    expect(await nights.run()).toMatchObject({ changed: 130, quarantined: 20 })
    expect(await countRows(nights.db, /^(raw\.payload|dw\.fact_referral)$/)).toEqual({
      'raw.payload': referrals,
      'dw.fact_referral': 130,
    })
  }))

test('a sweep that misses a tenth of the referrals is a lost role, and nothing is published', () =>
  withNights({ referrals: 250, seed }, async (nights) => {
    await nights.run()
    const before = await digestState(nights.db)
    nights.sandbox.vanish(25)
    const failure = await failureOf(nights.run(true))
    expect(failure).toMatchObject({ kind: 'checkFailed', code: 'sweep.vanished' })
    expect(await digestState(nights.db)).toEqual(before)
  }))
