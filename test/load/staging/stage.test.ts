import { describe, expect, test } from 'vitest'
import { listOpenRegistrations } from '../../../src/load/landing/open-registrations.ts'
import { enterAccount, listAccounts } from '../../../src/load/runs/accounts.ts'
import { clearListed, clearStage, stageRows } from '../../../src/load/staging/stage.ts'
import { type StagedBatch, stageTables } from '../../../src/load/staging/stage-tables.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  load,
  referralIdOf,
  stageLanded,
  unnamedSource,
} from '../../support/load-referrals.ts'
import { aReferral, aRegistration } from '../../support/referral-builder.ts'

async function* inBatches(...batches: StagedBatch[]) {
  yield* batches
}

const aTag = (referral_no: unknown) => ({
  ...{ partner_account_key: 1, tag_group: 'Product', tag_type: 'Products', tag_id: 'Azure' },
  referral_no,
})

describe('staging', () => {
  test('staging returns the rows of each table and leaves out empty tables', () =>
    withDatabase(async (_, __, warehouse) => {
      const batch = { 'stg.dim_tag': [aTag(1), aTag(2)], 'stg.contact': [] }
      const { lease } = await anAccount(warehouse)
      const counts = await stageRows(
        warehouse,
        lease,
        inBatches(batch, { 'stg.dim_tag': [aTag(3)] }),
      )
      expect([...counts]).toEqual([['stg.dim_tag', 3]])
      expect(await countOf(warehouse, 'stg.dim_tag')).toBe(3)
    }))

  test('staging fails for a rejected row without a referral, and the warehouse stays usable', () =>
    withDatabase(async (_, __, warehouse) => {
      const { lease } = await anAccount(warehouse)
      const batches = inBatches({ 'stg.dim_tag': [aTag(1), aTag('a word')] })
      expect(await failureOf(stageRows(warehouse, lease, batches))).toMatchObject({ code: '22P02' })
      expect(
        await stageRows(warehouse, lease, inBatches({ 'stg.dim_tag': [aTag(1)] })),
      ).toBeDefined()
    }))

  test('staging passes on an error of the transform', () =>
    withDatabase(async (_, __, warehouse) => {
      const { lease } = await anAccount(warehouse)
      const reason = new Error('no')
      async function* batches() {
        yield { 'stg.dim_tag': [aTag(1)] }
        throw reason
      }
      for (let time = 0; time < 8; time++) {
        expect(await failureOf(stageRows(warehouse, lease, batches()))).toBe(reason)
      }
    }))

  test('staging is emptied for one account alone, whether or not another holds a lease', () =>
    withDatabase(async (_, __, warehouse) => {
      const north = await anAccount(warehouse, 'north')
      const south = await anAccount(warehouse, 'south')
      for (const account of [north, south]) {
        await landReferrals(account, await aRun(account), [aReferral()])
        await stageLanded(account, 'unpublished')
      }
      expect(await countOf(warehouse, 'stg.fact_referral')).toBe(2)
      await south.lease.release()
      await clearStage(warehouse.query, north.lease)
      const left = await warehouse.query
        .selectFrom('stg.fact_referral')
        .select('partner_account_key')
        .execute()
      expect(left).toEqual([{ partner_account_key: south.key }])
    }))

  test('staging is emptied for one account while others read their rows in an open transaction', () =>
    withDatabase(async (_, __, warehouse) => {
      const north = await anAccount(warehouse, 'north')
      await landReferrals(north, await aRun(north), [aReferral()])
      await stageLanded(north, 'unpublished')
      await warehouse.query.transaction().execute(async (publish) => {
        for (const table of stageTables) await publish.selectFrom(table).selectAll().execute()
        await clearStage(warehouse.query, north.lease)
        expect(await countOf(warehouse, 'stg.fact_referral')).toBe(0)
      })
    }))

  test('clearListed deletes the listed referrals of its run and account only', () =>
    withDatabase(async (_, __, warehouse) => {
      const north = await anAccount(warehouse, 'north')
      const south = await anAccount(warehouse, 'south')
      const runId = await aRun(north)
      await landReferrals(north, runId, [aReferral()])
      await landReferrals(south, await aRun(south), [aReferral()])
      await clearStage(warehouse.query, north.lease)
      expect(await countOf(warehouse, 'stg.listed_referral')).toBe(2)
      await clearListed(warehouse.query, north.lease, runId)
      expect(await countOf(warehouse, 'stg.listed_referral')).toBe(1)
    }))
})

describe('accounts', () => {
  test('accounts that enter at once get a number each, and the same name the same number', () =>
    withDatabase(async (db, url, warehouse) => {
      const other = await openDatabase(url)
      const names = ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']
      const keys = await Promise.all(
        names.map((name, index) =>
          enterAccount(
            [warehouse, other][index % 2 === 0 ? 0 : 1]?.query ?? db,
            { name, tenantId: undefined },
            unnamedSource,
          ),
        ),
      )
      expect(keys.slice(0, 4)).toEqual(keys.slice(4))
      expect([...keys.slice(0, 4)].sort()).toEqual([1, 2, 3, 4])
      expect(await listAccounts(db)).toHaveLength(4)
      await other.close()
    }))
})

test('open registrations are listed by id, unless the run has listed them or they are missing', () =>
  withDatabase(async (db, _, warehouse) => {
    const account = await anAccount(warehouse)
    const registered = (no: number, status: string) =>
      aReferral({ id: referralIdOf(no), registrations: [aRegistration({ status })] })
    const statuses = ['ReviewPending', 'Passed', 'ActionRequired', 'ReviewPending', 'Failed']
    const { runId: loaded } = await load(account, [
      ...statuses.map((status, index) => registered(index + 1, status)),
      registered(6, 'ReviewPending'),
    ])
    await clearListed(db, account.lease, loaded)
    await db
      .updateTable('dw.dim_referral')
      .set({ is_missing: true })
      .where('referral_id', '=', referralIdOf(4))
      .execute()
    const runId = await aRun(account)
    await landReferrals(account, runId, [registered(6, 'ReviewPending')])
    const span = { account: account.key, settledBefore: '2020-01-01T00:00:00Z' }
    expect(await listOpenRegistrations(db, runId, span, [])).toEqual([1, 3].map(referralIdOf))
  }))
