import { sql } from 'kysely'
import type { Cell, CellKind, Column, Fact, Part, ReferralAnswer } from '../answers.ts'
import { BadRequest, only, referralAddress } from '../choice.ts'
import { NotFound } from '../http/failures.ts'
import type { Query } from '../rows/filters.ts'
import { rateOfContracts, rateOfDeals } from './figures.ts'
import { readLife } from './life.ts'

export const referralParameters: readonly string[] = ['account_key', 'referral_key']

/** A referral that the reader may see. */
export interface Found {
  readonly partner_account_key: number
  readonly account: string
  readonly referral_key: number
  readonly referral_id: string
}

/** @throws BadRequest for parameters that are no keys, NotFound when the reader sees no such referral. */
export async function findByKey(query: Query, parameters: URLSearchParams): Promise<Found> {
  const key = (name: string) => {
    const text = only(parameters, name) ?? ''
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new BadRequest(`${name}: expected a whole number.`)
  }
  const { rows } = await sql<Found>`
    select referral.partner_account_key, account.account_code as account, referral.referral_key,
      referral.referral_id
    from dw.dim_referral referral
    join dw.dim_partner_account account
      on account.partner_account_key = referral.partner_account_key
    where referral.referral_key = ${key('referral_key')}
      and referral.partner_account_key = ${key('account_key')}`.execute(query)
  const [found] = rows
  if (found === undefined) throw new NotFound('There is no such referral.')
  return found
}

type Row = Readonly<Record<string, Cell>>
/** Columns with their labels and kinds; an amount names the column of its currency. */
type Shown = Readonly<Record<string, readonly [label: string, kind: CellKind, currency?: string]>>

/** What the page of a referral says of it, from mart.referral. */
const referralShown: Shown = {
  account_code: ['Account', 'text'],
  referral_id: ['Referral', 'text'],
  deal_id: ['Deal', 'text'],
  engagement_id: ['Engagement', 'text'],
  microsoft_msx_id: ["Microsoft's opportunity", 'text'],
  external_reference_id: ['Own reference', 'text'],
  referral_status: ['Status', 'text'],
  referral_substatus: ['Substatus', 'text'],
  stage_label: ['Stage', 'text'],
  sales_stage: ['Sales stage', 'text'],
  status_reason: ['Reason', 'text'],
  referral_category: ['Category', 'text'],
  deal_type: ['Deal type', 'text'],
  direction: ['Direction', 'text'],
  registration_status: ['Registration', 'text'],
  solution_area: ['Solution area', 'text'],
  solution_play: ['Solution play', 'text'],
  customer_name: ['Customer', 'text'],
  city: ['City', 'text'],
  country_code: ['Country', 'text'],
  deal_value_amount: ['Deal value', 'amount', 'currency_code'],
  deal_value_reporting_amount: ['In reporting currency', 'amount'],
  is_deal_primary: ['Counts for its deal', 'flag'],
  is_missing: ['Missing at the source', 'flag'],
  created_date: ['Created', 'day'],
  accepted_date: ['Accepted', 'day'],
  expected_close_date: ['Expected close', 'day'],
  expiration_date: ['Expires', 'day'],
  closed_date: ['Closed', 'day'],
  last_changed_date: ['Last change', 'day'],
  days_since_change: ['Days since', 'number'],
  age_days: ['Age in days', 'number'],
}

const registrationShown: Shown = {
  registration_id: ['Registration', 'text'],
  registration_type: ['Type', 'text'],
  registration_status: ['Status', 'text'],
  status_reason: ['Reason', 'text'],
  contract_term: ['Term', 'text'],
  contract_sign_date: ['Signed', 'day'],
  contract_start_date: ['Starts', 'day'],
  contract_end_date: ['Ends', 'day'],
  term_months: ['Months', 'number'],
  acv_status: ['ACV status', 'text'],
  contract_value_amount: ['Contract value', 'amount', 'currency_code'],
  contract_acv_amount: ['Annual contract value', 'amount', 'currency_code'],
  contract_acv_reporting_amount: ['ACV in reporting currency', 'amount'],
  registered_date: ['Registered', 'day'],
  approved_date: ['Approved', 'day'],
  approval_lead_days: ['Days to approval', 'number'],
}

const lineShown: Shown = {
  line_no: ['Line', 'number'],
  solution_name: ['Solution', 'text'],
  publisher_name: ['Publisher', 'text'],
  pricing_model: ['Pricing', 'text'],
  solution_value_amount: ['Value', 'amount', 'currency_code'],
  solution_acv_amount: ['ACV', 'amount', 'currency_code'],
  currency_code: ['Currency', 'text'],
  allocated_contract_acv_amount: ['Share of contract ACV', 'amount', 'contract_currency_code'],
  contract_currency_code: ['Contract currency', 'text'],
  is_incentive_eligible: ['Incentive', 'flag'],
  is_marketplace_transacted: ['Marketplace', 'flag'],
}

const yearShown: Shown = {
  line_no: ['Line', 'number'],
  contract_year_no: ['Year', 'number'],
  period_start_date: ['From', 'day'],
  period_end_date: ['To', 'day'],
  period_months: ['Months', 'number'],
  scheduled_solution_amount: ['Line', 'amount', 'currency_code'],
  currency_code: ['Currency', 'text'],
  scheduled_contract_amount: ['Contract', 'amount', 'contract_currency_code'],
  contract_currency_code: ['Contract currency', 'text'],
}

const reviewShown: Shown = {
  review_stage: ['Stage', 'text'],
  entered_date: ['From', 'day'],
  left_date: ['To', 'day'],
  days_in_stage: ['Days', 'number'],
  waits_for: ['Waits for', 'text'],
}

const engagementShown: Shown = {
  referral_id: ['Referral', 'text'],
  direction: ['Direction', 'text'],
  organization_name: ['Organization', 'text'],
  stage_label: ['Stage', 'text'],
  deal_value_amount: ['Deal value', 'amount', 'currency_code'],
  currency_code: ['Currency', 'text'],
  expected_close_date: ['Expected close', 'day'],
  closed_date: ['Closed', 'day'],
  is_deal_primary: ['Counts for its deal', 'flag'],
}

const requestedShown: Shown = {
  line_no: ['Line', 'number'],
  solution_name: ['Solution', 'text'],
  publisher_name: ['Publisher', 'text'],
  quantity: ['Quantity', 'number'],
  line_amount: ['Value', 'amount', 'currency_code'],
  currency_code: ['Currency', 'text'],
}

const findingShown: Shown = {
  severity: ['Severity', 'text'],
  rule_code: ['Rule', 'text'],
  item_ref: ['Item', 'text'],
  detail: ['What was found', 'text'],
  observed_value: ['Value found', 'text'],
  first_seen_at: ['First seen', 'instant'],
}

/** Reads all that the page of a referral shows, but for its explanation. */
export async function readReferral(query: Query, found: Found): Promise<ReferralAnswer> {
  const of = ofReferral(query, found)
  const [referral] = await of('mart.referral', [])
  if (referral === undefined) throw new NotFound('There is no such referral.')
  const registrations = await of('mart.registration', ['registration_no'])
  const lines = await of('mart.acv_line', ['line_no'])
  const years = await of('mart.acv_schedule', ['line_no', 'contract_year_no'])
  const reviews = await of('mart.registration_review', ['visit_no'])
  return {
    account: found.account,
    account_key: found.partner_account_key,
    referral_key: found.referral_key,
    referral_id: found.referral_id,
    name: textOf(referral.referral_name),
    stage_label: textOf(referral.stage_label) ?? '',
    is_missing: referral.is_missing === true,
    facts: factsOf(referralShown, referral),
    notes: [`All is as it is today. ${rateOfDeals} ${rateOfContracts}`],
    life: await readLife(query, found),
    engagement: partOf(engagementShown, await readEngagement(query, found, referral), true),
    registrations: registrations.map((registration) => {
      const own = (rows: readonly Row[]) =>
        rows.filter((row) => row.registration_no === registration.registration_no)
      return {
        facts: factsOf(registrationShown, registration),
        lines: partOf(lineShown, own(lines)),
        schedule: partOf(yearShown, own(years)),
        reviews: partOf(reviewShown, own(reviews)),
      }
    }),
    requested: partOf(requestedShown, await of('mart.requested_solution', ['line_no'])),
    findings: partOf(findingShown, await of('mart.data_quality', ['rule_code', 'item_ref'])),
  }
}

/** Reads the rows of a mart about one referral. */
function ofReferral(query: Query, { partner_account_key, referral_key }: Found) {
  return async (mart: string, order: readonly string[]): Promise<Row[]> => {
    const ordered =
      order.length === 0 ? sql`` : sql`order by ${sql.join(order.map((name) => sql.ref(name)))}`
    const { rows } = await sql<Row>`
      select *
      from ${sql.table(mart)}
      where referral_key = ${referral_key}
        and partner_account_key = ${partner_account_key}
      ${ordered}`.execute(query)
    return rows
  }
}

async function readEngagement(query: Query, found: Found, referral: Row): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select *
    from mart.referral
    where engagement_id = ${textOf(referral.engagement_id)}
      and partner_account_key = ${found.partner_account_key}
      and deal_id = ${textOf(referral.deal_id)}
      and referral_key <> ${found.referral_key}
    order by referral_key`.execute(query)
  return rows
}

function textOf(cell: Cell | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell)
}

/** A column that a mart no longer has would be shown as missing for ever. */
function cellOf(row: Row, name: string): Cell {
  const cell = row[name]
  if (cell === undefined) throw new Error(`expected column ${name}, got none`)
  return cell
}

function factsOf(shown: Shown, row: Row): Fact[] {
  return Object.entries(shown).map(([name, [label, kind, currency]]) => {
    const currency_code = currency === undefined ? null : textOf(row[currency])
    return { name, label, kind, value: cellOf(row, name), currency_code }
  })
}

function partOf(shown: Shown, rows: readonly Row[], leadsOn = false): Part {
  const columns = Object.entries(shown).map(
    ([name, [label, kind, currency]]): Column => ({
      ...{ name, label, kind },
      ...(currency === undefined ? {} : { currency }),
    }),
  )
  return {
    columns,
    rows: rows.map((row) => ({
      referral: leadsOn ? referralAddress(row) : null,
      cells: columns.map(({ name }) => cellOf(row, name)),
    })),
  }
}
