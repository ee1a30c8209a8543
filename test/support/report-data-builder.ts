import type { Amounts, Group, ReportData, Since } from '../../src/report/report-data.ts'

/** Returns amounts of a single item that has a rate. */
export function converted(sum: string, currency = 'USD'): Amounts {
  const one = { currency_code: currency, minor_unit: 2, count: 1, amount: sum }
  return { converted: sum, unconverted: [], by_currency: [one] }
}

export function aGroup(label: string, amounts: Amounts = converted('100.00'), count = 1): Group {
  return { label, count, amounts }
}

/** Returns what happened since a day: one deal was created, and nothing else. */
export function aSince(day: string, changes: Partial<Since> = {}): Since {
  const none = aGroup('', converted('0.00'), 0)
  return {
    day,
    won: none,
    decided_count: 0,
    signed: none,
    in_force: aGroup(''),
    due: none,
    movement: [
      aGroup('Opening', converted('1234467.89'), 6),
      aGroup('Created'),
      aGroup('Closing', converted('1234567.89'), 7),
    ],
    ...changes,
  }
}

/** Returns report data of a small, healthy warehouse, with the given parts replaced. */
export function someReportData(replaced: Partial<ReportData> = {}): ReportData {
  return {
    made_at: '2026-07-01T05:20:00.000Z',
    day: '2026-07-01',
    is_as_of: false,
    reporting_currency: 'USD',
    reporting_minor_unit: 2,
    is_converted: true,
    accounts: [
      {
        account: 'contoso',
        referral_count: 12,
        last_published_at: '2026-07-01T05:12:30.123456Z',
        age_hours: 0.1,
        open_finding_count: 3,
        quarantine_count: 1,
      },
    ],
    findings: [{ account: 'contoso', rule_code: 'zero_value', severity: 'warn', finding_count: 3 }],
    headline: {
      fiscal_year_label: 'FY27',
      open: aGroup('', converted('1234567.89'), 7),
      won: aGroup('', converted('500000.00'), 3),
      signed: aGroup(''),
      in_force: aGroup(''),
      won_count: 3,
      decided_count: 4,
      since: [aSince('2026-06-28'), aSince('2026-06-30')],
    },
    stages: [aGroup('New'), aGroup('Active', converted('1234467.89'), 6)],
    month_ends: [{ period: '2026-05-31', ...aGroup('Active') }],
    funnel: {
      since: '2024-07-01',
      steps: [
        { label: 'Created', count: 12, median_days: null },
        { label: 'Accepted', count: 9, median_days: 1.5 },
      ],
    },
    won_by_quarter: [aGroup('FY27 Q1')],
    signed_by_quarter: [aGroup('FY27 Q1')],
    schedule: [aGroup('FY27')],
    registrations: [{ ...aGroup('Approved'), median_lead_days: 2, slow_lead_days: 9.25 }],
    expiring: { days: 30, group: aGroup(''), overdue_count: 0, referrals: [], overdue: [] },
    solutions: { groups: [aGroup('Ledger')], label_count: 1 },
    countries: { groups: [aGroup('DE')], label_count: 1 },
    microsoft_acv: null,
    ...replaced,
  }
}
