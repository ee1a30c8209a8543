import type { RunSummary } from '../../src/pipeline/run-summary.ts'

/** Summary of a published run. */
export const aRun: RunSummary = {
  status: 'published',
  run_ids: [9],
  seen: 12_345,
  changed: 1_200,
  unchanged: 11_143,
  quarantined: 2,
  missing: 0,
  requests: 124,
  throttled: 3,
  throttled_ms: 4_000,
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
    waiting: 0,
    rows_read: 12_345,
    duplicates: 0,
    carried_over: 0,
  },
}
