// Figures that the queries read and the page shows. Amounts are decimal text as PostgreSQL returns
// it, because a JavaScript number cannot hold them exactly.

/** Amounts of one group in one currency. */
export interface CurrencyAmount {
  readonly currency_code: string
  /** Decimals of the currency. */
  readonly minor_unit: number
  readonly count: number
  readonly amount: string
}

/** Amounts of one group, added up as far as rates allow. */
export interface Amounts {
  /** Sum in the reporting currency of the amounts with a rate; null when no amount has one. */
  readonly converted: string | null
  /** Amounts without a rate, not included in `converted`. */
  readonly unconverted: readonly CurrencyAmount[]
  /** All amounts in their own currencies. */
  readonly by_currency: readonly CurrencyAmount[]
}

/** Items under one label: their number and amounts. */
export interface Group {
  readonly label: string
  readonly count: number
  readonly amounts: Amounts
}

/** Group at one point in time. */
export interface PeriodGroup extends Group {
  readonly period: string
}

/** Largest groups in descending order, and the number of all groups. */
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

/** What happened from the end of one day to the business day. */
export interface Since {
  readonly day: string
  readonly won: Group
  readonly decided_count: number
  readonly signed: Group
  /** Contracts in force at the end of `day`. */
  readonly in_force: Group
  /** Open referrals within the days of `Expiring` that were not, or not open, at the end of `day`. */
  readonly due: Group
  /**
   * All movements of the open pipeline by name, Opening first and Closing last, also of no deal;
   * none where the pipeline was empty on both days.
   */
  readonly movement: readonly Group[]
}

export interface Headline {
  /** Fiscal year of `ReportData.day`. */
  readonly fiscal_year_label: string
  readonly open: Group
  /** Deals won in the year up to that day; the next three cover the same year. */
  readonly won: Group
  readonly signed: Group
  readonly won_count: number
  readonly decided_count: number
  /** Contracts in force on that day. */
  readonly in_force: Group
  /** Since the last week end and the last month end before that day. */
  readonly since: readonly Since[]
}

export interface FunnelStep {
  readonly label: string
  readonly count: number
  /** Median days since creation; null for the first step and when unknown. */
  readonly median_days: number | null
}

export interface RegistrationGroup extends Group {
  readonly median_lead_days: number | null
  /** 90th percentile of the days from registration to the approval that holds. */
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
  readonly minor_unit: number
}

export interface Expiring {
  readonly days: number
  readonly group: Group
  /** Number of open referrals past their day of expiry. */
  readonly overdue_count: number
  /** Next referrals to expire, soonest first. */
  readonly referrals: readonly ExpiringReferral[]
  /** Open referrals whose day of expiry passed, latest first; `days_left` is below zero. */
  readonly overdue: readonly ExpiringReferral[]
}

export interface Funnel {
  /** First day of creation of the referrals counted. */
  readonly since: string
  readonly steps: readonly FunnelStep[]
}

/** Registrations whose annual contract value differs from Microsoft's for one reason. */
export interface AcvReason {
  readonly reason: string
  readonly registration_count: number
}

/** A way to annualize contracts, and for how many it gives Microsoft's value. */
export interface AcvConvention {
  readonly convention_name: string
  readonly registration_count: number
  readonly reproduced_count: number
  /** Those of `reproduced_count` for which some other convention does not. */
  readonly telling_count: number
  readonly is_ours: boolean
}

/** Microsoft's annual contract value, from Insights downloads, beside ours. */
export interface MicrosoftAcv {
  /** Latest day of the downloads; null when none has a day. */
  readonly as_of_date: string | null
  /** Registrations with a value of Microsoft's. */
  readonly figure_count: number
  /** Those of them with the same value in ours. */
  readonly agreeing_count: number
  readonly reasons: readonly AcvReason[]
  /** The conventions that give most values, most first. */
  readonly conventions: readonly AcvConvention[]
}

/** All figures of the report page, read in one snapshot of the warehouse. */
export interface ReportData {
  readonly made_at: string
  /** Day for which the business is reported. */
  readonly day: string
  /** Deals and registrations are shown as they stood at the end of `day`, not as they are now. */
  readonly is_as_of: boolean
  readonly reporting_currency: string
  /** Decimals of the reporting currency. */
  readonly reporting_minor_unit: number
  /** Whether amounts are added up in the reporting currency; false when no rates are loaded. */
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
  /** Null without an Insights download. */
  readonly microsoft_acv: MicrosoftAcv | null
}
