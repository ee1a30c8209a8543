import { describe, expect, test } from 'vitest'
import { readAccountState } from '../../src/load/ledger.ts'
import { aReferral } from '../support/a-referral.ts'
import { withDatabase } from '../support/database.ts'
import {
  anAccount,
  aRun,
  landReferrals,
  load,
  referralIdOf,
  type TestAccount,
} from '../support/staged-rows.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const referrals = (count: number, changes = {}) =>
  Array.from({ length: count }, (_, index) =>
    aReferral({ id: referralIdOf(index + 1), ...changes }),
  )

describe('the ledger', () => {
  test('tells what each table got, when, and up to which source time', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      await load(account, referrals(2), { watermark: '2025-12-10T09:18:01.7654321Z' })
      const { runId } = await load(account, referrals(1, { registrations: [] }), {
        watermark: '2025-12-11T00:00:00Z',
      })
      const run = await query
        .selectFrom('etl.run')
        .selectAll()
        .where('run_id', '=', runId)
        .execute()
      expect(run).toMatchObject([
        {
          run_status: 'published',
          watermark_to: '2025-12-11T00:00:00Z',
          referral_changed_count: 1,
          referral_rejected_count: 0,
          referral_missing_count: 0,
          error_message: null,
        },
      ])
      expect(run[0]?.published_at).toBe(run[0]?.finished_at)
      const entries = await query
        .selectFrom('etl.run_table')
        .selectAll()
        .where('run_id', '=', runId)
        .where('table_name', 'in', ['dw.fact_registration', 'dw.dim_referral', 'pii.contact'])
        .orderBy('table_name')
        .execute()
      const counts = entries.map((entry) => Object.values(entry).slice(1).join(' '))
      expect(counts).toEqual([
        'dw.dim_referral 1 0 0 0',
        'dw.fact_registration 0 0 0 1',
        'pii.contact 2 0 0 0',
      ])
      const state = await readAccountState(query, account.key)
      expect(state).toEqual({ watermark: '2025-12-11T00:00:00Z', last_sweep_at: null })
    }))

  test('calls earlier runs abandoned once their landings are published, of this account only', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      const south = await anAccount(account.warehouse, 'south')
      const elsewhere = await aRun(south)
      const crashed = await aRun(account)
      await landReferrals(account, crashed, referrals(2))
      const failed = await aRun(account)
      await query
        .updateTable('etl.run')
        .set({ run_status: 'failed' })
        .where('run_id', '=', failed)
        .execute()
      const { runId, staged } = await load(account, [])
      expect(staged).toBe(2)
      const runs = await query.selectFrom('etl.run').select(['run_id', 'run_status']).execute()
      expect(new Map(runs.map((run) => [run.run_id, run.run_status]))).toEqual(
        new Map([
          [elsewhere, 'running'],
          [crashed, 'abandoned'],
          [failed, 'abandoned'],
          [runId, 'published'],
        ]),
      )
      expect(await load(account, [])).toMatchObject({ staged: 0 })
    }))
})
