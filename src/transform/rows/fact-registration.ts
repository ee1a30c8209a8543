import { minorUnitOf, type Version } from '../context.ts'
import {
  annualContractValue,
  annualizedValue,
  type ContractPeriod,
  contractPeriod,
  termMonths,
} from '../contract/acv.ts'
import { canonicalEnumValue } from '../enum-values.ts'
import type { ReadLine, ReadRegistration } from '../parse/properties.ts'
import { noCurrency, type Staged } from '../staged-rows.ts'
import { calendarDate, dateOf, daysBetweenInstants, utcDate, wholeDays } from '../values/dates.ts'
import { amountText, fitsMoney, type Money } from '../values/money.ts'
import { compareText } from '../values/text.ts'
import { solutionIdOf } from './fact-referral-solution.ts'
import { decisionsOf } from './registration-decisions.ts'

/** A registration with the amounts and dates that rows, history and findings share. */
export interface Registration {
  no: number
  source: ReadRegistration
  status: string
  type: string
  term: string
  currency: string
  minorUnit: number
  value: Money | null
  signDate: string | null
  startDate: string | null
  endDate: string | null
  period: ContractPeriod
  /** Annual contract value of the whole contract. */
  acv: Money | null
  registeredDate: string | null
  /** First approval of this version, whatever came later. */
  firstApprovedAt: string | null
  /** Approval that holds; null when the review took it back. */
  approvedAt: string | null
  /** Decision that holds; null while the review waits. */
  decidedAt: string | null
  lines: readonly Line[]
  /** Sum of the lines; null when none has a value or one has another currency. */
  linesValue: Money | null
  hasForeignLine: boolean
}

export interface Line {
  no: number
  source: ReadLine
  solutionId: string
  currency: string
  value: Money | null
}

/** Registrations in an order that does not depend on the API's. */
export function registrationsOf(version: Version): readonly Registration[] {
  const { registrations } = version.referral
  if (registrations.length === 0) return []
  const ordered = registrations.length < 2 ? registrations : [...registrations].sort(byId)
  return ordered.map((source, index) => registrationOf(version, source, index + 1))
}

function byId(left: ReadRegistration, right: ReadRegistration): number {
  return (
    compareText(left.id ?? '', right.id ?? '') ||
    compareText(left.registrationDateTime ?? '', right.registrationDateTime ?? '') ||
    compareText(contentOf(left), contentOf(right))
  )
}

function contentOf({ status, statusReason, type, contract, statusHistory }: ReadRegistration) {
  const parts = [status, statusReason, type, ...Object.values(contract ?? {})]
  return [...parts, ...Object.values(statusHistory ?? {})].join('\u001f')
}

function registrationOf(version: Version, source: ReadRegistration, no: number): Registration {
  const { context, findings } = version
  const { contract, statusHistory } = source
  const path = `registrations[${no}]`
  const currency = contract?.currency?.toUpperCase() ?? noCurrency
  const minorUnit = minorUnitOf(context, currency)
  const stated = contract?.term ?? null
  const term = canonicalEnumValue(
    context.enums,
    findings,
    'ContractTerm',
    stated,
    `${path}.contract.term`,
  )
  const rule = context.calendarDateRule
  const startDate = contract?.startDateTime ? calendarDate(contract.startDateTime, rule) : null
  const endDate = contract?.endDateTime ? calendarDate(contract.endDateTime, rule) : null
  const period = contractPeriod({
    term: stated === null ? null : term,
    start: startDate,
    end: endDate,
  })
  const value = contract?.value ?? null
  const status = canonicalEnumValue(
    context.enums,
    findings,
    'RegistrationStatus',
    source.status,
    `${path}.status`,
  )
  const lines = linesOf(source, currency)
  const hasForeignLine = lines.some((line) => line.currency !== currency)
  return {
    no,
    source,
    status,
    type: canonicalEnumValue(
      context.enums,
      findings,
      'RegistrationType',
      source.type,
      `${path}.type`,
    ),
    term,
    currency,
    minorUnit,
    value,
    signDate: contract?.signDateTime ? calendarDate(contract.signDateTime, rule) : null,
    startDate,
    endDate,
    period,
    acv: value === null ? null : annualContractValue(value, period, minorUnit),
    registeredDate: source.registrationDateTime ? utcDate(source.registrationDateTime) : null,
    ...decisionsOf(status, statusHistory),
    lines,
    linesValue: hasForeignLine ? null : sumOf(lines),
    hasForeignLine,
  }
}

function linesOf({ solutionDetails }: ReadRegistration, contractCurrency: string): Line[] {
  const lines = solutionDetails.map((source) => ({
    no: 0,
    source,
    solutionId: solutionIdOf(source.id, source.name),
    currency: source.currency?.toUpperCase() ?? contractCurrency,
    value: source.value,
  }))
  if (lines.length > 1) lines.sort(bySolution)
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]
    if (line !== undefined) line.no = index + 1
  }
  return lines
}

function bySolution(left: Line, right: Line): number {
  return (
    compareText(left.solutionId, right.solutionId) ||
    compareText(lineContentOf(left.source), lineContentOf(right.source))
  )
}

function lineContentOf({ marketplaceTransactionDetails, incentives, ...rest }: ReadLine): string {
  const marketplace = Object.values(marketplaceTransactionDetails ?? {})
  return [...Object.values(rest), ...marketplace, ...[...incentives].sort()].join('\u001f')
}

function sumOf(lines: readonly Line[]): Money | null {
  let sum: Money | null = null
  for (const { value } of lines) if (value !== null) sum = (sum ?? 0n) + value
  return sum !== null && fitsMoney(sum) ? sum : null
}

export function registrationRow(
  { accountKey, referralNo }: Version,
  registration: Registration,
  firstApprovedAt: string | null,
): Staged<'stg.fact_registration'> {
  const { source, period, value, minorUnit, registeredDate, signDate, linesValue } = registration
  const history = source.statusHistory
  const rate = value === null ? null : annualizedValue(value, period, minorUnit)
  const registeredAt = source.registrationDateTime
  const rest = value === null || linesValue === null ? null : value - linesValue
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    registration_no: registration.no,
    registration_id: source.id,
    registration_type: registration.type,
    registration_status: registration.status,
    is_terminal: registration.status === 'Passed' || registration.status === 'Failed',
    status_reason: source.statusReason,
    contract_term: registration.term,
    is_perpetual: period.isPerpetual,
    currency_code: registration.currency,
    contract_sign_date: signDate,
    contract_start_date: registration.startDate,
    contract_end_date: registration.endDate,
    contract_end_exclusive_date: period.endExclusive,
    term_months: period.months === null ? null : termMonths(period.months),
    acv_status: value === null ? 'missing_value' : period.status,
    contract_value_amount: amountText(value),
    contract_acv_amount: amountText(registration.acv),
    contract_annualized_amount: amountText(rate),
    solution_value_amount: amountText(linesValue),
    nonrecurring_amount: rest !== null && fitsMoney(rest) ? amountText(rest) : null,
    line_count: registration.lines.length,
    registered_at: registeredAt,
    review_pending_at: history?.reviewPendingDateTime ?? null,
    action_required_at: history?.actionRequiredDateTime ?? null,
    approved_at: history?.approvedDateTime ?? null,
    passed_at: history?.passedDateTime ?? null,
    failed_at: history?.failedDateTime ?? null,
    registered_date: registeredDate,
    review_pending_date: dateOf(history?.reviewPendingDateTime ?? null),
    action_required_date: dateOf(history?.actionRequiredDateTime ?? null),
    first_approved_at: firstApprovedAt,
    first_approved_date: dateOf(firstApprovedAt),
    approved_date: dateOf(registration.approvedAt),
    decided_date: dateOf(registration.decidedAt),
    first_approval_lead_days: leadDays(registeredAt, firstApprovedAt),
    approval_lead_days: leadDays(registeredAt, registration.approvedAt),
    decision_lead_days: leadDays(registeredAt, registration.decidedAt),
    sign_to_registration_days: wholeDays(signDate, registeredDate),
  }
}

function leadDays(from: string | null, to: string | null): string | null {
  if (from === null || to === null) return null
  return to < from ? '0.00' : daysBetweenInstants(from, to)
}
