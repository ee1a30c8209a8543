import { describe, expect, test } from 'vitest'
import {
  type AccountFigures,
  type RunFigures,
  renderAcv,
  renderRun,
  renderStatus,
  renderTables,
} from '../../../src/cli/text/run-summary.ts'

const aRun: RunFigures = {
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
}

const anAccount: AccountFigures = {
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
  runs: [
    {
      run_id: 9,
      run_mode: 'incremental',
      run_status: 'published',
      started_at: '2026-07-01T01:59:00.123456Z',
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
      referral_seen_count: 0,
      referral_changed_count: 0,
      referral_quarantined_count: 0,
      error_message: 'Nobody answered.',
    },
  ],
}

/** Lines as written, without the indent of this file. */
function text(lines: TemplateStringsArray): string {
  return lines
    .join('')
    .replace(/^\n|\n *$/g, '')
    .replace(/^ {4}/gm, '')
}

test('a run is told in four lines', () => {
  expect(renderRun(aRun)).toBe(text`
    Referrals  12,345 seen, 1,200 changed, 11,143 unchanged, 2 quarantined, 0 missing
    Requests   124, 3 throttled
    Rows       45,678 written
    Time       extract 2.0 s, transform and stage 0.9 s, publish 0.6 s
  `)
})

test('a run that wrote nothing says that nothing changed', () => {
  expect(renderRun({ ...aRun, rows_written: 0 })).toContain('0 written: nothing changed')
})

test('tables are a grid: names to the left, numbers to the right', () => {
  const tables = [
    { table: 'dw.dim_customer', rows: 1_234_567 },
    { table: 'dw.fx_rate', rows: 0 },
  ]
  expect(renderTables(tables)).toBe(text`
    Table                 Rows
    dw.dim_customer  1,234,567
    dw.fx_rate               0
  `)
})

describe('contract ACV', () => {
  const acv = [
    { fiscal_year_label: 'FY26', currency_code: 'USD', contract_acv_amount: '1234567.8900' },
    { fiscal_year_label: 'FY25', currency_code: 'EUR', contract_acv_amount: '10.9999' },
    { fiscal_year_label: 'FY25', currency_code: 'USD', contract_acv_amount: '-500.5000' },
  ]

  test('has a line a fiscal year and a column a currency, and no sum over currencies', () => {
    expect(renderAcv(acv)).toBe(text`
    Contract ACV  EUR        USD
    FY25           10       -500
    FY26            -  1,234,567
  `)
  })

  test('is exact where a double is not', () => {
    const amount = '900719925474099.9999'
    const [, line] = renderAcv([
      { fiscal_year_label: 'FY26', currency_code: 'USD', contract_acv_amount: amount },
    ]).split('\n')
    expect(line).toBe('FY26          900,719,925,474,099')
  })

  test('that nobody has is a heading alone', () => {
    expect(renderAcv([])).toBe('Contract ACV')
  })
})

describe('the status', () => {
  test('of an empty warehouse says so', () => {
    expect(renderStatus([])).toContain('empty')
  })

  test('of an account has its age, what is open, its runs and why one failed', () => {
    expect(renderStatus([anAccount])).toBe(text`
    Account      north
    Published    3.5 hours ago, up to 2026-06-30T05:00:00Z
    Referrals    12,345
    Open         7 findings, 1,000 in quarantine
    Sign-in      of 2026-01-31, renewed 0 days ago

    Run  Mode         Status     Started               Seen  Changed  Quarantined
      9  incremental  published  2026-07-01T01:59:00  1,500       12            0
      8  full         failed     2026-06-30T01:59:00      0        0            0

    Run 8 failed: Nobody answered.
  `)
  })

  test('of an account that was never published says never', () => {
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

  test('warns of a sign-in that may die', () => {
    const sign_in_warning = 'Let the nightly job run.'
    const old = { ...anAccount, signed_in_at: null, sign_in_idle_days: 1, sign_in_warning }
    expect(renderStatus([old])).toContain(
      '\nSign-in      renewed 1 day ago\nWarning      Let the nightly job run.\n',
    )
  })

  test('of an account without a stored sign-in says so', () => {
    const unknown = { ...anAccount, signed_in_at: null, sign_in_renewed_at: null }
    expect(renderStatus([{ ...unknown, sign_in_idle_days: null }])).toContain(
      '\nSign-in      of unknown age\n\n',
    )
  })

  test('of several accounts is one block each', () => {
    const south = { ...anAccount, account: 'south' }
    expect(renderStatus([anAccount, south]).split('\n\nAccount')).toHaveLength(2)
  })
})
