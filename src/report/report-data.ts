// What is reported: the figures between the warehouse and the page. Amounts are decimal text as
// PostgreSQL gives it; no JavaScript number ever holds one. Imports nothing.

/** Amounts of one group in one currency. */
export interface CurrencyAmount {
  readonly currency_code: string
  readonly count: number
  readonly amount: string
}

/** Amounts of one group, as far as they can be added up. */
export interface Amounts {
  /** Sum in the reporting currency of those that have a rate; null when none has. */
  readonly converted: string | null
  /** Those without a rate, which `converted` leaves out. */
  readonly unconverted: readonly CurrencyAmount[]
  /** All of them, as reported. */
  readonly by_currency: readonly CurrencyAmount[]
}

/** So many items under one label, and what they are worth. */
export interface Group {
  readonly label: string
  readonly count: number
  readonly amounts: Amounts
}

/** One group at one point of a course over time. */
export interface PeriodGroup extends Group {
  readonly period: string
}

/** The largest groups, in falling order, and how many there are in all. */
export interface Ranking {
  readonly groups: readonly Group[]
  readonly label_count: number
}

export interface AccountFreshness {
  readonly account: string
  readonly referral_count: number
  readonly last_published_at: string | null
  readonly age_hours: number | null
  readonly open_finding_count: number
  readonly quarantine_count: number
}

export interface FindingCount {
  readonly account: string
  readonly rule_code: string
  readonly severity: string
  readonly finding_count: number
}

export interface Headline {
  /** Fiscal year of the day of the figures. */
  readonly fiscal_year_label: string
  readonly open: Group
  /** In the year up to that day, as the three below. */
  readonly won: Group
  readonly signed: Group
  readonly won_count: number
  readonly decided_count: number
  /** Contracts that run on that day. */
  readonly in_force: Group
}

export interface FunnelStep {
  readonly label: string
  readonly count: number
  /** Median days since creation; null for the first and where none is known. */
  readonly median_days: number | null
}

export interface RegistrationGroup extends Group {
  readonly median_lead_days: number | null
  /** Nine of ten approvals took at most so long. */
  readonly slow_lead_days: number | null
}

export interface ExpiringReferral {
  readonly account: string
  readonly referral_id: string
  readonly referral_name: string | null
  readonly stage_label: string
  readonly expiration_date: string
  readonly days_left: number
  readonly amount: string | null
  readonly currency_code: string
}

export interface Expiring {
  readonly days: number
  readonly group: Group
  /** Open referrals whose day of expiry has passed. */
  readonly overdue_count: number
  /** The next ones, soonest first. */
  readonly referrals: readonly ExpiringReferral[]
}

export interface Funnel {
  /** First day of creation that is looked at. */
  readonly since: string
  readonly steps: readonly FunnelStep[]
}

/** Everything the report page shows, read in one snapshot of the warehouse. */
export interface ReportFigures {
  readonly made_at: string
  /** Day on which the figures look at the business. */
  readonly day: string
  readonly reporting_currency: string
  /** Amounts are added up in the reporting currency; false: no rate of another one is loaded. */
  readonly is_converted: boolean
  readonly accounts: readonly AccountFreshness[]
  readonly findings: readonly FindingCount[]
  readonly headline: Headline
  readonly stages: readonly Group[]
  readonly month_ends: readonly PeriodGroup[]
  readonly funnel: Funnel
  readonly won_by_quarter: readonly Group[]
  readonly signed_by_quarter: readonly Group[]
  readonly schedule: readonly Group[]
  readonly registrations: readonly RegistrationGroup[]
  readonly expiring: Expiring
  readonly solutions: Ranking
  readonly countries: Ranking
}
