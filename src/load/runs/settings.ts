import { CosellError } from '../../errors.ts'

/** Values of the rows of `etl.setting` that loading uses. */
export interface Settings {
  /** Rule that turns a local midnight written in UTC into a calendar date. */
  readonly calendarDateRule: 'nearest_midnight' | 'utc'
  readonly fullReadDaysMax: number
  readonly missingPercentMax: number
  readonly missingCountMax: number
  readonly quarantinePercentMax: number
  readonly quarantineCountMax: number
  readonly registrationDaysMax: number
  readonly startDaysBeforeRegistrationMax: number
  readonly wonHoursMin: number
  readonly acvMinimumUsd: number
}

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
    missingPercentMax: count('missing_percent_max'),
    missingCountMax: count('missing_count_max'),
    quarantinePercentMax: count('quarantine_percent_max'),
    quarantineCountMax: count('quarantine_count_max'),
    registrationDaysMax: count('registration_days_max'),
    startDaysBeforeRegistrationMax: count('start_days_before_registration_max'),
    wonHoursMin: count('won_hours_min'),
    acvMinimumUsd: count('acv_minimum_usd'),
  }
}

function calendarDateRule(value: string | undefined): Settings['calendarDateRule'] {
  if (value === 'nearest_midnight' || value === 'utc') return value
  throw invalidSetting('calendar_date_rule', 'nearest_midnight or utc', value)
}

function invalidSetting(name: string, expected: string, got: string | undefined): CosellError {
  const text = `etl.setting ${name}: expected ${expected}, got ${got ?? 'no row'}. Fix the row, then run again.`
  return new CosellError('setting.invalid', text)
}
