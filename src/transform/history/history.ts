import type { Version } from '../context.ts'
import type { Staged } from '../staged-rows.ts'
import { daysBetween, utcDate } from '../values/dates.ts'
import { dealSegments, isOpen } from './milestones.ts'
import { registrationSegments } from './registration-stages.ts'
import {
  bySourceTime,
  type DealState,
  merge,
  missingPeriodsOf,
  type Observation,
  type PresenceObservation,
  type RegistrationState,
  type Span,
} from './spans.ts'

// Fills dw.fact_referral_history.

export interface HistoryRules {
  transitions: ReadonlyMap<string, ReadonlySet<string>>
  sha256(text: string): string
}

export interface HistoryVersion extends DealState, RegistrationState {
  version_no: number
  valid_from: string
  valid_to: string | null
  valid_from_date: string
  valid_to_date: string | null
  is_current: boolean
  is_estimated: boolean
  is_missing: boolean
  previous_referral_status: string | null
  previous_referral_substatus: string | null
  is_status_change: boolean
  is_valid_transition: boolean | null
  days_in_version: number | null
  source_updated_at: string
  observed_at: string
  tracked_hash: string
}

export interface History {
  versions: HistoryVersion[]
  closedAt: string | null
  closedAtBasis: 'source' | 'observed' | 'estimated' | null
  missingSince: string | null
}

/**
 * Effective-dated versions of a referral: contiguous spans that differ in a tracked column, the
 * last one open. They depend on the observations and their times, not on the order of arrival.
 *
 * A change counts from the source's own time, or from the observation if that time did not move; the
 * stages of a registration from the instants that the payload gives them.
 */
export function historyOf(
  observations: readonly Observation[],
  presence: readonly PresenceObservation[],
  rules: HistoryRules,
): History {
  const ordered = observations.length < 2 ? observations : [...observations].sort(bySourceTime)
  const missingPeriods = missingPeriodsOf(presence)
  const spans = merge(dealSegments(ordered), registrationSegments(ordered), missingPeriods)
  const versions: HistoryVersion[] = []
  for (let index = 0; index < spans.length; index++) {
    const span = spans[index]
    if (span === undefined) continue
    versions.push(toHistoryVersion(span, index, spans[index - 1], spans[index + 1], rules))
  }
  const last = missingPeriods.at(-1)
  const closing = closingOf(spans, ordered)
  return { versions, ...closing, missingSince: last?.isMissing === true ? last.at : null }
}

function toHistoryVersion(
  span: Span,
  index: number,
  previous: Span | undefined,
  next: Span | undefined,
  rules: HistoryRules,
): HistoryVersion {
  const deal = span.deal.state
  const registration = span.registration.state
  const before = previous?.deal.state ?? null
  const validFromDate = utcDate(span.from)
  const validToDate = next === undefined ? null : utcDate(next.from)
  return {
    version_no: index + 1,
    valid_from: span.from,
    valid_to: next?.from ?? null,
    valid_from_date: validFromDate,
    valid_to_date: validToDate,
    is_current: next === undefined,
    is_estimated: span.isEstimated,
    is_missing: span.isMissing,
    profile_hash: deal.profile_hash,
    referral_status: deal.referral_status,
    referral_substatus: deal.referral_substatus,
    previous_referral_status: before?.referral_status ?? null,
    previous_referral_substatus: before?.referral_substatus ?? null,
    is_status_change:
      before?.referral_status !== deal.referral_status ||
      before.referral_substatus !== deal.referral_substatus,
    is_valid_transition:
      before === null ? null : isAllowed(rules, before.referral_status, deal.referral_status),
    registration_status: registration.registration_status,
    qualification: deal.qualification,
    currency_code: deal.currency_code,
    deal_value_amount: deal.deal_value_amount,
    expected_close_date: deal.expected_close_date,
    expiration_date: deal.expiration_date,
    registered_acv_amount: registration.registered_acv_amount,
    registered_acv_currency_code: registration.registered_acv_currency_code,
    days_in_version: validToDate === null ? null : daysBetween(validFromDate, validToDate),
    source_updated_at: span.observation.sourceUpdatedAt,
    observed_at: span.observedAt,
    tracked_hash: signedHash(rules.sha256(span.content)),
  }
}

/**
 * Copies a version column by column: `{ ...row, referral_no }` was 8 % of a profile of the whole
 * transform.
 */
export function historyRow(
  { accountKey, referralNo }: Version,
  row: HistoryVersion,
): Staged<'stg.fact_referral_history'> {
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    version_no: row.version_no,
    valid_from: row.valid_from,
    valid_to: row.valid_to,
    valid_from_date: row.valid_from_date,
    valid_to_date: row.valid_to_date,
    is_current: row.is_current,
    is_estimated: row.is_estimated,
    is_missing: row.is_missing,
    profile_hash: row.profile_hash,
    referral_status: row.referral_status,
    referral_substatus: row.referral_substatus,
    previous_referral_status: row.previous_referral_status,
    previous_referral_substatus: row.previous_referral_substatus,
    is_status_change: row.is_status_change,
    is_valid_transition: row.is_valid_transition,
    registration_status: row.registration_status,
    qualification: row.qualification,
    currency_code: row.currency_code,
    deal_value_amount: row.deal_value_amount,
    expected_close_date: row.expected_close_date,
    expiration_date: row.expiration_date,
    registered_acv_amount: row.registered_acv_amount,
    registered_acv_currency_code: row.registered_acv_currency_code,
    days_in_version: row.days_in_version,
    source_updated_at: row.source_updated_at,
    observed_at: row.observed_at,
    tracked_hash: row.tracked_hash,
  }
}

/** Returns null if the documented transitions do not mention one of the statuses. */
function isAllowed({ transitions }: HistoryRules, from: string, to: string): boolean | null {
  const allowed = transitions.get(from)
  return allowed === undefined || !transitions.has(to) ? null : allowed.has(to)
}

/** The first 8 bytes as a signed number, as PostgreSQL's bigint takes it. */
function signedHash(hexadecimal: string): string {
  return BigInt.asIntN(64, BigInt(`0x${hexadecimal.slice(0, 16)}`)).toString()
}

function closingOf(
  spans: readonly Span[],
  ordered: readonly Observation[],
): Pick<History, 'closedAt' | 'closedAtBasis'> {
  const newest = ordered.at(-1)
  const status = newest?.deal.referral_status
  if (newest === undefined || status === undefined || isOpen(status)) {
    return { closedAt: null, closedAtBasis: null }
  }
  if (newest.closedAt !== null) return { closedAt: newest.closedAt, closedAtBasis: 'source' }
  if (status !== 'Closed') return { closedAt: null, closedAtBasis: null }
  const lastOpen = spans.findLastIndex(({ deal }) => isOpen(deal.state.referral_status))
  const closing = spans.find(
    ({ deal }, index) => index > lastOpen && deal.state.referral_status === 'Closed',
  )
  if (closing === undefined) return { closedAt: null, closedAtBasis: null }
  const isFirst = closing.deal.observation === ordered[0]
  return { closedAt: closing.from, closedAtBasis: isFirst ? 'estimated' : 'observed' }
}
