import { describe, expect, test } from 'vitest'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  load,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const readable = (no: number, changes = {}) => aReferral({ id: referralIdOf(no), ...changes })
const unreadable = (no: number) => readable(no, { createdDateTime: 'last spring' })
const each = <T>(count: number, make: (no: number) => T, from = 1): T[] =>
  Array.from({ length: count }, (_, index) => make(from + index))

const heldBy = ({ warehouse }: TestAccount) =>
  warehouse.query
    .selectFrom('etl.quarantine')
    .select(['version_no', 'reason_code', 'item_path', 'attempts', 'first_run_id', 'last_run_id'])
    .select('resolved_run_id')
    .orderBy('resource_id')
    .orderBy('version_no')
    .execute()

describe('unreadable referral', () => {
  test('an unreadable referral is quarantined with its reason while the others are published', () =>
    withAccount(async (account) => {
      const loaded = await load(account, [readable(1), unreadable(2), readable(3)])
      expect(loaded).toMatchObject({ staged: 2, changed: 2, quarantined: 1 })
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(2)
      expect(await heldBy(account)).toEqual([
        {
          version_no: 1,
          reason_code: 'invalid_instant',
          item_path: 'createdDateTime',
          attempts: 1,
          first_run_id: loaded.runId,
          last_run_id: loaded.runId,
          resolved_run_id: null,
        },
      ])
      const run = await account.warehouse.query
        .selectFrom('etl.run')
        .select(['referral_changed_count', 'referral_quarantined_count'])
        .execute()
      expect(run).toEqual([{ referral_changed_count: 2, referral_quarantined_count: 1 }])
    }))

  test('an unreadable referral keeps its last good rows', () =>
    withAccount(async (account) => {
      await load(account, [readable(1, { name: 'Good' }), readable(2, { name: 'Other' })])
      const second = await load(account, [unreadable(1), readable(2, { name: 'Other' })])
      expect(second).toMatchObject({ quarantined: 1, staged: 0 })
      expect(writtenBy(second)).toEqual({})
      const kept = await account.warehouse.query
        .selectFrom('dw.dim_referral')
        .select('referral_name')
        .orderBy('referral_name')
        .execute()
      expect(kept).toEqual([{ referral_name: 'Good' }, { referral_name: 'Other' }])
    }))

  test('an unreadable referral is counted at every attempt and quarantined until it can be read', () =>
    withAccount(async (account) => {
      const first = await load(account, [unreadable(1), readable(2)])
      await reload(account)
      const third = await reload(account)
      expect(await heldBy(account)).toMatchObject([
        {
          attempts: 3,
          first_run_id: first.runId,
          last_run_id: third.runId,
          resolved_run_id: null,
        },
      ])
    }))

  test('a quarantined referral is resolved by a newer version, though the older one stays unreadable', () =>
    withAccount(async (account) => {
      await load(account, [unreadable(1), unreadable(2), readable(3)])
      const mended = readable(1, { updatedDateTime: '2026-01-02T00:00:00Z' })
      const second = await load(account, [mended], { at: '2026-01-06T02:00:00Z' })
      expect(second).toMatchObject({ staged: 1, quarantined: 0 })
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(2)
      const findings = await account.warehouse.query
        .selectFrom('dw.fact_finding')
        .select('observed_value')
        .where('rule_code', '=', 'version_not_readable')
        .execute()
      expect(findings).toEqual([{ observed_value: '1' }])
      const held = await heldBy(account)
      expect(held.map((entry) => entry.resolved_run_id)).toEqual([second.runId, null])
      await reload(account)
      expect((await heldBy(account))[0]).toMatchObject({ resolved_run_id: second.runId })
    }))

  test('an unreadable referral has one quarantine entry a version', () =>
    withAccount(async (account) => {
      await load(account, [unreadable(1), readable(2)])
      await load(account, [{ ...unreadable(1), name: 'Still unreadable' }, readable(2)])
      expect(await heldBy(account)).toMatchObject([
        { version_no: 1, attempts: 2 },
        { version_no: 2, attempts: 1 },
      ])
    }))
})

describe('resolved referral', () => {
  test('a resolved referral is quarantined again when a newer version cannot be read', () =>
    withAccount(async (account) => {
      await load(account, [unreadable(1), readable(2)])
      await load(account, [readable(1, { updatedDateTime: '2026-01-02T00:00:00Z' })])
      const broken = { ...unreadable(1), updatedDateTime: '2026-01-03T00:00:00Z' }
      expect(await load(account, [broken, readable(2)])).toMatchObject({ quarantined: 1 })
      const held = await heldBy(account)
      expect(held.map((entry) => entry.resolved_run_id)).toEqual([null, null])
    }))
})

describe('quarantine limits', () => {
  test.each([1, 2])(
    'a publish of %i referrals that are all unreadable fails with the reason',
    (bad) =>
      withAccount(async (account) => {
        const failure = await failureOf(load(account, each(bad, unreadable)))
        expect(failure).toMatchObject({
          exitCode: 65,
          code: 'quarantine.everything',
          message: expect.stringContaining('invalid_instant at createdDateTime'),
        })
        expect(await countOf(account.warehouse, 'etl.quarantine')).toBe(0)
      }),
  )

  test.each([
    { bad: 10, good: 1, max: {}, why: 'ten, however large their share' },
    { bad: 11, good: 11, max: { quarantinePercentMax: 50 }, why: 'exactly the share allowed' },
    { bad: 11, good: 1, max: { quarantineCountMax: 11 }, why: 'exactly the number allowed' },
    { bad: 11, good: 0, max: { quarantinePercentMax: 100 }, why: 'all, when that is allowed' },
  ])('unreadable referrals within the limits are quarantined: $why', ({ bad, good, max }) =>
    withAccount(async (account) => {
      const page = [...each(bad, unreadable), ...each(good, readable, 100)]
      expect(await load(account, page, max)).toMatchObject({ staged: good, quarantined: bad })
    }),
  )

  test.each([
    { bad: 11, good: 0, max: {}, percent: '100.0', why: 'eleven of eleven' },
    {
      bad: 11,
      good: 10,
      max: { quarantinePercentMax: 50 },
      percent: '52.4',
      why: 'just over half',
    },
  ])(
    'too many unreadable referrals fail the publish, which changes nothing: $why',
    ({ bad, good, max, percent }) =>
      withAccount(async (account) => {
        const runId = await aRun(account)
        await landReferrals(account, runId, [
          ...each(bad, unreadable),
          ...each(good, readable, 100),
        ])
        const staged = await stageLanded(account, 'unpublished')
        const failure = await failureOf(publishStaged(account, runId, staged, max))
        expect(failure).toMatchObject({
          kind: 'checkFailed',
          exitCode: 65,
          code: 'quarantine.threshold',
          message: expect.stringContaining(
            `${bad} of ${bad + good} referrals cannot be read (${percent} %`,
          ),
        })
        const untouched = [
          'dw.dim_referral',
          'dw.dim_tag',
          'etl.quarantine',
          'etl.run_table',
        ] as const
        for (const table of untouched) expect(await countOf(account.warehouse, table)).toBe(0)
        const runs = await account.warehouse.query
          .selectFrom('etl.run')
          .select('run_status')
          .execute()
        expect(runs).toEqual([{ run_status: 'running' }])
      }),
  )
})

describe('findings', () => {
  /** A documented value in another case. */
  const withStrangeValue = (value: string, changes = {}) =>
    readable(1, { qualification: value, ...changes })

  const findingsOf = ({ warehouse }: TestAccount) =>
    warehouse.query
      .selectFrom('dw.fact_finding')
      .select(['rule_code', 'item_ref', 'observed_value', 'first_seen_run_id', 'last_seen_run_id'])
      .where('item_ref', '=', 'qualification')
      .execute()

  test('findings are replaced, and a finding that stays keeps its first run', () =>
    withAccount(async (account) => {
      const first = await load(account, [withStrangeValue('direct'), readable(2)])
      const before = await countOf(account.warehouse, 'dw.fact_finding')
      const second = await load(account, [withStrangeValue('direct', { name: 'Renamed' })])
      expect(await countOf(account.warehouse, 'dw.fact_finding')).toBe(before)
      expect(await findingsOf(account)).toEqual([
        {
          rule_code: 'enum_case_variant',
          item_ref: 'qualification',
          observed_value: 'direct',
          first_seen_run_id: first.runId,
          last_seen_run_id: second.runId,
        },
      ])
    }))

  test('findings take the value that was observed last', () =>
    withAccount(async (account) => {
      await load(account, [withStrangeValue('direct')])
      await load(account, [withStrangeValue('dIRECT')])
      expect(await findingsOf(account)).toMatchObject([{ observed_value: 'dIRECT' }])
    }))

  test('findings are deleted when they no longer hold', () =>
    withAccount(async (account) => {
      await load(account, [withStrangeValue('direct')])
      await load(account, [readable(1, { updatedDateTime: '2026-01-02T00:00:00Z' })])
      expect(await findingsOf(account)).toEqual([])
    }))

  test('findings of other referrals and other accounts stay', () =>
    withAccount(async (account) => {
      const south = await anAccount(account.warehouse, 'south')
      await load(south, [withStrangeValue('direct')])
      await load(account, [withStrangeValue('direct'), readable(2, { qualification: 'direct' })])
      await load(account, [readable(2, { updatedDateTime: '2026-01-02T00:00:00Z' })])
      expect(await findingsOf(account)).toHaveLength(2)
    }))
})

describe('findings of an account', () => {
  const ofWarehouse = ({ warehouse }: TestAccount) =>
    warehouse.query
      .selectFrom('dw.fact_finding')
      .select(['rule_code', 'item_ref', 'severity', 'detail', 'observed_value'])
      .select(['first_seen_run_id', 'last_seen_run_id'])
      .where('referral_id', '=', '')
      .orderBy('rule_code')
      .orderBy('item_ref')
      .execute()
  const odd = (no: number, changes = {}) => readable(no, { qualification: 'Odd', ...changes })
  const later = { updatedDateTime: '2026-01-02T00:00:00Z' }

  test('an undocumented value is one finding for any number of referrals', () =>
    withAccount(async (account) => {
      const first = await load(account, [odd(1), odd(2), odd(3, { status: 'Paused' })])
      const second = await load(account, [odd(4)])
      const found = await ofWarehouse(account)
      expect(found.filter((row) => row.item_ref.startsWith('ReferralQualification'))).toEqual([
        {
          rule_code: 'unknown_enum_value',
          item_ref: 'ReferralQualification//Odd',
          severity: 'warn',
          detail: 'loaded as it is, though not a documented ReferralQualification',
          observed_value: 'Odd',
          first_seen_run_id: first.runId,
          last_seen_run_id: second.runId,
        },
      ])
      expect(found.map((row) => row.item_ref)).toContain('ReferralStatus//Paused')
      const catalogued = await account.warehouse.query
        .selectFrom('etl.enum_value')
        .select(['enum_value', 'first_seen_run_id'])
        .where('enum_name', '=', 'ReferralQualification')
        .where('is_documented', '=', false)
        .execute()
      expect(catalogued).toEqual([{ enum_value: 'Odd', first_seen_run_id: first.runId }])
    }))

  test('a finding of an undocumented value stays while history has it, and a rebuild without it deletes it', () =>
    withAccount(async (account) => {
      await load(account, [odd(1), readable(2)])
      await load(account, [readable(1, later)], { at: '2026-01-06T02:00:00Z' })
      await reload(account)
      expect(await ofWarehouse(account)).toHaveLength(1)
      await account.warehouse.query
        .insertInto('dw.fact_finding')
        .values({
          partner_account_key: account.key,
          referral_id: '',
          rule_code: 'unknown_enum_value',
          item_ref: 'ReferralStatus//Since documented',
          severity: 'warn',
          detail: '',
          first_seen_run_id: 1,
          last_seen_run_id: 1,
        })
        .execute()
      await load(account, [readable(2, later)])
      expect(await ofWarehouse(account)).toHaveLength(2)
      await reload(account)
      expect(await ofWarehouse(account)).toMatchObject([{ item_ref: 'ReferralQualification//Odd' }])
    }))

  test('findings of an account concern that account alone', () =>
    withAccount(async (account) => {
      const south = await anAccount(account.warehouse, 'south')
      await load(account, [odd(1)])
      await load(south, [odd(1)])
      await reload(account)
      expect(await ofWarehouse(account)).toHaveLength(2)
    }))

  test('the finding of a property without a column counts all its referrals, not only those of a run', () =>
    withAccount(async (account) => {
      const withMood = (no: number, changes = {}) => ({ ...readable(no, changes), mood: 'fine' })
      const known = { favorite: true }
      const first = await load(account, [
        withMood(2),
        withMood(3),
        { ...readable(1), ...known },
        readable(4),
      ])
      const details = async () => (await ofWarehouse(account)).map(({ detail }) => detail)
      expect(await ofWarehouse(account)).toEqual([
        {
          rule_code: 'unmapped_property',
          item_ref: 'mood',
          severity: 'info',
          detail: 'without a column in 2 referrals',
          observed_value: '2',
          first_seen_run_id: first.runId,
          last_seen_run_id: first.runId,
        },
      ])
      await load(account, [withMood(4, later), readable(1, later)])
      expect(await details()).toEqual(['without a column in 3 referrals'])
      await load(account, [readable(2, later)])
      const grown = await details()
      expect(grown).toEqual(['without a column in 2 referrals'])
      await reload(account)
      expect(await details()).toEqual(grown)
      await load(account, [
        readable(3, later),
        readable(4, { updatedDateTime: '2026-01-03T00:00:00Z' }),
      ])
      expect(await details()).toEqual([])
    }))
})
