import { expect, test } from 'vitest'
import { renderBackfillPlan } from '../../../src/cli/text/backfill-plan.ts'
import type { AccountPlan } from '../../../src/pipeline/backfill/backfill-plan.ts'

const plan: AccountPlan = {
  account: 'north',
  strategy: 'created',
  explanation: 'The API filters by creation date: month by month.',
  is_again: false,
  basis: 'counted by the API',
  windows: [
    { from: '2025-01-15', to: '2025-02-01', state: 'done', referrals: 410, calls: 0 },
    { from: '2025-02-01', to: '2025-03-01', state: 'unfinished', referrals: 1_250, calls: 13 },
    { from: '2025-03-01', to: '2025-03-20', state: 'new', referrals: 0, calls: 1 },
  ],
  referrals: 1_660,
  calls: 14,
  requests_per_minute: 300,
  seconds: 5,
}

test('renderBackfillPlan shows method, referrals, calls, duration and each window', () => {
  expect(renderBackfillPlan([plan])).toBe(
    [
      'Account    north',
      'Method     The API filters by creation date: month by month.',
      'Referrals  1,660, counted by the API',
      'Calls      about 14, 5 s at 300 a minute',
      '',
      'Created                          State       Referrals  Calls',
      '2025-01-15 to before 2025-02-01  done              410      0',
      '2025-02-01 to before 2025-03-01  unfinished      1,250     13',
      '2025-03-01 to before 2025-03-20  new                 0      1',
      '',
      'Nothing was changed.',
    ].join('\n'),
  )
})

test('renderBackfillPlan states that finished windows would be read again', () => {
  const again = renderBackfillPlan([{ ...plan, is_again: true }])
  expect(again).toContain('All windows were read before and would be read again.')
  expect(renderBackfillPlan([plan])).not.toContain('again')
})

test.each([
  [59, '59 s'],
  [61, '2 min'],
  [3_600, '1 h 0 min'],
  [5_430, '1 h 31 min'],
])('renderBackfillPlan shows %i seconds as %s', (seconds, duration) => {
  expect(renderBackfillPlan([{ ...plan, seconds }])).toContain(`about 14, ${duration} at`)
})

test('renderBackfillPlan shows several accounts one after the other', () => {
  const both = renderBackfillPlan([plan, { ...plan, account: 'south' }])
  expect(both.match(/^Account .*$/gm)).toEqual(['Account    north', 'Account    south'])
})
