import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { landPresence } from '../../../src/load/landing/presence.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  load,
  observedAt,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const readable = (no: number, changes = {}) => aReferral({ id: referralIdOf(no), ...changes })
const unreadable = (no: number) => readable(no, { createdDateTime: 'last spring' })
const onDay = (day: number) => ({ updatedDateTime: `2026-01-0${day}T00:00:00Z` })

const nothing = {
  fetched: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  superseded: 0,
  quarantined: 0,
  waiting: 0,
  rows_read: 0,
  duplicates: 0,
  carried_over: 0,
}

/** A run over several pages; each is landed after the other. */
async function loadPages(account: TestAccount, ...pages: readonly (readonly unknown[])[]) {
  const runId = await aRun(account)
  for (const page of pages) await landReferrals(account, runId, page)
  return publishStaged(account, runId, await stageLanded(account, 'unpublished'))
}

describe('reconciliation', () => {
  test('reconciliation counts versions as inserted or quarantined at first, and as unchanged the second time', () =>
    withAccount(async (account) => {
      const page = [readable(1), readable(2), unreadable(3)]
      expect((await load(account, page)).reconciliation).toEqual({
        ...nothing,
        fetched: 3,
        rows_read: 3,
        inserted: 2,
        quarantined: 1,
      })
      expect((await load(account, page)).reconciliation).toEqual({
        ...nothing,
        fetched: 3,
        rows_read: 3,
        unchanged: 3,
      })
    }))

  test('reconciliation counts a version as updated, and as superseded when a later page has a newer one', () =>
    withAccount(async (account) => {
      await load(account, [readable(1), readable(2), readable(3)])
      const loaded = await loadPages(
        account,
        [readable(1, onDay(2)), readable(2), readable(4)],
        [readable(1, onDay(3)), readable(3)],
        [readable(1, onDay(4))],
      )
      expect(loaded.reconciliation).toEqual({
        ...nothing,
        fetched: 6,
        rows_read: 6,
        inserted: 1,
        updated: 1,
        unchanged: 2,
        superseded: 2,
      })
    }))

  test('reconciliation counts a version once when pages repeat it', () =>
    withAccount(async (account) => {
      await load(account, [readable(1)])
      const loaded = await loadPages(
        account,
        [readable(1), readable(2), readable(2)],
        [readable(2), readable(1), unreadable(3)],
        [readable(1, onDay(2)), unreadable(3)],
      )
      expect(loaded.reconciliation).toEqual({
        ...nothing,
        fetched: 3,
        rows_read: 8,
        duplicates: 5,
        inserted: 1,
        updated: 1,
        quarantined: 1,
      })
    }))

  test('reconciliation counts versions that an earlier run landed and did not publish', () =>
    withAccount(async (account) => {
      await load(account, [readable(1), readable(2)])
      const lost = [readable(1, onDay(2)), readable(2, onDay(2)), readable(3), unreadable(4)]
      await landReferrals(account, await aRun(account), lost)
      const loaded = await loadPages(account, [readable(1, onDay(2)), readable(2, onDay(3))])
      expect(loaded.reconciliation).toEqual({
        ...nothing,
        fetched: 5,
        rows_read: 2,
        carried_over: 3,
        inserted: 1,
        updated: 2,
        superseded: 1,
        quarantined: 1,
      })
    }))

  test('reconciliation leaves out referrals that are staged because a full read missed them', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      const look = { account: account.key, principal: 'unknown', observedAt }
      const shared = { ...look, isComplete: true, notFound: [] }
      const fullRead = { ...shared, missingPercentMax: 5, missingCountMax: 20 }
      const { runId: first } = await load(account, [readable(1), readable(2)])
      await landPresence(query, account.lease, { ...fullRead, runId: first })
      const runId = await aRun(account, 'full')
      await landReferrals(account, runId, [readable(2)])
      expect(await landPresence(query, account.lease, { ...fullRead, runId })).toBe(1)
      const staged = await stageLanded(account, 'unpublished')
      const { reconciliation } = await publishStaged(account, runId, staged)
      expect(reconciliation).toEqual({ ...nothing, fetched: 1, rows_read: 1, unchanged: 1 })
    }))

  test('reconciliation of a rebuild counts changed rows, unchanged rows and every older version', () =>
    withAccount(async (account) => {
      await load(account, [readable(1), readable(2), unreadable(3)])
      await load(account, [readable(1, onDay(2))])
      await sql`update dw.dim_referral set row_hash = 0
        where referral_id = ${referralIdOf(2)}`.execute(account.warehouse.query)
      expect((await reload(account)).reconciliation).toEqual({
        ...nothing,
        fetched: 4,
        rows_read: 4,
        updated: 1,
        unchanged: 1,
        superseded: 1,
        quarantined: 1,
      })
    }))

  test('reconciliation counts the versions of its own account', () =>
    withAccount(async (account) => {
      const south = await anAccount(account.warehouse, 'south')
      await landReferrals(south, await aRun(south), [readable(1), readable(2)])
      const { reconciliation } = await load(account, [readable(1)])
      expect(reconciliation).toEqual({ ...nothing, fetched: 1, rows_read: 1, inserted: 1 })
    }))
})

describe('a run that is not reconciled', () => {
  test.each([
    {
      why: 'a referral got lost on its way to staging',
      spoil: sql`delete from stg.dim_referral where referral_id = ${referralIdOf(2)}`,
      says: 'expected 3 fetched (3 rows read - 0 duplicates + 0 carried over), got 2 (1 inserted',
    },
    {
      why: 'a referral was staged twice',
      spoil: sql`insert into stg.dim_referral select * from stg.dim_referral
        where referral_id = ${referralIdOf(2)}`,
      says: 'expected 3 fetched (3 rows read - 0 duplicates + 0 carried over), got 4 (3 inserted',
    },
    {
      why: 'a quarantined referral got lost',
      spoil: sql`delete from stg.quarantine`,
      says: '0 quarantined',
    },
  ])('a run that is not reconciled publishes nothing: $why', ({ spoil, says }) =>
    withAccount(async (account) => {
      const runId = await aRun(account)
      await landReferrals(account, runId, [readable(1), readable(2), unreadable(3)])
      const staged = await stageLanded(account, 'unpublished')
      await spoil.execute(account.warehouse.query)
      expect(await failureOf(publishStaged(account, runId, staged))).toMatchObject({
        kind: 'bug',
        exitCode: 70,
        code: 'run.not_reconciled',
        message: expect.stringContaining(says),
      })
      const untouched = ['dw.dim_referral', 'dw.dim_tag', 'etl.quarantine'] as const
      for (const table of untouched) expect(await countOf(account.warehouse, table)).toBe(0)
    }),
  )

  test('a run with a page that was read and not landed publishes nothing', () =>
    withAccount(async (account) => {
      const runId = await aRun(account)
      await landReferrals(account, runId, [readable(1), readable(2)])
      const staged = await stageLanded(account, 'unpublished')
      const failure = failureOf(publishStaged(account, runId, staged, { rowsRead: 3 }))
      expect(await failure).toMatchObject({
        code: 'run.not_reconciled',
        message: expect.stringContaining('expected 3 fetched (3 rows read'),
      })
      expect(await countOf(account.warehouse, 'dw.dim_referral')).toBe(0)
    }))
})

describe('retrying quarantined referrals', () => {
  const retry = async (account: TestAccount, ids: readonly string[]) => {
    const scope = { ids }
    const runId = await aRun(account, 'rebuild')
    const staged = await stageLanded(account, scope)
    return publishStaged(account, runId, staged, { scope })
  }

  test('retrying quarantined referrals leaves the pages of an unfinished run to the next run', () =>
    withAccount(async (account) => {
      await load(account, [unreadable(1), readable(3)])
      const unfinished = await aRun(account)
      await landReferrals(account, unfinished, [readable(2)])
      const { reconciliation } = await retry(account, [referralIdOf(1)])
      expect(reconciliation).toEqual({ ...nothing, fetched: 1, rows_read: 1, quarantined: 1 })
      const statusOf = async () =>
        (
          await account.warehouse.query
            .selectFrom('etl.run')
            .select('run_status')
            .where('run_id', '=', unfinished)
            .executeTakeFirst()
        )?.run_status
      expect(await statusOf()).toBe('running')
      expect(await load(account, [])).toMatchObject({ staged: 1, changed: 1 })
      expect(await statusOf()).toBe('abandoned')
    }))

  test('retrying quarantined referrals never exceeds the quarantine limit', () =>
    withAccount(async (account) => {
      const page = Array.from({ length: 30 }, (_, index) => unreadable(index + 1))
      await load(account, page, { quarantinePercentMax: 100 })
      const ids = page.map(({ id }) => String(id))
      expect(await retry(account, ids)).toMatchObject({ quarantined: 30, staged: 0 })
    }))
})
