import { CosellError } from '../errors.ts'
import type { LandedReferral, TransformContext } from './context.ts'
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
import { referralRow } from './rows/dim-referral.ts'
import { sellerBridgeRows, sellersOf } from './rows/dim-seller.ts'
import { TagCollector, tagRows } from './rows/dim-tag.ts'
import { dealCurrencyOf, factReferralRow } from './rows/fact-referral.ts'
import { requestedItems, requestedRows } from './rows/fact-referral-solution.ts'
import { registrationRow } from './rows/fact-registration.ts'
import { eligibilityRows } from './rows/fact-registration-eligibility.ts'
import { type ReviewedVersion, reviewRows } from './rows/fact-registration-review.ts'
import { addLineRows } from './rows/fact-registration-solution.ts'
import { firstApprovals } from './rows/registration-decisions.ts'
import { checkRegistration } from './rules/contract-rules.ts'
import { checkReferral, checkStatuses } from './rules/referral-rules.ts'
import { checkSolutions } from './rules/solution-rules.ts'
import { noRows, type Staged, type StagedRows } from './staged-rows.ts'

export type { LandedReferral, LandedVersion, Thresholds, TransformContext } from './context.ts'
export type { StagedRows } from './staged-rows.ts'

/** Version of the transform, raised when a payload gives other rows than before. Runs record it. */
export const transformVersion = 2

export type Transformed =
  | {
      kind: 'rows'
      rows: StagedRows
      /** Paths of the newest version that hold something and have no column. */
      unmapped: readonly string[]
    }
  /** The newest version cannot be read, so its last good rows stay; `rows` hold only the reason. */
  | { kind: 'quarantined'; rows: StagedRows; invalid: InvalidPayload }

/**
 * Returns all staged rows of one referral: facts and dimensions of its newest version, history of
 * every version. The same landed versions in any order give the same rows.
 */
export function toRows(landed: LandedReferral, context: TransformContext): Transformed {
  const rows = noRows()
  const ordered = orderVersions(landed)
  const newest = ordered.at(-1)
  if (newest === undefined) {
    const invalid: InvalidPayload = {
      reasonCode: 'no_payload',
      itemPath: '',
      detail: 'expected a landed payload, got none',
    }
    return { kind: 'quarantined', rows: withQuarantine(rows, landed, 0, invalid), invalid }
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
      withQuarantine(rows, landed, one.landedNo, read)
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
  const observations = parsed.map(toObservation)
  const history = historyOf(observations, presenceOf(landed), context)
  addDimensions(rows, parsed, tagCollector)
  addReviews(rows, current, parsed, observations)
  addCurrent(rows, current, history, firstApprovals(parsed, current))
  addFindings(rows, current, parsed, history, unmapped, unreadable)
  return { kind: 'rows', rows, unmapped }
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
  // One row a version: the publish decides among the rows of all referrals which one counts.
  for (const { solutions } of parsed) rows['stg.dim_solution'].push(...solutions)
  rows['stg.dim_tag'] = tagCollector.sorted()
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
  version_no: number,
  { reasonCode, itemPath, detail }: InvalidPayload,
): StagedRows {
  rows['stg.quarantine'].push({
    partner_account_key: landed.partner_account_key,
    referral_no: landed.referral_no,
    resource_type: 'referral',
    resource_id: landed.resource_id,
    version_no,
    reason_code: reasonCode,
    item_path: itemPath,
    detail,
  })
  return rows
}
