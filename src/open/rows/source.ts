import { sql } from 'kysely'
import type { CellKind, Column } from '../answers.ts'
import { requireOneOf } from '../choice.ts'
import type { Expression } from './filters.ts'

/**
 * Rows that figures are summed over and that lists show: what a number counts and what its list holds
 * are the same rows.
 */
export interface Source {
  readonly title: string
  readonly columns: readonly Column[]
  /**
   * Query with the columns of the list, `partner_account_key`, `referral_key`, and what the conditions
   * and the figures tell apart. Those with values have `currency_code`, `amount` and `converted_amount`.
   */
  readonly rows: Expression
  /** Conditions that a drill may add, by the name of its parameter. */
  readonly conditions: Readonly<Record<string, Condition>>
  /** Column that the list is sorted by at first. */
  readonly sort: string
  readonly isDescending: boolean
  /** Columns that order rows alike. */
  readonly ties: readonly string[]
}

/** Returns the condition for a value. @throws BadRequest for one that the parameter does not take. */
export type Condition = (value: string, name: string) => Expression

/** Labels and kinds of the columns of all lists; an amount names the column of its currency. */
const known = {
  account: ['Account', 'text'],
  referral_id: ['Referral', 'text'],
  referral_name: ['Name', 'text'],
  customer_name: ['Customer', 'text'],
  country_code: ['Country', 'text'],
  stage_label: ['Stage', 'text'],
  stage_before: ['Stage before', 'text'],
  solution_area: ['Solution area', 'text'],
  solution_play: ['Solution play', 'text'],
  deal_type: ['Deal type', 'text'],
  created_date: ['Created', 'day'],
  accepted_date: ['Accepted', 'day'],
  closed_date: ['Closed', 'day'],
  expected_close_date: ['Expected close', 'day'],
  expected_close_before: ['Expected close before', 'day'],
  expiration_date: ['Expires', 'day'],
  registered_date: ['Registered', 'day'],
  approved_date: ['Approved', 'day'],
  contract_sign_date: ['Signed', 'day'],
  contract_start_date: ['Starts', 'day'],
  contract_end_date: ['Ends', 'day'],
  period_start_date: ['Year starts', 'day'],
  period_end_date: ['Year ends', 'day'],
  entered_date: ['In stage since', 'day'],
  days: ['Days', 'number'],
  registration_id: ['Registration', 'text'],
  registration_type: ['Type', 'text'],
  registration_status: ['Status', 'text'],
  acv_status: ['ACV status', 'text'],
  review_stage: ['Review stage', 'text'],
  waits_for: ['Waits for', 'text'],
  contract_term: ['Term', 'text'],
  solution_name: ['Solution', 'text'],
  publisher_name: ['Publisher', 'text'],
  line_no: ['Line', 'number'],
  contract_year_no: ['Contract year', 'number'],
  days_to_close: ['Days to close', 'number'],
  amount_before: ['Value before', 'amount', 'currency_code'],
  amount: ['Value', 'amount', 'currency_code'],
  currency_code: ['Currency', 'text'],
  converted_amount: ['In reporting currency', 'amount'],
  severity: ['Severity', 'text'],
  rule_code: ['Rule', 'text'],
  item_ref: ['Item', 'text'],
  detail: ['What was found', 'text'],
  observed_value: ['Value found', 'text'],
  first_seen_at: ['First seen', 'instant'],
  last_seen_at: ['Last seen', 'instant'],
} as const satisfies Readonly<Record<string, readonly [string, CellKind, currency?: string]>>

export type ColumnName = keyof typeof known

/** Describes columns by their names; `labels` renames some of them. */
export function columnsOf(
  names: readonly ColumnName[],
  labels: Partial<Record<ColumnName, string>> = {},
): Column[] {
  return names.map((name) => {
    const [label, kind, currency] = known[name]
    const column = { name, label: labels[name] ?? label, kind }
    return currency === undefined ? column : { ...column, currency }
  })
}

/** A range of days under a name, such as `8–30 days`. */
export interface Bucket {
  readonly label: string
  /** First day of the range; the next one begins where it ends. */
  readonly from: number
}

/** Returns the label and the position of the bucket that a number of days falls into. */
export function bucketsOf(days: Expression, buckets: readonly Bucket[]) {
  const cases = (resultOf: (bucket: Bucket, position: number) => Expression) =>
    sql.join(
      buckets
        .map((bucket, position) => ({ bucket, position }))
        .reverse()
        .map(
          ({ bucket, position }) =>
            sql`when ${days} >= ${sql.lit(bucket.from)} then ${resultOf(bucket, position)}`,
        ),
      sql` `,
    )
  return {
    label: sql`case ${cases(({ label }) => sql`${sql.lit(label)}::text`)} end`,
    position: sql`case ${cases((_, position) => sql.lit(position))} end`,
  }
}

export const waitingBuckets: readonly Bucket[] = [
  { label: '0–7 days', from: 0 },
  { label: '8–30 days', from: 8 },
  { label: '31–90 days', from: 31 },
  { label: 'over 90 days', from: 91 },
]

export const expiringBuckets: readonly Bucket[] = [
  { label: 'within 7 days', from: 0 },
  { label: '8–14 days', from: 8 },
  { label: '15–30 days', from: 15 },
  { label: '31–60 days', from: 31 },
  { label: 'later', from: 61 },
]

/** Condition that a column has a value. */
export const equals =
  (column: string): Condition =>
  (value) =>
    sql`${sql.ref(column)}::text = ${value}`
/** Condition of a parameter that is `true` or left out. */
export const isTrue =
  (condition: Expression): Condition =>
  (value, name) => {
    requireOneOf(name, value, ['true'])
    return condition
  }
/** Condition that a flag holds. */
export const holds = (column: string): Condition => isTrue(sql.ref(column))
