// The JSON of every route of `cosell open`, shared by its server and its page. Amounts are decimal
// text as PostgreSQL returns it, days are ISO text (2026-03-31), instants ISO text in UTC.
//
// The page is served at /TOKEN/, its files beside it, the routes below /TOKEN/data/:
//   choices                the values of every filter           Choices
//   pipeline               PipelineAnswer
//   trend                  TrendAnswer (open pipeline at month ends; asked for after `pipeline`)
//   funnel                 FunnelAnswer
//   won                    WonAnswer
//   registrations          RegistrationsAnswer
//   quality                QualityAnswer
//   list, list.csv         ListAnswer, or the whole list as a file
//   referral               ReferralAnswer
//   explain                Explanation of src/explain
// Routes are relative to the page, so that the page needs no token: fetch('data/pipeline?…').
// Any other status than 200 has the body Failure.

import type { AccountFreshness, Amounts } from '../report/report-data.ts'

export type { AccountFreshness, Amounts, CurrencyAmount } from '../report/report-data.ts'

export interface Failure {
  /** A sentence for people. */
  readonly message: string
}

/**
 * What the reader chose; in an address each value is a parameter of the same name, repeated for
 * several. An empty list leaves the filter out. Unknown parameters are refused, so the page keeps its
 * own (such as the view) to itself.
 */
export interface Choice {
  /** Codes of accounts. */
  readonly account: readonly string[]
  /** Fiscal years and quarters: `FY26`, `FY26 Q3`. */
  readonly period: readonly string[]
  readonly area: readonly string[]
  readonly play: readonly string[]
  /** ISO 3166-1 alpha-2; `` for customers without a country. */
  readonly country: readonly string[]
  readonly deal_type: readonly string[]
  /** Null: everything, converted into the reporting currency. Else what is in that currency alone. */
  readonly currency: string | null
  /** Day as of which the business is shown; today when left out. */
  readonly as_of: string
  /** Earlier day to compare with; a week before `as_of` when left out. */
  readonly compare: string
}

export interface Option {
  readonly value: string
  readonly label: string
}

/** Values of the filters. */
export interface Choices {
  readonly made_at: string
  readonly today: string
  /** First day with a referral, from which the slider begins; null in an empty warehouse. */
  readonly first_day: string | null
  readonly reporting_currency: string
  readonly reporting_minor_unit: number
  /** Whether amounts are added up in the reporting currency; false when no rates are loaded. */
  readonly is_converted: boolean
  readonly accounts: readonly Option[]
  /** Fiscal years, each followed by its quarters, latest first. */
  readonly periods: readonly Option[]
  readonly areas: readonly Option[]
  /** Plays with their area, since the same play may be in several. */
  readonly plays: readonly (Option & { readonly area: string })[]
  readonly countries: readonly Option[]
  readonly deal_types: readonly Option[]
  readonly currencies: readonly (Option & { readonly minor_unit: number })[]
  /** Choice that the server takes for parameters left out. */
  readonly preset: Choice
}

/**
 * Parameters of `list` beside those of the choice, such as `set=open&stage=Received`: the rows
 * behind a number.
 */
export type Drill = string

/** A number with its amounts, and the list behind it. */
export interface Figure {
  readonly label: string
  readonly count: number
  readonly amounts: Amounts
  readonly drill: Drill
}

/** A number without amounts, and the list behind it. */
export interface Count {
  readonly label: string
  readonly count: number
  readonly drill: Drill
}

interface Answer {
  readonly choice: Choice
  /** Sentences on what the reader must know: what the periods filter, at which rates amounts are converted. */
  readonly notes: readonly string[]
}

/** One label as of the day, and as of the day to compare with. */
export interface Compared {
  readonly label: string
  readonly now: Figure
  readonly before: Figure
}

/** One bar of the waterfall. */
export interface Movement {
  /** `opening`, `created`, `grew`, …, `closing`, as the columns of mart.pipeline_movement. */
  readonly kind: string
  readonly label: string
  /** What it does to the sum; of opening and closing the sum itself. */
  readonly figure: Figure
  /** False for moves that leave the sum as it is, such as a later close date. */
  readonly is_added: boolean
}

export interface PipelineAnswer extends Answer {
  readonly open: Compared
  readonly overdue: Compared
  /** By stage, in the order of the stages. */
  readonly stages: readonly Compared[]
  /** From opening to closing; opening + what is added = closing, exactly. */
  readonly movements: readonly Movement[]
  /** By fiscal quarter of the expected close date; overdue ones are in the past. */
  readonly close_quarters: readonly Compared[]
  readonly areas: readonly Compared[]
  readonly countries: readonly Compared[]
}

export interface TrendAnswer extends Answer {
  /** Month ends up to `as_of`, with the open pipeline of each by stage. */
  readonly month_ends: readonly { readonly day: string; readonly stages: readonly Figure[] }[]
}

export interface FunnelStep extends Figure {
  /** Median days since creation; null for the first step and when unknown. */
  readonly median_days: number | null
}

export interface FunnelAnswer extends Answer {
  /** Created, accepted, won, registered, approved. */
  readonly steps: readonly FunnelStep[]
  /** What became of the others: lost, dropped, still open. */
  readonly others: readonly Figure[]
  /** The same steps by fiscal quarter of creation, earliest first. */
  readonly cohorts: readonly { readonly label: string; readonly steps: readonly Count[] }[]
}

export interface WonAnswer extends Answer {
  /** Deals won and lost in the periods (the fiscal year of `as_of` without any), up to `as_of`. */
  readonly won: Figure
  readonly lost: Figure
  readonly won_by_quarter: readonly Figure[]
  /** Annual contract value signed in the same time. */
  readonly booked: Figure
  readonly booked_by_quarter: readonly Figure[]
  /** Contracts in force on the two days. */
  readonly in_force: Compared
  /** Contract years by the fiscal year in which they start. */
  readonly schedule: readonly Figure[]
  /** Largest solutions by annual contract value of contracts signed. */
  readonly solutions: readonly Figure[]
}

export interface RegistrationStatus extends Figure {
  readonly median_lead_days: number | null
  /** 90th percentile of the days from registration to the approval that holds. */
  readonly slow_lead_days: number | null
}

export interface RegistrationsAnswer extends Answer {
  readonly statuses: readonly RegistrationStatus[]
  /** Registrations under review by who is to act, and how many days they wait. */
  readonly waiting: readonly { readonly waits_for: string; readonly ages: readonly Figure[] }[]
  /** Open referrals by days to their day of expiry, soonest first. */
  readonly expiring: readonly Figure[]
  /** Open referrals past their day of expiry, by days since. */
  readonly overdue: readonly Figure[]
  /** Deals won, without a registration, by days since they were won. */
  readonly unregistered: readonly Figure[]
}

export interface FindingGroup extends Count {
  readonly rule_code: string
  /** `error`, `warn` or `info`. */
  readonly severity: string
  readonly meaning: string
}

export interface QualityAnswer extends Answer {
  readonly accounts: readonly AccountFreshness[]
  readonly findings: readonly FindingGroup[]
}

export type CellKind = 'text' | 'amount' | 'number' | 'day' | 'instant' | 'flag'

export interface Column {
  readonly name: string
  readonly label: string
  readonly kind: CellKind
  /** Of an amount: name of the column with its currency. Without one it is in the reporting currency. */
  readonly currency?: string
}

export type Cell = string | number | boolean | null

/**
 * One page of a list. Parameters beside the choice and the drill: `sort` (a name of `columns`), `descending=true`,
 * `search` (part of any text of the row), `page` (from 1; the last page for one beyond it).
 */
export interface ListAnswer {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly ListRow[]
  /** Rows of all pages. */
  readonly total: number
  readonly page: number
  readonly page_size: number
  readonly sort: string
  readonly is_descending: boolean
  readonly search: string
}

export interface ListRow {
  /** Parameters of `referral` and of `explain`; null for a row without a referral. */
  readonly referral: string | null
  /** Values in the order of the columns. */
  readonly cells: readonly Cell[]
}

/** A named value; the label is for people. */
export interface Fact {
  readonly name: string
  readonly label: string
  readonly kind: CellKind
  readonly value: Cell
  /** Of an amount; null for others. */
  readonly currency_code: string | null
}

export interface Change {
  /** Name of the property, as in mart.referral_change. */
  readonly property: string
  readonly label: string
  readonly before: string | null
  readonly after: string | null
  readonly kind: CellKind
  /** Of amounts; null for others. */
  readonly currency_before: string | null
  readonly currency_after: string | null
}

/** What changed at one moment of the source, and the state after it. */
export interface Night {
  /** Day of the change by the source. */
  readonly day: string
  /** When a night of cosell first saw it. */
  readonly observed_at: string
  /** Null where only solutions changed, which are no part of the state. */
  readonly version_no: number | null
  /** Taken from a later version: the time before the first load. */
  readonly is_estimated: boolean
  readonly stage_label: string
  readonly is_missing: boolean
  readonly deal_value_amount: string | null
  readonly currency_code: string
  readonly expected_close_date: string | null
  readonly changes: readonly Change[]
}

/** Rows of one kind that belong to the referral. */
export interface Part {
  readonly columns: readonly Column[]
  readonly rows: readonly ListRow[]
}

export interface ReferralAnswer {
  readonly account: string
  readonly account_key: number
  readonly referral_key: number
  readonly referral_id: string
  readonly name: string | null
  readonly stage_label: string
  readonly is_missing: boolean
  readonly facts: readonly Fact[]
  /** Sentences on what the reader must know, as of the views. */
  readonly notes: readonly string[]
  /** Latest first. */
  readonly life: readonly Night[]
  /** Other referrals of the same deal. */
  readonly engagement: Part
  readonly registrations: readonly {
    readonly facts: readonly Fact[]
    readonly lines: Part
    readonly schedule: Part
    readonly reviews: Part
  }[]
  readonly requested: Part
  readonly findings: Part
}
