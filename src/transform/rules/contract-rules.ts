import type { Version } from '../context.ts'
import type { Line, Registration } from '../rows/fact-registration.ts'
import { daysBetween, utcDate } from '../values/dates.ts'
import { amountText, type Money } from '../values/money.ts'
import { checkOrder } from './referral-rules.ts'

/** Contract length below which the annualized value is far from any amount that is paid. */
const shortContractDays = 30

/** Checks a registration and its contract by the rules of the co-sell programme. */
export function checkRegistration(version: Version, registration: Registration): void {
  const path = `registrations[${registration.no}]`
  const { source } = registration
  checkDates(version, registration, path)
  checkTerm(version, registration, path)
  checkAmount(version, `${path}.contract.value`, registration.value)
  const registeredAt = source.registrationDateTime
  const historyPath = `${path}.statusHistory`
  const failedAt = source.statusHistory?.failedDateTime ?? null
  checkOrder(version, `${historyPath}.approvedDateTime`, registeredAt, registration.firstApprovedAt)
  checkOrder(version, `${historyPath}.failedDateTime`, registeredAt, failedAt)
  if (registration.hasForeignLine) {
    const detail = 'a line has another currency than its contract'
    version.findings.add('mixed_currency', path, detail, registration.currency)
  }
  const { value, linesValue } = registration
  if (value !== null && linesValue !== null && linesValue > value) {
    const detail = `expected at most the contract value ${amountText(value)}`
    const observed = amountText(linesValue)
    version.findings.add('solution_value_above_contract_value', path, detail, observed)
  }
  for (const line of registration.lines) {
    checkLine(version, line, `${path}.solutionDetails[${line.no}]`)
  }
}

function checkDates(version: Version, registration: Registration, path: string): void {
  const { findings, context, observedAt, referral } = version
  const { signDate, startDate, registeredDate } = registration
  const { registrationDaysMax, startDaysBeforeRegistrationMax } = context.thresholds
  if (signDate !== null) {
    const itemRef = `${path}.contract.signDateTime`
    if (signDate > utcDate(observedAt)) {
      findings.add('contract_sign_date_in_future', itemRef, 'after it was read', signDate)
    }
    const created = referral.createdDateTime
    if (created !== null && signDate < utcDate(created)) {
      const detail = `before the referral was created, ${utcDate(created)}`
      findings.add('contract_signed_before_creation', itemRef, detail, signDate)
    }
    const days = registeredDate === null ? 0 : daysBetween(signDate, registeredDate)
    if (days > registrationDaysMax) {
      const detail = `expected at most ${registrationDaysMax} days from signing to registration`
      findings.add('registered_too_late', path, detail, String(days))
    }
  }
  if (startDate === null || registeredDate === null) return
  const days = daysBetween(startDate, registeredDate)
  if (days > startDaysBeforeRegistrationMax) {
    const detail = `expected at most ${startDaysBeforeRegistrationMax} days from start to registration`
    findings.add('contract_start_too_early', `${path}.contract.startDateTime`, detail, String(days))
  }
}

function checkTerm({ findings }: Version, registration: Registration, path: string): void {
  const { startDate, endDate, period } = registration
  if (endDate === null) return
  const itemRef = `${path}.contract.endDateTime`
  if (period.isPerpetual) {
    const detail = 'a perpetual contract has no end; it is ignored'
    findings.add('perpetual_with_end_date', itemRef, detail, endDate)
  }
  if (startDate === null) return
  if (endDate < startDate) {
    findings.add('contract_end_before_start', itemRef, `before the start ${startDate}`, endDate)
  } else if (!period.isPerpetual && period.start !== null && period.endExclusive !== null) {
    const days = daysBetween(period.start, period.endExclusive)
    if (days < shortContractDays) {
      const detail = `a contract below ${shortContractDays} days; its annualised value is no forecast`
      findings.add('short_contract', `${path}.contract`, detail, String(days))
    }
  }
}

function checkAmount({ findings }: Version, itemRef: string, amount: Money | null): void {
  if (amount === null) return
  if (amount === 0n) findings.add('zero_value', itemRef, 'expected a value other than zero', '0')
  if (amount < 0n) findings.add('negative_value', itemRef, 'below zero', amountText(amount))
}

function checkLine(version: Version, { source, value }: Line, path: string): void {
  const { findings } = version
  checkAmount(version, `${path}.value`, value)
  if (source.isDeployedOnAzure === false) {
    const itemRef = `${path}.isDeployedOnAzure`
    const detail = 'only solutions on Azure are eligible'
    findings.add('not_deployed_on_azure', itemRef, detail, 'false')
  }
  const marketplace = source.marketplaceTransactionDetails
  if (marketplace?.isMarketplaceTransacted === true) {
    if (marketplace.marketplaceTransactionDateTime === null) {
      const itemRef = `${path}.marketplaceTransactionDetails`
      const detail = 'bought in the marketplace, but not when'
      findings.add('marketplace_date_missing', itemRef, detail)
    }
  }
}
