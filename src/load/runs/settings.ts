import { CosellError } from '../../errors.ts'

/** Values of the rows of `etl.setting` that loading uses. */
export interface Settings {
  /** Rule that turns a local midnight written in UTC into a calendar date. */
  readonly calendarDateRule: 'nearest_midnight' | 'utc'
  readonly fullReadDaysMax: number
  /** Days after its review before a registration is looked at by full reads only. */
  readonly reviewSettledDays: number
  /** Reads by id of a night, once reviews are known to move `updatedDateTime`. */
  readonly reviewSampleCount: number
  readonly missingPercentMax: number
  readonly missingCountMax: number
  readonly quarantinePercentMax: number
  readonly quarantineCountMax: number
  readonly registrationDaysMax: number
  readonly startDaysBeforeRegistrationMax: number
  readonly wonHoursMin: number
  readonly acvMinimumUsd: number
  /** Calendar month in which the fiscal year starts, 1 to 12. */
  readonly fiscalYearStartMonth: number
  /** Property of a referral that has its eligibility policies. */
  readonly eligibilityProperty: string
  /** Template of the address that has them instead; null where there is none. */
  readonly eligibilityTemplate: string | null
}

/** Property that is looked at unless another one is named: a name of ours, in no document. */
const ownProperty = 'registrationEligibilityPolicies'

/** @throws CosellError `configuration` naming the first row that is missing or wrong. */
export function parseSettings(rows: ReadonlyMap<string, string>): Settings {
  const count = (name: string) => {
    const value = rows.get(name)
    if (value !== undefined && /^\d+(\.\d+)?$/.test(value)) return Number(value)
    throw invalidSetting(name, 'a number', value)
  }
  return {
    calendarDateRule: calendarDateRule(rows.get('calendar_date_rule')),
    fullReadDaysMax: count('full_read_days_max'),
    reviewSettledDays: count('review_settled_days'),
    reviewSampleCount: count('review_sample_count'),
    missingPercentMax: count('missing_percent_max'),
    missingCountMax: count('missing_count_max'),
    quarantinePercentMax: count('quarantine_percent_max'),
    quarantineCountMax: count('quarantine_count_max'),
    registrationDaysMax: count('registration_days_max'),
    startDaysBeforeRegistrationMax: count('start_days_before_registration_max'),
    wonHoursMin: count('won_hours_min'),
    acvMinimumUsd: count('acv_minimum_usd'),
    fiscalYearStartMonth: parseFiscalYearStartMonth(rows.get('fiscal_year_start_month')),
    ...eligibilityOf(rows.get('eligibility_source')),
  }
}

/** @throws CosellError `configuration` when the value is no month from 1 to 12. */
export function parseFiscalYearStartMonth(value: string | undefined): number {
  if (value !== undefined && /^([1-9]|1[0-2])$/.test(value)) return Number(value)
  throw invalidSetting('fiscal_year_start_month', 'a month from 1 to 12', value)
}

function calendarDateRule(value: string | undefined): Settings['calendarDateRule'] {
  if (value === 'nearest_midnight' || value === 'utc') return value
  throw invalidSetting('calendar_date_rule', 'nearest_midnight or utc', value)
}

/** @throws CosellError `configuration` when there is no value. */
export function eligibilityOf(
  value: string | undefined,
): Pick<Settings, 'eligibilityProperty' | 'eligibilityTemplate'> {
  if (value === undefined || value.trim() === '') {
    throw invalidSetting('eligibility_source', 'a property or an address', value)
  }
  if (/^[A-Za-z]\w*$/.test(value)) return { eligibilityProperty: value, eligibilityTemplate: null }
  return { eligibilityProperty: ownProperty, eligibilityTemplate: value }
}

function invalidSetting(name: string, expected: string, got: string | undefined): CosellError {
  const text = `etl.setting ${name}: expected ${expected}, got ${got ?? 'no row'}. Fix the row, then run again.`
  return new CosellError('setting.invalid', text)
}
