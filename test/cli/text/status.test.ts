import { expect, test } from 'vitest'
import { renderStatus } from '../../../src/cli/text/status.ts'
import { type AccountStatus, presentFailure } from '../../../src/report/queries/status.ts'

const anAccount: AccountStatus = {
  is_active: true,
  account: 'north',
  watermark: '2026-06-30T05:00:00Z',
  last_published_at: '2026-07-01T02:00:00Z',
  age_hours: 3.5,
  referrals: 12_345,
  open_findings: 7,
  open_quarantine: 1_000,
  signed_in_at: '2026-01-31T05:00:00Z',
  sign_in_renewed_at: '2026-07-01T02:00:00Z',
  sign_in_idle_days: 0,
  sign_in_warning: null,
  failed_run_id: null,
  failure_message: null,
  runs: [
    {
      run_id: 9,
      run_mode: 'incremental',
      run_status: 'published',
      started_at: '2026-07-01T01:59:00.123456Z',
      finished_at: '2026-07-01T02:00:00Z',
      referral_seen_count: 1_500,
      referral_changed_count: 12,
      referral_quarantined_count: 0,
      error_message: null,
    },
    {
      run_id: 8,
      run_mode: 'full',
      run_status: 'failed',
      started_at: '2026-06-30T01:59:00Z',
      finished_at: '2026-06-30T02:00:00Z',
      referral_seen_count: 0,
      referral_changed_count: 0,
      referral_quarantined_count: 0,
      error_message: 'The API did not answer.',
    },
  ],
}

test('renderStatus states that an empty warehouse is empty', () => {
  expect(renderStatus([])).toContain('empty')
})

test('renderStatus shows age, open problems and last runs, and no failure that is past', () => {
  expect(renderStatus([anAccount]).split('\n')).toEqual([
    'Account      north',
    'Published    3.5 hours ago, up to 2026-06-30T05:00:00Z',
    'Referrals    12,345',
    'Open         7 findings, 1,000 in quarantine',
    'Sign-in      of 2026-01-31, renewed 0 days ago',
    '',
    'Run  Mode         Status     Started            Seen  Changed  Quarantined',
    '  9  incremental  published  2026-07-01T01:59  1,500       12            0',
    '  8  full         failed     2026-06-30T01:59      0        0            0',
    '',
    '`cosell findings` lists the findings, with what each rule means.',
  ])
})

test('renderStatus shows the reason of a failure that no later run has made good', () => {
  const failing = {
    ...anAccount,
    open_findings: 0,
    failed_run_id: 8,
    failure_message: 'The API did not answer.',
  }
  expect(renderStatus([failing])).toMatch(/\n\nRun 8 failed: The API did not answer\.$/)
})

const published = { run_status: 'published', error_message: null }
const failed = { run_status: 'failed', error_message: 'no' }
test.each([
  { runs: 'no run', all: [], run: null },
  { runs: 'a failed run', all: [failed], run: 9 },
  { runs: 'a failed run after a published one', all: [failed, published], run: 9 },
  { runs: 'a published run after a failed one', all: [published, failed], run: null },
  {
    runs: 'a running run after a failed one',
    all: [{ run_status: 'running', error_message: null }, failed],
    run: 8,
  },
])('presentFailure of $runs is that of run $run', ({ all, run }) => {
  const runs = all.map((one, index) => ({ ...one, run_id: 9 - index }))
  const failure_message = run === null ? null : 'no'
  expect(presentFailure(runs)).toEqual({ failed_run_id: run, failure_message })
})

test('renderStatus shows an account without a publish as never published', () => {
  const fresh = {
    ...anAccount,
    watermark: null,
    last_published_at: null,
    age_hours: null,
    runs: [],
  }
  const status = renderStatus([fresh])
  expect(status).toContain('Published    never, up to nothing yet')
  expect(status).toMatch(/\n\nRun +Mode/)
})

test('renderStatus warns of a sign-in that is about to expire', () => {
  const sign_in_warning = 'Let the nightly job run.'
  const old = { ...anAccount, signed_in_at: null, sign_in_idle_days: 1, sign_in_warning }
  expect(renderStatus([old])).toContain(
    '\nSign-in      renewed 1 day ago\nWarning      Let the nightly job run.\n',
  )
})

test('renderStatus shows an account without a stored sign-in as of unknown age', () => {
  const unknown = { ...anAccount, signed_in_at: null, sign_in_renewed_at: null }
  expect(renderStatus([{ ...unknown, sign_in_idle_days: null }])).toContain(
    '\nSign-in      of unknown age\n\n',
  )
})

test('renderStatus separates accounts by an empty line', () => {
  const south = { ...anAccount, account: 'south' }
  expect(renderStatus([anAccount, south]).split('\n\nAccount')).toHaveLength(2)
})
