import type { Measure } from './measure.ts'

const byTag = {
  kind: 'weighted',
  weight: 'weight',
  column: 'deal_value_once_amount',
  of: 'referral',
  key: 'referral_key',
  where: { is_open: true },
} as const

/** What expires, what the pipeline is about, and how far the figures can be trusted. */
export const attentionMeasures = [
  {
    name: 'Deals expiring within 14 days',
    folder: 'Expiring',
    description: 'Open deals whose day of expiry is today or one of the next 14 days.',
    question: 'How many deals expire within 14 days?',
    mart: 'expiring_referral',
    formula: { kind: 'sum', column: 'deal_count', where: { days_to_expiry: { from: 0, to: 14 } } },
    format: 'count',
    day: 'expiration_date',
  },
  {
    name: 'Value expiring within 14 days',
    folder: 'Expiring',
    description: 'Value of the open deals that expire within 14 days, in the currency in view.',
    question: 'How much value expires within 14 days?',
    mart: 'expiring_referral',
    formula: {
      kind: 'sum',
      column: 'deal_value_once_amount',
      where: { days_to_expiry: { from: 0, to: 14 } },
    },
    format: 'amount',
    day: 'expiration_date',
    currency: 'currency_code',
  },
  {
    name: 'Overdue deals',
    folder: 'Expiring',
    description: 'Deals that are still open though their day of expiry is past.',
    question: 'How many deals are open past their day of expiry?',
    mart: 'expiring_referral',
    formula: { kind: 'sum', column: 'deal_count', where: { is_overdue: true } },
    format: 'count',
    day: 'expiration_date',
  },
  {
    name: 'Open pipeline by industry',
    folder: 'By tag',
    description:
      'Open pipeline by industry: a deal with several counts in parts, and once in all. Deals ' +
      'without an industry are left out.',
    question: 'What is the open value by industry?',
    mart: 'referral_industry',
    formula: byTag,
    format: 'amount',
    day: 'expected_close_date',
    currency: 'currency_code',
  },
  {
    name: 'Open pipeline by product',
    folder: 'By tag',
    description:
      'Open pipeline by Microsoft product: a deal with several counts in parts, and once in all. ' +
      'Deals without a product are left out.',
    question: 'What is the open value by Microsoft product?',
    mart: 'referral_product',
    formula: byTag,
    format: 'amount',
    day: 'expected_close_date',
    currency: 'currency_code',
  },
  {
    name: 'Open pipeline by service',
    folder: 'By tag',
    description:
      'Open pipeline by service: a deal with several counts in parts, and once in all. Deals ' +
      'without a service are left out.',
    question: 'What is the open value by service?',
    mart: 'referral_service',
    formula: byTag,
    format: 'amount',
    day: 'expected_close_date',
    currency: 'currency_code',
  },
  {
    name: 'Findings',
    folder: 'Data quality',
    description: 'Open findings: doubts about data that was loaded.',
    question: 'How many findings are there by rule and severity?',
    mart: 'data_quality',
    formula: { kind: 'rows' },
    format: 'count',
  },
  {
    name: 'Findings that are errors',
    folder: 'Data quality',
    description: 'Open findings of severity error.',
    question: 'How many errors are open?',
    mart: 'data_quality',
    formula: { kind: 'rows', where: { severity: 'error' } },
    format: 'count',
  },
  {
    name: 'Referrals with findings',
    folder: 'Data quality',
    description: 'Number of referrals with at least one open finding.',
    question: 'How many referrals have doubtful data?',
    mart: 'data_quality',
    formula: { kind: 'distinct', column: 'referral_key' },
    format: 'count',
  },
  {
    name: 'Data as of',
    folder: 'Data quality',
    description:
      'When readers last got a new state, of the account that waits longest among those loaded once.',
    question: 'How fresh are the figures?',
    mart: 'load_status',
    formula: { kind: 'min', column: 'published_at', where: { is_active: true } },
    format: 'moment',
  },
  {
    name: 'Hours since the last load',
    folder: 'Data quality',
    description:
      'Hours since the last new state, of the account that waits longest among those loaded once.',
    question: 'Did the last night load?',
    mart: 'load_status',
    formula: { kind: 'max', column: 'age_hours', where: { is_active: true } },
    format: 'hours',
  },
  {
    name: 'Referrals in quarantine',
    folder: 'Data quality',
    description: 'Referrals that could not be read; their last good state is shown.',
    question: 'How many referrals could not be read?',
    mart: 'load_status',
    formula: { kind: 'sum', column: 'quarantined_referral_count' },
    format: 'count',
  },
] as const satisfies readonly Measure[]
