import type { Findings } from './findings.ts'
import type { ReadReferral } from './parse/properties.ts'
import type { CalendarDateRule } from './values/dates.ts'

/**
 * One landed version of a referral, its presence or absence in a complete full read, or the row of a
 * file that shows a part of it.
 */
export interface LandedVersion {
  version_no: number
  resource_type: 'referral' | 'referral_absence' | 'referral_presence' | 'csv_row'
  observed_at: string
  source_updated_text: string | null
  payload: unknown
  people: unknown
}

/** Every landed version of one referral, in any order. */
export interface LandedReferral {
  partner_account_key: number
  resource_id: string
  referral_no: number
  versions: readonly LandedVersion[]
  /** Eligibility policies that an address of their own had, as last fetched. */
  policies?: { readonly observed_at: string; readonly policies: unknown } | undefined
  /** Readings of Microsoft's annual contract value, in any order. */
  readings?: readonly MicrosoftReading[] | undefined
}

/** What one row of an Insights co-sell download shows, and the day of the file. */
export interface MicrosoftReading {
  /** YYYY-MM-DD; null when the file has none. */
  readonly asOf: string | null
  /** Cells by the column's name, as the import types them; those that are empty are left out. */
  readonly cells: Readonly<Record<string, string>>
}

/** Limits of the co-sell programme; they change with the fiscal year. */
export interface Thresholds {
  registrationDaysMax: number
  startDaysBeforeRegistrationMax: number
  wonHoursMin: number
}

/** Everything that the transform needs beside the payloads. */
export interface TransformContext {
  /** Decimals of the currencies that have other than two. */
  minorUnits: ReadonlyMap<string, number>
  /** Documented spelling by lower-case value, by enum. */
  enums: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Statuses that may follow, by status. */
  transitions: ReadonlyMap<string, ReadonlySet<string>>
  /** Substatuses allowed, by status. */
  substatuses: ReadonlyMap<string, ReadonlySet<string>>
  /** Solution areas, by solution play. */
  plays: ReadonlyMap<string, readonly string[]>
  calendarDateRule: CalendarDateRule
  /** Property of a payload that has the eligibility policies, unless they were fetched. */
  eligibilityProperty: string
  /** Hexadecimal digest of the text. */
  sha256(text: string): string
  /** Hexadecimal digest, keyed with the secret of this installation. */
  hmac(text: string): string
  /** Says whether a keyed digest is of a person who was erased. */
  erased: { has(digest: string): boolean }
  thresholds: Thresholds
}

/** One parsed payload, with everything that its rows need. */
export interface Version {
  accountKey: number
  referralNo: number
  context: TransformContext
  referral: ReadReferral
  findings: Findings
  /** Source time of the last update, else of the creation. */
  updatedAt: string
  observedAt: string
  /** When the eligibility policies were fetched: with the payload, or for themselves. */
  policiesAt: string
}

const minorUnitUsual = 2

export function minorUnitOf(context: TransformContext, currency: string): number {
  return context.minorUnits.get(currency) ?? minorUnitUsual
}
