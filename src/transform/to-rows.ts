import { CosellError } from '../errors.ts'
import type { LandedReferral, LandedVersion, TransformContext } from './context.ts'
import { assemble } from './files/assemble.ts'
import { lostCells, unreadableRows } from './files/evidence.ts'
import { findingRow } from './findings.ts'
import { type History, historyOf, historyRow } from './history/history.ts'
import type { Observation } from './history/spans.ts'
import type { InvalidPayload } from './parse/invalid-payload.ts'
import { readReferral } from './parse/parse-referral.ts'
import { withPolicies } from './parse/policies-property.ts'
import { knownUnmapped } from './parse/properties.ts'
import {
  newVersion,
  orderVersions,
  type ParsedVersion,
  parseVersion,
  presenceOf,
  toObservation,
} from './parsed-version.ts'
import { contactRows, textRow } from './rows/contact.ts'
import { contactChangeRows } from './rows/contact-change.ts'
import { referralRow } from './rows/dim-referral.ts'
import { sellerBridgeRows, sellersOf } from './rows/dim-seller.ts'
import { TagCollector, tagRows } from './rows/dim-tag.ts'
import { microsoftAcvRows } from './rows/fact-microsoft-acv.ts'
import { dealCurrencyOf, factReferralRow } from './rows/fact-referral.ts'
import { requestedItems, requestedRows } from './rows/fact-referral-solution.ts'
import { registrationRow } from './rows/fact-registration.ts'
import { eligibilityRows } from './rows/fact-registration-eligibility.ts'
import { type ReviewedVersion, reviewRows } from './rows/fact-registration-review.ts'
import { addLineRows } from './rows/fact-registration-solution.ts'
import { solutionChangeRows, stepsOf } from './rows/fact-solution-change.ts'
import { firstApprovals } from './rows/registration-decisions.ts'
import { checkRegistration } from './rules/contract-rules.ts'
import { checkReferral, checkStatuses } from './rules/referral-rules.ts'
import { checkSolutions } from './rules/solution-rules.ts'
import { noRows, type Staged, type StagedRows } from './staged-rows.ts'

export type { LandedReferral, LandedVersion, Thresholds, TransformContext } from './context.ts'
export type { StagedRows } from './staged-rows.ts'

/** Version of the transform, raised when a payload gives other rows than before. Runs record it. */
export const transformVersion = 3

export type Transformed =
  | {
      kind: 'rows'
      rows: StagedRows
      /** Paths of the newest version that hold something and have no column. */
      unmapped: readonly string[]
    }
  /** The newest version cannot be read, so its last good rows stay; `rows` hold only the reason. */
  | { kind: 'quarantined'; rows: StagedRows; invalid: InvalidPayload }
  /** Rows of files show a part of a referral that nothing else has shown yet; there are no `rows`. */
  | { kind: 'waiting'; rows: StagedRows }

/**
 * Returns all staged rows of one referral: facts and dimensions of its newest version, history of
 * every version. The same landed versions in any order give the same rows.
 */
export function toRows(given: LandedReferral, context: TransformContext): Transformed {
  const rows = noRows()
  const { versions, shown, isWaiting, isCreationEstimated } = assemble(given.versions)
  const landed: LandedReferral = { ...given, versions }
  const unreadableRow = withUnreadableRows(rows, given)
  const ordered = orderVersions(landed)
  const newest = ordered.at(-1)
  if (newest === undefined) {
    if (isWaiting) return { kind: 'waiting', rows }
    if (unreadableRow !== undefined) return { kind: 'quarantined', rows, invalid: unreadableRow }
    const invalid: InvalidPayload = {
      reasonCode: 'no_payload',
      itemPath: '',
      detail: 'expected a landed payload, got none',
    }
    const place = { resource_type: 'referral', version_no: 0 } as const
    return { kind: 'quarantined', rows: withQuarantine(rows, landed, place, invalid), invalid }
  }
  const tagCollector = new TagCollector()
  const parsed: ParsedVersion[] = []
  let unmapped: readonly string[] = []
  let unreadable = 0
  for (const one of ordered) {
    const fetched = one === newest ? landed.policies?.policies : undefined
    const payload = withPolicies(one.landed.payload, context.eligibilityProperty, fetched)
    const read = readVersion(landed, payload, one.landed.people)
    if (!read.ok) {
      withQuarantine(rows, landed, one.landed, read)
      unreadable++
      if (one === newest) return { kind: 'quarantined', rows, invalid: read }
      continue
    }
    const version = newVersion(landed, context, one, read.referral, read.warnings)
    parsed.push(parseVersion(version, one, tagCollector))
    unmapped = read.unmapped
  }
  const current = parsed.at(-1)
  if (current === undefined) throw versionLost(landed.referral_no)
  addFindingsOfFiles(current, given.versions, isCreationEstimated)
  const observations = parsed.map(toObservation)
  const history = historyOf(observations, presenceOf(landed), context)
  addDimensions(rows, parsed, tagCollector)
  addSolutions(rows, parsed, solutionsOf(shown, landed, context))
  addReviews(rows, current, parsed, observations)
  addChanges(rows, current, parsed, observations)
  addCurrent(rows, current, history, firstApprovals(parsed, current))
  addReadings(rows, current, landed.readings)
  addFindings(rows, current, parsed, history, unmapped, unreadable)
  return { kind: 'rows', rows, unmapped }
}

/** Adds what the rows of files lack, and what was taken in its place. */
function addFindingsOfFiles(
  { version: { findings } }: ParsedVersion,
  versions: readonly LandedVersion[],
  isCreationEstimated: boolean,
): void {
  if (isCreationEstimated) {
    findings.add('created_day_estimated', '', 'expected a day of creation, got none from any file')
  }
  for (const { column, expected, got } of lostCells(versions)) {
    findings.add('cell_not_loaded', column, `expected ${expected}; loaded without it`, got)
  }
}

/** Adds rows of files that cannot be loaded; returns the reason of the first. */
function withUnreadableRows(rows: StagedRows, landed: LandedReferral): InvalidPayload | undefined {
  let first: InvalidPayload | undefined
  for (const { version_no, problem } of unreadableRows(landed.versions)) {
    const detail = `expected ${problem.expected}, got ${problem.got}`
    const invalid = { reasonCode: 'unreadable_row', itemPath: problem.column, detail } as const
    withQuarantine(rows, landed, { resource_type: 'csv_row', version_no }, invalid)
    first ??= invalid
  }
  return first
}

function versionLost(referralNo: number): CosellError {
  const message = `referral ${referralNo} of the batch: its newest version was read and is gone. Report it.`
  return new CosellError('transform.version_lost', message)
}

function readVersion(landed: LandedReferral, payload: unknown, people: unknown) {
  const read = readReferral(payload, people)
  if (!read.ok || read.referral.id === landed.resource_id) return read
  const detail = 'expected the id under which it was landed'
  return { ok: false, reasonCode: 'id_mismatch', itemPath: 'id', detail } as const
}

/** Adds the dimension members of every version, since history refers to them. */
function addDimensions(
  rows: StagedRows,
  parsed: readonly ParsedVersion[],
  tagCollector: TagCollector,
): void {
  const profiles = new Set<string>()
  for (const { customer } of parsed) {
    if (profiles.has(customer.profile_hash)) continue
    profiles.add(customer.profile_hash)
    rows['stg.dim_customer'].push(customer)
  }
  rows['stg.dim_tag'] = tagCollector.sorted()
}

/**
 * Adds one row a version and solution: the publish decides among the rows of all referrals which one
 * counts. Of merged rows of files, what each of them showed counts.
 */
function addSolutions(
  rows: StagedRows,
  parsed: readonly ParsedVersion[],
  ofFiles: readonly ParsedVersion[],
): void {
  const isMade = ({ order }: ParsedVersion) => order.landed.resource_type === 'csv_row'
  const counted = ofFiles.length === 0 ? parsed : parsed.filter((one) => !isMade(one))
  for (const { solutions } of [...counted, ...ofFiles]) rows['stg.dim_solution'].push(...solutions)
}

function solutionsOf(
  shown: readonly LandedVersion[],
  landed: LandedReferral,
  context: TransformContext,
): ParsedVersion[] {
  return orderVersions({ versions: shown }).flatMap((one) => {
    const read = readReferral(one.landed.payload, one.landed.people)
    if (!read.ok) return []
    const version = newVersion(landed, context, one, read.referral, read.warnings)
    return [parseVersion(version, one, new TagCollector())]
  })
}

/** Adds the visits of each registration of the newest version to the stages of its review. */
function addReviews(
  rows: StagedRows,
  { version, registrations }: ParsedVersion,
  parsed: readonly ParsedVersion[],
  observations: readonly Observation[],
): void {
  if (registrations.length === 0) return
  const versions: ReviewedVersion[] = []
  for (let index = 0; index < parsed.length; index++) {
    const one = parsed[index]
    const observation = observations[index]
    if (one === undefined || observation === undefined) continue
    versions.push({ registrations: one.registrations, observation })
  }
  rows['stg.fact_registration_review'] = reviewRows(version, registrations, versions)
}

/** Adds what changed between the landed versions and no column of the history tells. */
function addChanges(
  rows: StagedRows,
  { version }: ParsedVersion,
  parsed: readonly ParsedVersion[],
  observations: readonly Observation[],
): void {
  if (parsed.length < 2) return
  const seen = parsed.flatMap((one, index) => {
    const observation = observations[index]
    return observation === undefined ? [] : [{ parsed: one, observation }]
  })
  const steps = stepsOf(seen)
  rows['stg.fact_solution_change'] = solutionChangeRows(version, steps)
  rows['stg.contact_change'] = contactChangeRows(version, steps)
}

function addCurrent(
  rows: StagedRows,
  current: ParsedVersion,
  history: History,
  firstApprovals: readonly (string | null)[],
): void {
  const { version, enumValues, customer, milestones, registrations, tags } = current
  const { referral } = version
  const items = requestedItems(referral)
  const solutionCount = items.filter((item) => item.kind === 'Solution').length
  const contacts = contactRows(version)
  const customerContacts = contacts.filter((row) => row.contact_role === 'customer').length
  const facts = {
    enumValues,
    milestones,
    history,
    profileHash: customer.profile_hash,
    registrations,
    firstApprovals,
    solutionCount,
    offerCount: items.length - solutionCount,
  }
  rows['stg.dim_referral'].push(
    referralRow(version, {
      enumValues,
      classification: tags.classification,
      history,
      customerContacts,
      teamMembers: contacts.length - customerContacts,
    }),
  )
  rows['stg.fact_referral'].push(factReferralRow(version, facts))
  for (const row of history.versions) {
    rows['stg.fact_referral_history'].push(historyRow(version, row))
  }
  const deal = { value: referral.details?.dealValue ?? null, currency: dealCurrencyOf(version) }
  rows['stg.fact_referral_solution'] = requestedRows(version, items, deal)
  for (let index = 0; index < registrations.length; index++) {
    const registration = registrations[index]
    if (registration === undefined) continue
    const firstApproval = firstApprovals[index] ?? null
    rows['stg.fact_registration'].push(registrationRow(version, registration, firstApproval))
    addLineRows(version, registration, rows)
    checkRegistration(version, registration)
  }
  rows['stg.fact_registration_eligibility'] = eligibilityRows(version)
  rows['stg.bridge_referral_tag'] = tagRows(version, tags)
  rows['stg.dim_seller'] = sellersOf(version)
  rows['stg.bridge_referral_seller'] = sellerBridgeRows(rows['stg.dim_seller'])
  rows['stg.contact'] = contacts
  const text = textRow(version)
  if (text !== null) rows['stg.referral_text'].push(text)
  checkSolutions(version, registrations)
  checkStatuses(version, enumValues, registrations)
  checkReferral(version, facts)
}

/** Adds the readings of Microsoft's annual contract value, beside the registrations that they are of. */
function addReadings(
  rows: StagedRows,
  { version, registrations }: ParsedVersion,
  readings: LandedReferral['readings'],
): void {
  if (readings === undefined) return
  const ids = registrations.map(({ source }) => source.id)
  rows['stg.fact_microsoft_acv'] = microsoftAcvRows(version, ids, readings)
}

/** Findings about unmapped properties at most; a new generation of the API could bring many. */
const unmappedFindingsMax = 20

function addFindings(
  rows: StagedRows,
  current: ParsedVersion,
  parsed: readonly ParsedVersion[],
  history: History,
  unmapped: readonly string[],
  unreadable: number,
): void {
  const { accountKey, referralNo, findings, referral } = current.version
  for (const version of history.versions) {
    if (version.is_valid_transition !== false) continue
    const { version_no, previous_referral_status: from, referral_status: to } = version
    const detail = 'a status that may not follow the one before'
    findings.add(
      'status_transition_not_allowed',
      `version ${version_no}`,
      detail,
      `${from} > ${to}`,
    )
  }
  if (unreadable > 0) {
    const detail = 'earlier versions are in quarantine and missing in history'
    findings.add('version_not_readable', '', detail, String(unreadable))
  }
  const unknown = unmapped.filter((path) => !knownUnmapped.has(path))
  for (const path of unknown.sort().slice(0, unmappedFindingsMax)) {
    findings.add('unmapped_property', path, 'kept in the landing zone, without a column')
  }
  for (const finding of findings.found) {
    rows['stg.dq_finding'].push(findingRow(accountKey, referralNo, referral.id ?? '', finding))
  }
  rows['stg.enum_value'] = undocumentedRows(parsed)
}

function undocumentedRows(parsed: readonly ParsedVersion[]): Staged<'stg.enum_value'>[] {
  const rows: Staged<'stg.enum_value'>[] = []
  const seen = new Set<string>()
  for (const { version } of parsed) {
    for (const value of version.findings.undocumented) {
      const key = value.join('\u001f')
      if (seen.has(key)) continue
      seen.add(key)
      const [enum_name, parent_value, enum_value] = value
      const { accountKey: partner_account_key, referralNo: referral_no } = version
      rows.push({ partner_account_key, referral_no, enum_name, parent_value, enum_value })
    }
  }
  return rows
}

function withQuarantine(
  rows: StagedRows,
  landed: LandedReferral,
  { resource_type, version_no }: Pick<LandedVersion, 'resource_type' | 'version_no'>,
  { reasonCode, itemPath, detail }: InvalidPayload,
): StagedRows {
  rows['stg.quarantine'].push({
    partner_account_key: landed.partner_account_key,
    referral_no: landed.referral_no,
    resource_type,
    resource_id: landed.resource_id,
    version_no,
    reason_code: reasonCode,
    item_path: itemPath,
    detail,
  })
  return rows
}
