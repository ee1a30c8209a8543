import { minorUnitOf, type Version } from '../context.ts'
import { annualContractValue, annualizedValue } from '../contract/acv.ts'
import { allocate, equalWeights } from '../contract/allocate.ts'
import { type SchedulePart, scheduleParts, spread } from '../contract/schedule.ts'
import { canonicalEnumValue } from '../enum-values.ts'
import { notProvided, type Staged, type StagedRows } from '../staged-rows.ts'
import { calendarDate } from '../values/dates.ts'
import { amountText, formatMoney, type Money } from '../values/money.ts'
import type { TagCollector } from './dim-tag.ts'
import { noSolution, priceOf, type Solutions } from './fact-referral-solution.ts'
import type { Line, Registration } from './fact-registration.ts'

// Fills dw.fact_registration_solution, dw.fact_acv_schedule and dw.bridge_line_incentive.

const listSeparator = ' | '

/** Adds the solutions and tags of a registration's lines. */
export function collectLineSolutions(
  version: Version,
  registration: Registration,
  solutions: Solutions,
  tags: TagCollector,
): void {
  const { context, findings, updatedAt } = version
  for (const { no, source, solutionId } of registration.lines) {
    const path = `registrations[${registration.no}].solutionDetails[${no}].type`
    const matchType = canonicalEnumValue(context.enums, findings, 'SolutionType', source.type, path)
    solutions.add('Solution', solutionId, source, matchType, updatedAt)
    for (const incentive of source.incentives)
      tags.add(version, 'Incentive', 'Incentive', incentive)
  }
  if (registration.lines.length === 0) {
    solutions.add('Solution', noSolution, emptyLine, notProvided, updatedAt)
  }
}

const emptyLine: Line['source'] = {
  id: null,
  name: null,
  type: null,
  solutionType: null,
  price: null,
  currency: null,
  quantity: null,
  publisherName: null,
  value: null,
  incentives: [],
  isDeployedOnAzure: null,
  primaryDeploymentOn: null,
  pricingModel: null,
  marketplaceTransactionDetails: null,
}

/**
 * Adds the lines of a registration (`fact_registration_solution`), their contract years
 * (`fact_acv_schedule`) and their incentives (`bridge_line_incentive`).
 */
export function addLineRows(version: Version, registration: Registration, rows: StagedRows): void {
  const { value, acv, minorUnit, period } = registration
  const lines = writtenLines(registration)
  const weights = lineWeights(registration)
  const values = value === null ? null : allocate(value, weights, minorUnit)
  const acvs = acv === null ? null : allocate(acv, weights, minorUnit)
  const parts = scheduleParts(period)
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]
    if (line === undefined) continue
    const allocated = values?.[index] ?? null
    const row = lineRow(version, registration, line, allocated, acvs?.[index] ?? null)
    rows['stg.fact_registration_solution'].push(row)
    addSchedule(version, registration, line, { row, allocated, parts }, rows)
    addIncentives(row, incentivesOf(line), rows)
  }
}

/** Lines of a registration, or one of number 0: a contract must not drop out of reports by line. */
function writtenLines({ lines, currency }: Registration): readonly Line[] {
  if (lines.length > 0) return lines
  return [{ no: 0, source: emptyLine, solutionId: noSolution, currency, value: null }]
}

/** Weights by which the lines that are written share the amounts of their contract. */
export function lineWeights(registration: Registration): bigint[] {
  const lines = writtenLines(registration)
  return registration.hasForeignLine ? lines.map(() => 1n) : lines.map((line) => line.value ?? 0n)
}

function lineRow(
  { accountKey, referralNo, context, findings }: Version,
  registration: Registration,
  line: Line,
  allocatedValue: Money | null,
  allocatedAcv: Money | null,
): Staged<'stg.fact_registration_solution'> {
  const { source, currency, value } = line
  const { period } = registration
  const path = `registrations[${registration.no}].solutionDetails[${line.no}]`
  const minorUnit = minorUnitOf(context, currency)
  const marketplace = source.marketplaceTransactionDetails
  const transactedAt = marketplace?.marketplaceTransactionDateTime ?? null
  const incentives = incentivesOf(line)
  const pricingModel = canonicalEnumValue(
    context.enums,
    findings,
    'PricingModel',
    source.pricingModel,
    `${path}.pricingModel`,
  )
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    registration_no: registration.no,
    line_no: line.no,
    item_kind: 'Solution',
    solution_id: line.solutionId,
    currency_code: currency,
    contract_currency_code: registration.currency,
    contract_sign_date: registration.signDate,
    contract_start_date: registration.startDate,
    registered_date: registration.registeredDate,
    price_text: source.price,
    price_amount: amountText(priceOf(source.price)),
    quantity: amountText(source.quantity),
    solution_value_amount: amountText(value),
    solution_acv_amount: amountText(
      value === null ? null : annualContractValue(value, period, minorUnit),
    ),
    solution_annualized_amount: amountText(
      value === null ? null : annualizedValue(value, period, minorUnit),
    ),
    allocated_contract_value_amount: amountText(allocatedValue),
    allocated_contract_acv_amount: amountText(allocatedAcv),
    is_deployed_on_azure: source.isDeployedOnAzure,
    primary_deployment_on: canonicalEnumValue(
      context.enums,
      findings,
      'PrimaryDeploymentOn',
      source.primaryDeploymentOn,
      `${path}.primaryDeploymentOn`,
    ),
    pricing_model: pricingModel,
    is_pay_as_you_go: pricingModel === 'PayAsYouGo',
    is_marketplace_transacted: marketplace?.isMarketplaceTransacted ?? null,
    marketplace_transaction_date:
      transactedAt === null ? null : calendarDate(transactedAt, context.calendarDateRule),
    incentive_count: incentives.length,
    is_incentive_eligible: incentives.length > 0,
    incentives: incentives.join(listSeparator),
  }
}

function incentivesOf({ source }: Line): readonly string[] {
  return source.incentives.length < 2 ? source.incentives : [...new Set(source.incentives)].sort()
}

interface Schedule {
  row: Staged<'stg.fact_registration_solution'>
  allocated: Money | null
  parts: readonly SchedulePart[]
}

/** One row a contract year; none when neither the line nor the contract has a value. */
function addSchedule(
  { context }: Version,
  { period, minorUnit }: Registration,
  line: Line,
  { row, allocated, parts }: Schedule,
  rows: StagedRows,
): void {
  if (line.value === null && allocated === null) return
  const lineMinorUnit = minorUnitOf(context, line.currency)
  const own = line.value === null ? null : spread(line.value, parts, period, lineMinorUnit)
  const shares = allocated === null ? null : spread(allocated, parts, period, minorUnit)
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]
    if (part === undefined) continue
    rows['stg.fact_acv_schedule'].push({
      partner_account_key: row.partner_account_key,
      referral_no: row.referral_no,
      registration_no: row.registration_no,
      line_no: row.line_no,
      contract_year_no: part.contractYear,
      item_kind: row.item_kind,
      solution_id: row.solution_id,
      currency_code: row.currency_code,
      contract_currency_code: row.contract_currency_code,
      period_start_date: part.start,
      period_end_date: part.end,
      period_months: part.months,
      scheduled_solution_amount: own === null ? null : formatMoney(own[index] ?? 0n),
      scheduled_contract_amount: shares === null ? null : formatMoney(shares[index] ?? 0n),
      is_incentive_eligible: row.is_incentive_eligible,
      is_marketplace_transacted: row.is_marketplace_transacted,
    })
  }
}

function addIncentives(
  row: Staged<'stg.fact_registration_solution'>,
  incentives: readonly string[],
  rows: StagedRows,
): void {
  if (incentives.length === 0) return
  const weights = equalWeights(incentives.length)
  for (let index = 0; index < incentives.length; index++) {
    rows['stg.bridge_line_incentive'].push({
      partner_account_key: row.partner_account_key,
      referral_no: row.referral_no,
      registration_no: row.registration_no,
      line_no: row.line_no,
      tag_group: 'Incentive',
      tag_type: 'Incentive',
      tag_id: incentives[index] ?? '',
      weight: weights[index] ?? '0',
    })
  }
}
