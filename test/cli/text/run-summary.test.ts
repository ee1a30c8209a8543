import { expect, test } from 'vitest'
import { renderRun } from '../../../src/cli/text/run-summary.ts'
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
