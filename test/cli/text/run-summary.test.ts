import { expect, test } from 'vitest'
import { renderRun } from '../../../src/cli/text/run-summary.ts'
import type { RunSummary } from '../../../src/pipeline/run-summary.ts'

const aRun: RunSummary = {
  status: 'published',
  run_ids: [9],
  seen: 12_345,
  changed: 1_200,
  unchanged: 11_143,
  quarantined: 2,
  missing: 0,
  requests: 124,
  throttled: 3,
  rows_written: 45_678,
  duration_ms: 3_500,
  stages: { extract_ms: 2_000, transform_ms: 900, publish_ms: 600 },
  reconciliation: {
    fetched: 12_345,
    inserted: 200,
    updated: 1_000,
    unchanged: 11_143,
    superseded: 0,
    quarantined: 2,
    rows_read: 12_345,
    duplicates: 0,
    carried_over: 0,
  },
}

test('renderRun shows a run in four lines', () => {
  expect(renderRun(aRun)).toBe(
    [
      'Referrals  12,345 seen, 1,200 changed, 11,143 unchanged, 2 quarantined, 0 missing',
      'Requests   124, 3 throttled',
      'Rows       45,678 written',
      'Time       extract 2.0 s, transform and stage 0.9 s, publish 0.6 s',
    ].join('\n'),
  )
})

test('renderRun states that nothing changed when no rows were written', () => {
  expect(renderRun({ ...aRun, rows_written: 0 })).toContain('0 written: nothing changed')
})
