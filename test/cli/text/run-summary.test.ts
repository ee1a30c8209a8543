import { expect, test } from 'vitest'
import { renderRun } from '../../../src/cli/text/run-summary.ts'
import type { AccountOutcome } from '../../../src/pipeline/run-summary.ts'
import { aRun } from '../../support/run-summary.ts'

test('renderRun breaks a line of more than 80 columns between its phrases', () => {
  expect(renderRun(aRun)).toBe(
    [
      'Referrals  12,345 seen, 1,200 changed, 11,143 unchanged, 2 quarantined,',
      '           0 missing',
      'Requests   124, 3 throttled',
      'Rows       45,678 written',
      'Time       extract 2.0 s, transform and stage 0.9 s, publish 0.6 s',
    ].join('\n'),
  )
})

test('renderRun states that nothing changed when no rows were written', () => {
  expect(renderRun({ ...aRun, rows_written: 0 })).toContain('0 written: nothing changed')
})

test('renderRun has a line for each of several accounts, with the code of one that failed', () => {
  const north: AccountOutcome = {
    ...{ account: 'north', status: 'published', exit_code: 0, code: null, message: null },
    ...{ run_ids: [9], seen: 12_345, changed: 1_200, quarantined: 2, requests: 124 },
    duration_ms: 3_512,
  }
  const south: AccountOutcome = {
    ...{ account: 'south', status: 'failed', exit_code: 77, code: 'auth.denied', message: 'no' },
    ...{ run_ids: [], seen: 0, changed: 0, quarantined: 0, requests: 1 },
    duration_ms: 449,
  }
  const text = renderRun({ ...aRun, status: 'partly', accounts: [north, south] })
  expect(text.split('\n').slice(0, 4)).toEqual([
    'Account  Status                      Seen  Changed  Quarantined  Time',
    'north    published                 12,345    1,200            2  3.5 s',
    'south    failed: auth.denied (77)       0        0            0  0.4 s',
    '',
  ])
  expect(text.split('\n').slice(4).join('\n')).toBe(renderRun(aRun))
  expect(renderRun({ ...aRun, accounts: [north] })).toBe(renderRun(aRun))
})
