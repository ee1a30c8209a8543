import type { MicrosoftReading, Version } from '../context.ts'
import { noCurrency, notProvided, type Staged } from '../staged-rows.ts'
import { amountText, parseMoney } from '../values/money.ts'
import { compareText } from '../values/text.ts'

export type MicrosoftAcvRow = Staged<'stg.fact_microsoft_acv'>

/** Length of a day in a cell that has a time of day behind it. */
const dayLength = 10

/**
 * Rows of the readings of one referral, in the order of their days, with the ids of its registrations
 * in the order of their numbers. The same readings in any order give the same rows.
 */
export function microsoftAcvRows(
  { accountKey, referralNo }: Pick<Version, 'accountKey' | 'referralNo'>,
  registrationIds: readonly (string | null)[],
  readings: readonly MicrosoftReading[],
): MicrosoftAcvRow[] {
  const ordered = distinct(readings)
  const rows = ordered.map(({ asOf, cells }, index): MicrosoftAcvRow => {
    const registrationId = cells['Deal ID'] ?? null
    return {
      partner_account_key: accountKey,
      referral_no: referralNo,
      reading_no: index + 1,
      registration_no: registrationNo(registrationId, registrationIds),
      registration_id: registrationId,
      as_of_date: asOf,
      is_latest: false,
      ...contractOf(cells),
      solution_currency_code: currencyOf(cells['Registered deal solution currency']),
      solution_value_amount: amountOf(cells['Registered deal solution value']),
      solution_value_usd_amount: amountOf(cells['Registered deal solution value (USD)']),
      deal_value_usd_amount: amountOf(cells['Estimated Deal value (USD)']),
    }
  })
  // The last row of a registration wins.
  for (const row of new Map(rows.map((row) => [registrationOf(row), row])).values()) {
    row.is_latest = true
  }
  return rows
}

function contractOf(cells: MicrosoftReading['cells']) {
  const term = cells['Contract Term'] ?? notProvided
  return {
    contract_term: term,
    is_perpetual: term === 'Perpetual',
    contract_sign_date: dayOf(cells['Contract Sign Date']),
    contract_start_date: dayOf(cells['Contract Start Date']),
    contract_end_date: dayOf(cells['Contract End Date']),
    approved_date: dayOf(cells['Deal Approved Date']),
    passed_date: dayOf(cells['Deal Review Passed Date']),
    failed_date: dayOf(cells['Deal Review Failed Date']),
    currency_code: currencyOf(cells['Contract Currency']),
    contract_value_amount: amountOf(cells['Contract Value']),
    contract_value_usd_amount: amountOf(cells['Contract Value (USD)']),
    microsoft_acv_amount: amountOf(cells['Annual Contract Value']),
  }
}

/** Readings in the order of their days, those without one first, and each of them once. */
function distinct(readings: readonly MicrosoftReading[]): MicrosoftReading[] {
  const byContent = new Map(readings.map((reading) => [contentOf(reading), reading]))
  return [...byContent]
    .sort(
      ([left, { asOf: leftDay }], [right, { asOf: rightDay }]) =>
        compareText(leftDay ?? '', rightDay ?? '') || compareText(left, right),
    )
    .map(([, reading]) => reading)
}

function contentOf({ asOf, cells }: MicrosoftReading): string {
  const sorted = Object.entries(cells).sort(([left], [right]) => compareText(left, right))
  return JSON.stringify([asOf, sorted])
}

/** Number of the registration with the id, or of the only one; null when there is none. */
function registrationNo(id: string | null, ids: readonly (string | null)[]): number | null {
  const index = id === null ? (ids.length === 1 ? 0 : -1) : ids.indexOf(id)
  if (index >= 0) return index + 1
  // A registration of which the id is not known yet.
  return ids.length === 1 && ids[0] === null ? 1 : null
}

function registrationOf({ registration_no, registration_id }: MicrosoftAcvRow): string {
  return registration_no === null ? (registration_id ?? '') : `no ${registration_no}`
}

function amountOf(cell: string | undefined): string | null {
  if (cell === undefined) return null
  const parsed = parseMoney(cell)
  return parsed.ok ? amountText(parsed.value) : null
}

function currencyOf(cell: string | undefined): string {
  return cell?.toUpperCase() ?? noCurrency
}

function dayOf(cell: string | undefined): string | null {
  return cell?.slice(0, dayLength) ?? null
}
