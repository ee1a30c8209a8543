import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { SandboxOptions } from '../../../src/sandbox/api/sandbox-server.ts'
import { type TestPipeline, withPipeline } from '../../support/with-pipeline.ts'

const seed = 7
/** Nights until a full read, which sees everything; the default of `full_read_days_max`. */
const fullReadNights = 7

/** Lets silent changes happen, which no date shows; returns the ids. */
const silently = ({ sandbox }: TestPipeline, count: number) =>
  sandbox.change(count, 'silent').sort()

/** Registration statuses of the named referrals, in the source and in the warehouse. */
async function statusesOf({ sandbox, db }: TestPipeline, ids: readonly string[]) {
  const source = sandbox
    .referrals()
    .filter(({ id }) => ids.includes(id ?? ''))
    .map(({ id, registrationStatus }) => [id, registrationStatus])
  const stored = await db
    .selectFrom('dw.dim_referral')
    .select(['referral_id', 'registration_status'])
    .where('referral_id', 'in', ids.length > 0 ? ids : [''])
    .execute()
  return {
    source: Object.fromEntries(source),
    stored: Object.fromEntries(stored.map((row) => [row.referral_id, row.registration_status])),
  }
}

async function expectArrived(nights: TestPipeline, ids: readonly string[]) {
  const { source, stored } = await statusesOf(nights, ids)
  expect(stored).toEqual(source)
}

/** Requests of the last run for lists, and for single referrals. */
function requestsAfter({ sandbox }: TestPipeline, before: number) {
  const urls = sandbox.requests.slice(before).map(({ url }) => decodeURIComponent(url))
  const lists = urls.filter((url) => url.includes('/referrals?'))
  return {
    api: urls.filter((url) => url.includes('/referrals')).length,
    byStatus: lists.filter((url) => url.includes('registrationStatus eq')).length,
    byId: urls.filter((url) => url.includes('/referrals/')).length,
  }
}

/** Requests of one more night in which nothing changes. */
async function quietNight(nights: TestPipeline, full = false) {
  const before = nights.sandbox.requests.length
  const summary = await nights.run(full)
  expect(summary).toMatchObject({ changed: 0 })
  const requests = requestsAfter(nights, before)
  expect(summary.requests).toBe(requests.api)
  return requests
}

/** Sets what runs have learned about the reviews of the source. */
async function learned({ db }: TestPipeline, movedInRow: number) {
  await sql`
    insert into etl.api_capability (partner_account_key, capability, observed_value, observed_at)
    values (1, 'reviews_moved_in_row', ${String(movedInRow)}, now())
    on conflict (partner_account_key, capability)
    do update set observed_value = excluded.observed_value`.execute(db)
}

async function capability({ db }: TestPipeline, name: string) {
  const row = await db
    .selectFrom('etl.api_capability')
    .select('observed_value')
    .where('capability', '=', name)
    .executeTakeFirst()
  return row?.observed_value
}

/** Sets a limit of the warehouse. */
async function setting({ db }: TestPipeline, name: string, value: number) {
  await db
    .updateTable('etl.setting')
    .set({ setting_value: String(value) })
    .where('setting_name', '=', name)
    .execute()
}

/** Nights until one brings a change, of `nightsMax` nights. */
async function nightsUntilChanged({ run, passNight }: TestPipeline, nightsMax: number) {
  for (let night = 1; night <= nightsMax; night += 1) {
    await passNight()
    if ((await run()).changed > 0) return night
  }
  throw new Error(`nothing arrived in ${nightsMax} nights`)
}

describe('a night in which nothing changed', () => {
  test.each<{ why: string; options: Partial<SandboxOptions> }>([
    { why: 'a filter on the status', options: { statusFilter: 'obeyed' } },
    { why: 'a filter on the status that is ignored', options: { statusFilter: 'ignored' } },
    { why: 'links alone', options: { statusFilter: 'rejected', dateFilter: false, skip: false } },
  ])('a quiet night takes no more requests than a complete read with $why', ({ options }) =>
    withPipeline({ referrals: 300, seed, pageCap: 30, ...options }, async (nights) => {
      await nights.run()
      const quiet = await quietNight(nights)
      const complete = await quietNight(nights, true)
      expect(quiet.api).toBeLessThanOrEqual(complete.api)
      if (options.statusFilter === 'obeyed') expect(quiet.byStatus).toBeGreaterThan(0)
    }),
  )
})

describe('a source whose reviews leave updatedDateTime alone', () => {
  test('silent reviews arrive where the API obeys the filter on the status no more', () =>
    withPipeline({ referrals: 300, seed, pageCap: 30, statusFilter: 'ignored' }, async (nights) => {
      await nights.run()
      await nights.db
        .updateTable('etl.api_capability')
        .set({ observed_value: 'yes' })
        .where('capability', '=', 'status_filter')
        .execute()
      const changed = silently(nights, 2)
      expect(await nights.run()).toMatchObject({ changed: 2 })
      await expectArrived(nights, changed)
      expect(nights.logged.join('')).toContain('does not filter by registrationStatus')
      expect(await capability(nights, 'status_filter')).toBe('no')
    }))

  test('silent reviews arrive in the same night by the list of their status', () =>
    withPipeline({ referrals: 400, seed, statusFilter: 'obeyed' }, async (nights) => {
      await nights.run()
      const changed = silently(nights, 3)
      const before = nights.sandbox.requests.length
      expect(await nights.run()).toMatchObject({ changed: 3 })
      await expectArrived(nights, changed)
      const requests = requestsAfter(nights, before)
      expect(requests.byStatus).toBeGreaterThan(0)
      // Only those that left every list are read by id.
      expect(requests.byId).toBeLessThanOrEqual(3)
      expect(await capability(nights, 'reviews_silent')).toBe('3')
    }))

  test('a silent change arrives with the sample in turn, and one of a settled registration with a full read', () =>
    withPipeline({ referrals: 800, seed, pageCap: 20, statusFilter: 'ignored' }, async (nights) => {
      await nights.run()
      await setting(nights, 'review_sample_count', 2)
      await learned(nights, 60)
      const { rows } = await sql<{ waiting: number }>`
        select count(*) as waiting from dw.fact_registration
        where registration_status in ('ReviewPending', 'ActionRequired')`.execute(nights.db)
      const waiting = rows[0]?.waiting ?? 0
      const quiet = await quietNight(nights)
      // The overlap of 72 hours is one page; one request finds its end, one asks for the total.
      expect(quiet).toMatchObject({ api: 3 + 2, byId: 2 })
      const changed = silently(nights, 1)
      const nightsMax = Math.min(Math.ceil(waiting / 2), fullReadNights)
      expect(nightsMax).toBeGreaterThan(2)
      await nightsUntilChanged(nights, nightsMax)
      await expectArrived(nights, changed)
      // It is no rule any more, so that all of them are read again.
      expect(await capability(nights, 'reviews_moved_in_row')).toBe('0')
      expect((await quietNight(nights)).byId).toBeGreaterThanOrEqual(waiting - 1)
      const settled = nights.sandbox.change(1, 'silentRevoke')
      expect(await nightsUntilChanged(nights, fullReadNights)).toBeGreaterThan(1)
      await expectArrived(nights, settled)
    }))
})

describe('a source whose reviews move updatedDateTime', () => {
  test('runs learn from the reviews that they see, and a silent one takes it back', () =>
    withPipeline({ referrals: 800, seed, pageCap: 20, statusFilter: 'ignored' }, async (nights) => {
      const { sandbox, run } = nights
      await run()
      await setting(nights, 'review_sample_count', 0)
      await learned(nights, 57)
      const decided = sandbox
        .change(4, 'review')
        .map((id) => sandbox.referrals().find((referral) => referral.id === id))
        .filter((referral) => referral?.registrationStatus !== 'ReviewPending')
      expect(decided.length).toBeGreaterThanOrEqual(3)
      await run()
      expect(await capability(nights, 'reviews_moved_in_row')).toBe(String(57 + decided.length))
      expect((await quietNight(nights)).byId).toBe(0)
      expect(await capability(nights, 'reviews_read')).toBe('0 by id, in turn')
      silently(nights, 1)
      await run(true)
      expect(await capability(nights, 'reviews_moved_in_row')).toBe('0')
      expect(await capability(nights, 'reviews_silent')).toBe('1')
    }))
})
