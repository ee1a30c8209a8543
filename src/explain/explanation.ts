// What `cosell explain` answers: one plain object, which text, JSON, the page and the MCP tool share.
// Amounts are exact decimal text, days ISO text, instants ISO text in UTC. It holds no people and no
// free text, but for `people`.

/** How the amounts of a referral came about, recomputed from what was landed. */
export interface Explanation {
  readonly account: string
  readonly referral_id: string
  readonly referral_key: number
  /** As `Closed / Won`. */
  readonly status: string
  readonly reporting_currency: string
  /** Sentences on what the reader must know first, such as a newest version in quarantine. */
  readonly notes: readonly string[]
  /** What is landed of the referral, in the order of landing. */
  readonly versions: readonly VersionShown[]
  /** Received values that the amounts follow from, and the version that each comes from. */
  readonly values: readonly ValueShown[]
  readonly deal: DealExplained
  readonly registrations: readonly RegistrationExplained[]
  readonly findings: readonly FindingShown[]
  readonly comparison: Comparison
  /** Present where people were asked for. */
  readonly people?: PeopleShown
}

export interface VersionShown {
  readonly version_no: number
  /** Such as `referral of the API` or `row of a file`. */
  readonly kind: string
  /** When cosell first saw it. */
  readonly seen_at: string
  /** Time of the update by the source; null where it says none. */
  readonly source_updated_at: string | null
  readonly run_id: number
  /** Where it came from: request of the page, or file and line. */
  readonly source_ref: string
  /** `newest`, `earlier`, `not published yet`, `in quarantine`, or `sighting` of one without values. */
  readonly role: string
}

export interface ValueShown {
  /** Path in the payload, with registration_no and line_no as in the star and in findings. */
  readonly path: string
  /** As received, cut at 120 characters; null for none, and where it is not shown. */
  readonly received: string | null
  /** Why a value is not shown, such as `text in place of an amount`; null for one that is. */
  readonly not_shown: string | null
  /** Version that first showed the present value; null where no version has one. */
  readonly since: Pick<VersionShown, 'version_no' | 'kind' | 'seen_at' | 'run_id'> | null
}

/** One amount, and how it follows from others. */
export interface AmountExplained {
  /** Table and column, such as `dw.fact_registration.contract_acv_amount`. */
  readonly column: string
  readonly label: string
  readonly amount: string | null
  /** Such as `90000 × 12 ÷ 36`; null for an amount as received, and where there is none. */
  readonly formula: string | null
  /** Result of the formula before rounding, with ten decimals; ends with `…` when it has more. */
  readonly unrounded: string | null
  /** Smallest step of the result, such as `0.01`; null where nothing is rounded. */
  readonly rounded_to: string | null
  /** A sentence. */
  readonly why: string
}

export interface DealExplained {
  readonly currency_code: string
  readonly value: AmountExplained
  readonly conversion: ConversionExplained
}

/** Amounts of one currency and day, in the reporting currency. */
export interface ConversionExplained {
  readonly currency_code: string
  /** Day of the rate; null where the amounts have none. */
  readonly day: string | null
  /** Which day that is, and why; or why there is no rate. */
  readonly why: string
  readonly rate: RateShown | null
  readonly amounts: readonly ConvertedAmount[]
}

export interface RateShown {
  /** So many units of the reporting currency were worth `currency_units`. */
  readonly reporting_units: string
  readonly currency_units: string
  /** Quotient with ten decimals, to read. */
  readonly rate_to_reporting: string
  /** Day of the quote, which is carried to later days without one. */
  readonly observed_date: string
  readonly source: string
}

export interface ConvertedAmount {
  /** Mart and column, such as `mart.registration.contract_acv_reporting_amount`. */
  readonly column: string
  readonly label: string
  readonly amount: string | null
  /** Null where nothing is converted, and in the reporting currency itself. */
  readonly formula: string | null
  readonly reporting_amount: string | null
}

export interface RegistrationExplained {
  readonly registration_no: number
  readonly registration_id: string | null
  readonly registration_type: string
  readonly registration_status: string
  readonly currency_code: string
  /** Decimals of the currency. */
  readonly minor_unit: number
  readonly contract_term: string
  readonly sign_date: string | null
  readonly start_date: string | null
  readonly end_date: string | null
  readonly registered_date: string | null
  readonly period: PeriodExplained
  readonly amounts: readonly AmountExplained[]
  readonly conversion: ConversionExplained
  /** How the amounts of the contract are shared among the lines. */
  readonly allocation: string
  readonly lines: readonly LineExplained[]
}

export interface PeriodExplained {
  readonly acv_status: string
  /** The rule that decided the status. */
  readonly why: string
  readonly is_perpetual: boolean
  readonly start_date: string | null
  /** First day after the contract. */
  readonly end_exclusive_date: string | null
  /** Which day ends the contract, and why; null without a period. */
  readonly end_why: string | null
  /** Such as `36` or `35 + 12/31`: whole months, and the share of the one begun. */
  readonly months: string | null
  /** The exact number as one fraction, such as `1097/31`. */
  readonly months_fraction: string | null
  /** With four decimals, as stored. */
  readonly term_months: string | null
}

export interface LineExplained {
  readonly line_no: number
  readonly solution_id: string
  readonly currency_code: string
  /** Share of the contract's amounts, such as `81000 of 90000`; null for the only line. */
  readonly weight: string | null
  readonly amounts: readonly AmountExplained[]
  /** Of the amounts in the currency of the line. */
  readonly conversion: ConversionExplained
  readonly schedule: readonly ScheduleRow[]
}

/** One contract year of a line. Running totals are rounded, so that the years add up exactly. */
export interface ScheduleRow {
  readonly contract_year_no: number
  readonly period_start_date: string | null
  readonly period_end_date: string | null
  readonly period_months: string | null
  /** Months from the start of the contract to the end of the year, of all, such as `24 of 36`. */
  readonly share: string | null
  readonly scheduled_solution_amount: string | null
  readonly solution_running_amount: string | null
  readonly scheduled_contract_amount: string | null
  readonly contract_running_amount: string | null
}

export interface FindingShown {
  readonly rule_code: string
  readonly severity: string
  /** What the rule means. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
  readonly item_ref: string
  readonly detail: string | null
  /** Null also where it is what people typed. */
  readonly observed_value: string | null
}

/** The rows of the star beside the recomputed ones. */
export interface Comparison {
  /** Rows and values that were compared. */
  readonly rows: number
  readonly values: number
  readonly differences: readonly Difference[]
}

export interface Difference {
  /** Table of the star, or mart. */
  readonly table: string
  /** Key of the row within the referral, such as `registration_no 1, line_no 2`; may be empty. */
  readonly row: string
  /** Column; null where the whole row is missing or should not be there. */
  readonly column: string | null
  /** As recomputed; null for none. */
  readonly expected: string | null
  readonly warehouse: string | null
  /** A sentence. */
  readonly text: string
}

export interface PeopleShown {
  readonly contacts: readonly Readonly<Record<string, string | null>>[]
  readonly texts: Readonly<Record<string, string | null>>
}
