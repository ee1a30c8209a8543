import type { MeasureName } from '../measures/measures.ts'

/** Column of the model, as `table.column`. */
type Column = `${string}.${string}`

/** What a page shows: its figures on top, and below two rows of charts, tables and slicers. */
export interface ReportPage {
  readonly name: string
  readonly title: string
  readonly cards: readonly MeasureName[]
  readonly charts: readonly Chart[]
}

export type Chart =
  | {
      readonly kind: 'bar' | 'column' | 'line'
      readonly title: string
      readonly by: Column
      readonly values: readonly MeasureName[]
    }
  | {
      readonly kind: 'table'
      readonly title: string
      readonly by: readonly Column[]
      readonly values: readonly MeasureName[]
    }

/** Slicers on every page. */
export const slicers: readonly { readonly title: string; readonly column: Column }[] = [
  { title: 'Fiscal year', column: 'dim_date.fiscal_year_label' },
  { title: 'Account', column: 'dim_partner_account.account_name' },
]

/**
 * Pages of the report. Figures over several currencies are the converted ones; tables by currency
 * have the amounts as they were agreed.
 */
export const reportPages: readonly ReportPage[] = [
  {
    name: 'pipeline',
    title: 'Pipeline',
    cards: [
      'Open pipeline, converted',
      'Open deals',
      'Deals expiring within 14 days',
      'Overdue deals',
    ],
    charts: [
      {
        kind: 'line',
        title: 'Open pipeline over the months, in the reporting currency',
        by: 'dim_date.year_month',
        values: ['Pipeline at month end, converted'],
      },
      {
        kind: 'bar',
        title: 'Open pipeline by stage, in the reporting currency',
        by: 'referral.stage_label',
        values: ['Open pipeline, converted'],
      },
      {
        kind: 'table',
        title: 'Open pipeline by currency',
        by: ['referral.currency_code'],
        values: ['Open deals', 'Open pipeline'],
      },
      {
        kind: 'column',
        title: 'Referrals by month of creation',
        by: 'dim_date.year_month',
        values: ['Referrals created', 'Referrals won'],
      },
    ],
  },
  {
    name: 'won_and_acv',
    title: 'Won and ACV',
    cards: ['Won value, converted', 'Won deals', 'Win rate', 'Solution ACV, converted'],
    charts: [
      {
        kind: 'column',
        title: 'Won by fiscal quarter of closing, in the reporting currency',
        by: 'dim_date.fiscal_quarter_label',
        values: ['Won value, converted'],
      },
      {
        kind: 'line',
        title: 'Win rate by fiscal quarter of closing',
        by: 'dim_date.fiscal_quarter_label',
        values: ['Win rate'],
      },
      {
        kind: 'table',
        title: 'Annual contract value by currency',
        by: ['acv_line.currency_code'],
        values: ['Solution ACV', 'Approved solution ACV', 'ACV in force'],
      },
      {
        kind: 'column',
        title: 'Value due by fiscal year, in the reporting currency',
        by: 'dim_date.fiscal_year_label',
        values: ['Scheduled value, converted'],
      },
    ],
  },
  {
    name: 'registrations',
    title: 'Registrations',
    cards: [
      'Registrations',
      'Approved registrations',
      'Waiting registrations',
      'Median days to approval',
    ],
    charts: [
      {
        kind: 'column',
        title: 'Registrations by fiscal quarter',
        by: 'dim_date.fiscal_quarter_label',
        values: ['Registrations', 'Approved registrations'],
      },
      {
        kind: 'bar',
        title: 'Registrations by state',
        by: 'registration.registration_status',
        values: ['Registrations'],
      },
      {
        kind: 'table',
        title: 'Contract ACV by currency',
        by: ['registration.currency_code'],
        values: ['Registrations', 'Contract ACV'],
      },
      {
        kind: 'line',
        title: 'Median days to approval by fiscal quarter',
        by: 'dim_date.fiscal_quarter_label',
        values: ['Median days to approval'],
      },
    ],
  },
  {
    name: 'data_quality',
    title: 'Data quality',
    cards: ['Data as of', 'Findings', 'Referrals in quarantine'],
    charts: [
      {
        kind: 'bar',
        title: 'Findings by rule',
        by: 'data_quality.rule_code',
        values: ['Findings'],
      },
      {
        kind: 'table',
        title: 'Findings by severity',
        by: ['data_quality.severity'],
        values: ['Findings', 'Referrals with findings'],
      },
      {
        kind: 'table',
        title: 'Share of value converted by currency',
        by: ['referral.currency_code'],
        values: ['Deal value', 'Share of value converted'],
      },
      {
        kind: 'table',
        title: 'Last load by account',
        by: ['load_status.account_name', 'load_status.last_run_status'],
        values: ['Data as of', 'Referrals in quarantine'],
      },
    ],
  },
]
