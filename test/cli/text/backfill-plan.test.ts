import { expect, test } from 'vitest'
import { type PlanFigures, renderBackfillPlan } from '../../../src/cli/text/backfill-plan.ts'

const plan: PlanFigures = {
  account: 'north',
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

test('a plan tells how, how much, how long, and each window', () => {
  expect(renderBackfillPlan([plan])).toBe(
    [
      'Account    north',
      'How        The API filters by creation date: month by month.',
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

test('what was read before and would be read again is said', () => {
  const again = renderBackfillPlan([{ ...plan, is_again: true }])
  expect(again).toContain('All of it was read before, and would be read again.')
  expect(renderBackfillPlan([plan])).not.toContain('again')
})

test.each([
  [59, '59 s'],
  [61, '2 min'],
  [3_600, '1 h 0 min'],
  [5_430, '1 h 31 min'],
])('%i seconds are told as %s', (seconds, told) => {
  expect(renderBackfillPlan([{ ...plan, seconds }])).toContain(`about 14, ${told} at`)
})

test('accounts follow each other', () => {
  const both = renderBackfillPlan([plan, { ...plan, account: 'south' }])
  expect(both.match(/^Account .*$/gm)).toEqual(['Account    north', 'Account    south'])
})
