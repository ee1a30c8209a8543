import { describe, expect, test } from 'vitest'
import { readAccountState } from '../../../src/load/runs/ledger.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  failureOf,
  landReferrals,
  load,
  referralIdOf,
  type TestAccount,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const referrals = (count: number, changes = {}) =>
  Array.from({ length: count }, (_, index) =>
    aReferral({ id: referralIdOf(index + 1), ...changes }),
  )

describe('ledger', () => {
  test('the ledger records the rows of each table, the time and the source time of a publish', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      await load(account, referrals(2), { watermark: '2025-12-10T09:18:01.7654321Z' })
      const { runId } = await load(account, referrals(1, { registrations: [] }), {
        watermark: '2025-12-11T00:00:00.7654329Z',
      })
      const run = await query
        .selectFrom('etl.run')
        .selectAll()
        .where('run_id', '=', runId)
        .execute()
      expect(run).toMatchObject([
        {
          run_status: 'published',
          watermark_text: '2025-12-11T00:00:00.7654329Z',
          watermark_to: '2025-12-11T00:00:00.765432Z',
          principal: null,
          referral_changed_count: 1,
          referral_quarantined_count: 0,
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
      const watermark = '2025-12-11T00:00:00.7654329Z'
      expect(state).toEqual({ watermark, last_full_read_at: null })
    }))

  test('the ledger returns the watermark with seven digits, and only of committed publishes', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      const at = (digits: string) => `2025-12-10T09:18:01.${digits}Z`
      const watermark = async () => (await readAccountState(query, account.key)).watermark
      expect(await watermark()).toBeNull()
      for (const [given, kept] of [
        ['7654321', '7654321'],
        ['7654322', '7654322'],
        ['7654319', '7654322'],
      ] as const) {
        await load(account, referrals(1), { watermark: at(given) })
        expect(await watermark()).toBe(at(kept))
      }
      const [broken] = referrals(1, { createdDateTime: 'last spring' })
      const failing = { watermark: at('9999999'), quarantinePercentMax: 0, quarantineCountMax: 0 }
      expect(await failureOf(load(account, [broken], failing))).toMatchObject({
        code: 'quarantine.threshold',
      })
      expect(await watermark()).toBe(at('7654322'))
    }))

  test.each([
    '2025-12-10T09:18:01Z',
    '2025-12-10T09:18:01.45Z',
    '2025-12-10T09:18:01.4500000+00:00',
  ])('the ledger rejects the watermark %s, which would not sort with the others', (watermark) =>
    withAccount(async (account) => {
      expect(await failureOf(load(account, [], { watermark }))).toMatchObject({
        constraint: 'run_watermark_text_layout',
      })
    }),
  )

  test('a publish without any referral checks the calendar, and records every table as unchanged', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      const { runId: first } = await load(account, referrals(2))
      const { runId: second } = await load(account, [])
      const tables = await query
        .selectFrom('etl.run_table')
        .select(['run_id', 'table_name', 'inserted_count', 'updated_count', 'deleted_count'])
        .where('run_id', 'in', [first, second])
        .orderBy('table_name')
        .execute()
      const namesOf = (runId: number) =>
        tables.filter((row) => row.run_id === runId).map((row) => row.table_name)
      expect(namesOf(second)).toEqual(namesOf(first))
      const written = tables
        .filter((row) => row.run_id === second)
        .map((row) => row.inserted_count + row.updated_count + row.deleted_count)
      expect(new Set(written)).toEqual(new Set([0]))
      await query.deleteFrom('dw.fx_rate').where('rate_date', '=', '2050-05-05').execute()
      await query.deleteFrom('dw.dim_date').where('date_day', '=', '2050-05-05').execute()
      await expect(load(account, [])).rejects.toMatchObject({
        code: 'check.every_key_has_its_dimension',
      })
    }))

  test('a publish marks earlier unpublished runs of its account as abandoned', () =>
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
