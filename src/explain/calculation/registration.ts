import { minorUnitOf, type TransformContext } from '../../transform/context.ts'
import { usableWeights } from '../../transform/contract/allocate.ts'
import { scheduleParts } from '../../transform/contract/schedule.ts'
import type { Line, Registration } from '../../transform/rows/fact-registration.ts'
import { lineWeights } from '../../transform/rows/fact-registration-solution.ts'
import type { Staged, StagedRows } from '../../transform/staged-rows.ts'
import { formatMoney, type Money, parseMoney } from '../../transform/values/money.ts'
import type {
  AmountExplained,
  LineExplained,
  RegistrationExplained,
  ScheduleRow,
} from '../explanation.ts'
import {
  allocated,
  allocationRule,
  annual,
  annualized,
  type Basis,
  received,
  type Share,
  summed,
} from './amounts.ts'
import { monthsText } from './arithmetic.ts'
import { explainConversion, type RateDay, type Rates } from './conversion.ts'
import { explainPeriod } from './period.ts'

type RegistrationRow = Staged<'stg.fact_registration'>
type LineRow = Staged<'stg.fact_registration_solution'>

/** Explains a registration: its period, amounts, lines and contract years. */
export function explainRegistration(
  registration: Registration,
  rows: StagedRows,
  context: TransformContext,
  rates: Rates,
): RegistrationExplained {
  const isOwn = (row: { registration_no: number }) => row.registration_no === registration.no
  const row = rows['stg.fact_registration'].find(isOwn)
  if (row === undefined) throw new Error(`no row of registration ${registration.no}`)
  const lineRows = rows['stg.fact_registration_solution'].filter(isOwn)
  const schedule = rows['stg.fact_acv_schedule'].filter(isOwn)
  const given = lineWeights(registration)
  const weights = usableWeights(given)
  const isByValue = !registration.hasForeignLine && weights === given
  return {
    registration_no: registration.no,
    registration_id: registration.source.id,
    registration_type: registration.type,
    registration_status: registration.status,
    currency_code: registration.currency,
    minor_unit: registration.minorUnit,
    contract_term: registration.term,
    sign_date: registration.signDate,
    start_date: registration.startDate,
    end_date: registration.endDate,
    registered_date: registration.registeredDate,
    period: explainPeriod(registration),
    amounts: contractAmounts(registration, row),
    conversion: explainConversion(
      contractDay(registration),
      contractConversions(row, lineRows),
      rates,
    ),
    allocation: allocationRule(registration, isByValue),
    lines: lineRows.map((lineRow, index) => {
      const share = { weights, index, minorUnit: registration.minorUnit }
      const ofLine = schedule.filter(({ line_no }) => line_no === lineRow.line_no)
      return explainLine(registration, { lineRow, share, schedule: ofLine }, context, rates)
    }),
  }
}

/** Currency of a contract, and the day at whose rate its amounts are converted. */
export function contractDay(registration: Registration, currency = registration.currency): RateDay {
  const { signDate, startDate, registeredDate } = registration
  if (signDate !== null) return { currency, day: signDate, name: 'the day of signing' }
  if (startDate !== null) {
    return { currency, day: startDate, name: 'the day of the start, as none of signing is known,' }
  }
  const name = 'the day of the registration, as none of signing or start is known,'
  return { currency, day: registeredDate, name }
}

function contractAmounts(registration: Registration, row: RegistrationRow): AmountExplained[] {
  const table = 'dw.fact_registration'
  const amountOf = (column: Extract<keyof RegistrationRow, `${string}_amount`>, label: string) => ({
    column: `${table}.${column}`,
    label,
    amount: row[column],
  })
  const solutions = amountOf('solution_value_amount', 'Value of the lines')
  const values = registration.lines.flatMap(({ value }) => (value === null ? [] : [value]))
  const rest = amountOf('nonrecurring_amount', 'Contract value beyond the lines')
  return [
    received(
      amountOf('contract_value_amount', 'Contract value'),
      `registrations[${registration.no}].contract.value`,
    ),
    annual(amountOf('contract_acv_amount', 'Annual contract value'), registration),
    annualized(amountOf('contract_annualized_amount', 'Annualized contract value'), registration),
    summed(solutions, values.map(formatMoney).join(' + '), whyLinesValue(registration)),
    summed(
      rest,
      `${row.contract_value_amount} − ${row.solution_value_amount}`,
      rest.amount === null
        ? 'The contract or its lines have no value to compare.'
        : 'The contract value less the value of the lines, such as one-off fees.',
    ),
  ]
}

function whyLinesValue({ linesValue, hasForeignLine }: Registration): string {
  if (hasForeignLine) return 'The lines are not added up: one has another currency.'
  return linesValue === null ? 'No line has a value.' : 'The sum of the lines.'
}

function contractConversions(row: RegistrationRow, lines: readonly LineRow[]) {
  return [
    {
      column: 'mart.registration.contract_acv_reporting_amount',
      label: 'Annual contract value',
      amount: row.contract_acv_amount,
    },
    ...lines.map((line) => ({
      column: 'mart.acv_line.contract_acv_reporting_amount',
      label: `Annual contract value allocated to line ${line.line_no}`,
      amount: line.allocated_contract_acv_amount,
    })),
  ]
}

interface LineParts {
  readonly lineRow: LineRow
  readonly share: Share
  readonly schedule: readonly Staged<'stg.fact_acv_schedule'>[]
}

function explainLine(
  registration: Registration,
  { lineRow, share, schedule }: LineParts,
  context: TransformContext,
  rates: Rates,
): LineExplained {
  const line = registration.lines.find(({ no }) => no === lineRow.line_no)
  const currency = lineRow.currency_code
  const basis: Basis = {
    value: line?.value ?? null,
    period: registration.period,
    minorUnit: minorUnitOf(context, currency),
  }
  const solutionAcv = {
    column: 'mart.acv_line.solution_acv_reporting_amount',
    label: 'Annual value of the line',
    amount: lineRow.solution_acv_amount,
  }
  return {
    line_no: lineRow.line_no,
    solution_id: lineRow.solution_id,
    currency_code: currency,
    weight: weightText(share),
    amounts: lineAmounts(registration, lineRow, basis, share),
    conversion: explainConversion(contractDay(registration, currency), [solutionAcv], rates),
    schedule: explainSchedule(registration, line, schedule),
  }
}

function weightText({ weights, index }: Share): string | null {
  if (weights.length === 1) return null
  const sum = weights.reduce((left, right) => left + right, 0n)
  const isEqual = weights.every((weight) => weight === 1n)
  const text = (weight: bigint) => (isEqual ? `${weight}` : formatMoney(weight))
  return `${text(weights[index] ?? 0n)} of ${text(sum)}`
}

function lineAmounts(
  registration: Registration,
  row: LineRow,
  basis: Basis,
  share: Share,
): AmountExplained[] {
  const table = 'dw.fact_registration_solution'
  const amountOf = (column: Extract<keyof LineRow, `${string}_amount`>, label: string) => ({
    column: `${table}.${column}`,
    label,
    amount: row[column],
  })
  const details = `registrations[${registration.no}].solutionDetails`
  const path = row.line_no === 0 ? details : `${details}[${row.line_no}].value`
  return [
    received(amountOf('solution_value_amount', 'Value of the line'), path),
    annual(amountOf('solution_acv_amount', 'Annual value of the line'), basis),
    annualized(amountOf('solution_annualized_amount', 'Annualized value of the line'), basis),
    allocated(
      amountOf('allocated_contract_value_amount', 'Contract value allocated to the line'),
      registration.value,
      share,
    ),
    allocated(
      amountOf('allocated_contract_acv_amount', 'Annual contract value allocated to the line'),
      registration.acv,
      share,
    ),
  ]
}

/** Contract years of a line with their running totals, which are what is rounded. */
function explainSchedule(
  { period }: Registration,
  line: Line | undefined,
  rows: readonly Staged<'stg.fact_acv_schedule'>[],
): ScheduleRow[] {
  const parts = scheduleParts(period)
  const { months } = period
  let ofLine: Money = 0n
  let ofContract: Money = 0n
  return rows.map((row, index) => {
    ofLine += moneyOf(row.scheduled_solution_amount)
    ofContract += moneyOf(row.scheduled_contract_amount)
    const part = parts[index]
    const isPlaced = part !== undefined && months !== null && part.contractYear > 0
    return {
      contract_year_no: row.contract_year_no,
      period_start_date: row.period_start_date,
      period_end_date: row.period_end_date,
      period_months: row.period_months,
      share: isPlaced ? `${monthsText(part.share)} of ${monthsText(months)}` : null,
      scheduled_solution_amount: row.scheduled_solution_amount,
      solution_running_amount: line?.value == null ? null : formatMoney(ofLine),
      scheduled_contract_amount: row.scheduled_contract_amount,
      contract_running_amount:
        row.scheduled_contract_amount === null ? null : formatMoney(ofContract),
    }
  })
}

function moneyOf(text: string | null): Money {
  const parsed = text === null ? null : parseMoney(text)
  return parsed?.ok ? parsed.value : 0n
}
