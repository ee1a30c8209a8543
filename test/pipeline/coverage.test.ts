import { readFile } from 'node:fs/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { pageOf, withServedPage } from '../support/served-pages.ts'

/** A documented property: its place in the payload, its value, and the columns that must hold it. */
interface Arrival {
  readonly property: string
  /** Path in the payload, in camelCase; a number is a place in a list. */
  readonly path: string
  readonly sent: unknown
  readonly columns: readonly string[]
  readonly stored: string
}

const arrivals: Arrival[] = []
const arrives = (property: string, path: string, sent: unknown, columns: string, stored = sent) =>
  arrivals.push({ property, path, sent, columns: columns.split(' '), stored: String(stored) })

/** A flag, identified by the only referral that sends it as true. */
const flags: { property: string; path: string; column: string }[] = []
const flag = (property: string, path: string, column: string) =>
  flags.push({ property, path, column })

arrives('Referral.ID', 'id', 'mark-referral', 'dw.dim_referral.referral_id')
arrives('Referral.EngagementID', 'engagementId', 'mark-engagement', 'dw.dim_referral.engagement_id')
arrives('Referral.Name', 'name', 'mark referral name', 'dw.dim_referral.referral_name')
arrives(
  'Referral.ExternalReferenceID',
  'externalReferenceId',
  'mark-external-reference',
  'dw.dim_referral.external_reference_id',
)
const instant = (property: string, path: string, day: string, columns: string) =>
  arrives(property, path, `${day}T10:11:12Z`, columns, day)
const fact = 'dw.fact_referral'
instant('Referral.CreatedDateTime', 'createdDateTime', '2025-01-01', `${fact}.created_date`)
instant('Referral.UpdatedDateTime', 'updatedDateTime', '2025-12-02', `${fact}.updated_date`)
instant(
  'Referral.ExpirationDateTime',
  'expirationDateTime',
  '2025-12-03',
  `${fact}.expiration_date`,
)
instant('Referral.AcceptedDateTime', 'acceptedDateTime', '2025-02-04', `${fact}.accepted_date`)
arrives('Referral.Status', 'status', 'Closed', 'dw.dim_referral.referral_status')
arrives('Referral.Substatus', 'substatus', 'Won', 'dw.dim_referral.referral_substatus')
arrives('Referral.StatusReason', 'statusReason', 'mark reason', 'dw.dim_referral.status_reason')
arrives('Referral.Type', 'type', 'MarkType', 'dw.dim_referral.referral_type')
arrives(
  'Referral.Qualification',
  'qualification',
  'MarkQualification',
  'dw.dim_referral.qualification dw.fact_referral_history.qualification',
)
arrives(
  'Referral.ReferralSource',
  'referralSource',
  'MarkSource',
  'dw.dim_referral.referral_source',
)
arrives('Referral.CallToAction', 'callToAction', 'MarkCall', 'dw.dim_referral.call_to_action')
arrives('Referral.ETag', 'eTag', '"mark-etag"', 'dw.dim_referral.etag')
arrives('Referral.MpnId', 'mpnId', '7711771', 'dw.dim_referral.mpn_id')
arrives(
  'Referral.RegistrationStatus',
  'registrationStatus',
  'MarkRegistered',
  'dw.dim_referral.registration_status dw.fact_referral_history.registration_status',
)

const customer = 'dw.dim_customer'
arrives('CustomerProfile.Name', 'customerProfile.name', 'Mark Works', `${customer}.customer_name`)
arrives(
  'CustomerProfile.Size',
  'customerProfile.size',
  '77to88employees',
  `${customer}.customer_size`,
)
arrives('CustomerProfileType.Moodys', 'customerProfile.ids.moodys', 'M-71', `${customer}.moodys_id`)
arrives(
  'CustomerProfileType.External',
  'customerProfile.ids.external',
  'E-72',
  `${customer}.external_customer_id`,
)
arrives('CustomerProfileType.Duns', 'customerProfile.ids.duns', 'D-73', `${customer}.duns_number`)
const address = 'customerProfile.address'
arrives(
  'Address.AddressLine1',
  `${address}.addressLine1`,
  'mark line 1',
  `${customer}.address_line1`,
)
arrives(
  'Address.AddressLine2',
  `${address}.addressLine2`,
  'mark line 2',
  `${customer}.address_line2`,
)
arrives('Address.City', `${address}.city`, 'Mark City', `${customer}.city`)
arrives('Address.State', `${address}.state`, 'Mark State', `${customer}.state`)
arrives('Address.PostalCode', `${address}.postalCode`, '71-717', `${customer}.postal_code`)
arrives('Address.Country', `${address}.country`, 'no', `${customer}.country_code`, 'NO')
arrives('Address.Region', `${address}.region`, 'Mark Region', `${customer}.region`)

for (const [role, team] of [
  ['customer', 'customerProfile.team.0'],
  ['colleague', 'team.0'],
]) {
  arrives('Member.FirstName', `${team}.firstName`, `Ida ${role}`, 'pii.contact.first_name')
  arrives('Member.LastName', `${team}.lastName`, `Berg ${role}`, 'pii.contact.last_name')
  arrives('Member.PhoneNumber', `${team}.phoneNumber`, `+47 ${role}`, 'pii.contact.phone_number')
  arrives('Member.Email', `${team}.email`, `${role}@example.com`, 'pii.contact.email')
  const locale = `${team}.contactPreference.locale`
  arrives('ContactPreference.Locale', locale, `nn-NO-${role}`, 'pii.contact.locale')
}
flag(
  'ContactPreference.DisableNotifications',
  'team.0.contactPreference.disableNotifications',
  'pii.contact.disable_notifications',
)

const consents = [
  ['ConsentToToShareInfoWithOthers', 'consent_to_share_info_with_others'],
  ['ConsentToContact', 'consent_to_contact'],
  ['ConsentToShareReferralWithMicrosoftSellers', 'consent_to_share_with_microsoft_sellers'],
  ['ConsentToMicrosoftToContactSpecificPartners', 'consent_to_microsoft_contact_specific_partners'],
] as const
for (const [name, column] of consents) {
  flag(`Consent.${name}`, `consent.c${name.slice(1)}`, `dw.dim_referral.${column}`)
}

arrives(
  'InviteContext.Notes',
  'inviteContext.notes',
  'mark invite note',
  'pii.referral_text.invite_notes',
)
arrives(
  'InvitedBy.OrganizationID',
  'inviteContext.invitedBy.organizationId',
  'mark-inviter',
  'dw.dim_referral.invited_by_organization_id',
)
arrives(
  'InvitedBy.OrganizationName',
  'inviteContext.invitedBy.organizationName',
  'Mark Inviter',
  'dw.dim_referral.invited_by_organization_name',
)
arrives('ReferralDetails.Notes', 'details.notes', 'mark note', 'pii.referral_text.details_notes')
arrives(
  'ReferralDetails.DealValue',
  'details.dealValue',
  711_711.1711,
  `${fact}.deal_value_amount dw.fact_referral_history.deal_value_amount`,
)
arrives(
  'ReferralDetails.Currency',
  'details.currency',
  'AUD',
  `${fact}.currency_code dw.fact_referral_history.currency_code`,
)
instant(
  'ReferralDetails.ClosingDateTime',
  'details.closingDateTime',
  '2025-12-05',
  `${fact}.expected_close_date dw.fact_referral_history.expected_close_date`,
)

const requirements = 'details.requirements'
for (const name of ['Industries', 'Products', 'Services']) {
  const path = `${requirements}.${name.toLowerCase()}.0.id`
  arrives(`ReferralRequirements.${name}`, path, `Mark, ${name}`, 'dw.dim_tag.tag_id')
}

/** Properties that a requested solution and a registration line share. */
function solution(object: string, path: string, table: string, mark: string, currency: string) {
  arrives(`${object}.ID`, `${path}.id`, `${mark}-ID`, 'dw.dim_solution.solution_id')
  arrives(`${object}.Name`, `${path}.name`, `${mark} name`, 'dw.dim_solution.solution_name')
  arrives(`${object}.Type`, `${path}.type`, `${mark}Match`, 'dw.dim_solution.match_type')
  arrives(
    `${object}.SolutionType`,
    `${path}.solutionType`,
    `${mark} 3P`,
    'dw.dim_solution.solution_type',
  )
  arrives(
    `${object}.PublisherName`,
    `${path}.publisherName`,
    `${mark} Ltd`,
    'dw.dim_solution.publisher_name',
  )
  arrives(`${object}.Price`, `${path}.price`, `${mark.length}71.5 a month`, `${table}.price_text`)
  arrives(`${object}.Currency`, `${path}.currency`, currency, `${table}.currency_code`)
  arrives(`${object}.Quantity`, `${path}.quantity`, mark.length + 0.25, `${table}.quantity`)
}
solution('SolutionTag', `${requirements}.solutions.0`, 'dw.fact_referral_solution', 'Wanted', 'CHF')
const offer = `${requirements}.offers.0`
arrives('OfferTag.ID', `${offer}.id`, 'OFFER-71', 'dw.dim_solution.solution_id')
arrives('OfferTag.Name', `${offer}.name`, 'mark offer', 'dw.dim_solution.solution_name')
arrives('OfferTag.Type', `${offer}.type`, 'OfferMatch', 'dw.dim_solution.match_type')
arrives('OfferTag.OfferType', `${offer}.offerType`, 'offer 1P', 'dw.dim_solution.solution_type')
arrives(
  'OfferTag.PublisherName',
  `${offer}.publisherName`,
  'Offer Ltd',
  'dw.dim_solution.publisher_name',
)

const iot = `${requirements}.additionalRequirements.iot`
arrives(
  'IoTRequirements.CustomerLicenseAgreementNumber',
  `${iot}.customerLicenseAgreementNumber`,
  'CLA-71',
  'dw.dim_referral.iot_license_agreement_number',
)
arrives(
  'IoTRequirements.DeviceCategory',
  `${iot}.deviceCategory`,
  'mark device',
  'dw.dim_referral.iot_device_category',
)
arrives(
  'IoTRequirements.SiliconType',
  `${iot}.siliconType`,
  'mark chip',
  'dw.dim_referral.iot_silicon_type',
)
flag(
  'IoTRequirements.AzureCertifiedDevice',
  `${iot}.azureCertifiedDevice`,
  'dw.dim_referral.iot_is_azure_certified_device',
)
flag(
  'IoTRequirements.AttachServices',
  `${iot}.attachServices`,
  'dw.dim_referral.iot_has_attached_services',
)
const attribute = `${requirements}.additionalRequirements.attributes.0`
arrives('AttributeTag.ID', `${attribute}.id`, 'mark attribute', 'dw.dim_tag.tag_id')
arrives('AttributeTag.Type', `${attribute}.type`, 'MarkAttributeType', 'dw.dim_tag.tag_type')
arrives('Target.ID', 'target.0.id', 'mark target', 'dw.dim_tag.tag_id')
arrives('Target.Type', 'target.0.type', 'MarkTargetType', 'dw.dim_tag.tag_type')

const registration = 'registrations.0'
const registered = 'dw.fact_registration'
arrives('Registrations.ID', `${registration}.id`, 'REG-71', `${registered}.registration_id`)
instant(
  'Registrations.RegistrationDateTime',
  `${registration}.registrationDateTime`,
  '2025-10-06',
  `${registered}.registered_date ${fact}.registered_date`,
)
arrives(
  'Registrations.Status',
  `${registration}.status`,
  'MarkReview',
  `${registered}.registration_status`,
)
arrives(
  'Registrations.StatusReason',
  `${registration}.statusReason`,
  'mark review',
  `${registered}.status_reason`,
)
arrives(
  'Registrations.Type',
  `${registration}.type`,
  'MarkCoSell',
  `${registered}.registration_type`,
)
const contract = `${registration}.contract`
arrives(
  'RegistrationContract.Value',
  `${contract}.value`,
  722_722.2722,
  `${registered}.contract_value_amount`,
)
arrives(
  'RegistrationContract.Currency',
  `${contract}.currency`,
  'CAD',
  `${registered}.currency_code dw.fact_registration_solution.contract_currency_code dw.fact_acv_schedule.contract_currency_code`,
)
instant(
  'RegistrationContract.StartDateTime',
  `${contract}.startDateTime`,
  '2025-09-07',
  `${registered}.contract_start_date`,
)
instant(
  'RegistrationContract.EndDateTime',
  `${contract}.endDateTime`,
  '2027-09-08',
  `${registered}.contract_end_date`,
)
instant(
  'RegistrationContract.SignDateTime',
  `${contract}.signDateTime`,
  '2025-08-09',
  `${registered}.contract_sign_date`,
)
arrives('RegistrationContract.Term', `${contract}.term`, 'MarkTerm', `${registered}.contract_term`)

const line = `${registration}.solutionDetails.0`
const sold = 'dw.fact_registration_solution'
solution('SolutionDetails', line, sold, 'Delivered', 'NOK')
arrives('SolutionDetails.Value', `${line}.value`, 733_733.3733, `${sold}.solution_value_amount`)
arrives(
  'SolutionDetails.Incentives',
  `${line}.incentives`,
  ['mark incentive'],
  `dw.dim_tag.tag_id ${sold}.incentives`,
)
flag(
  'SolutionDetails.IsDeployedOnAzure',
  `${line}.isDeployedOnAzure`,
  `${sold}.is_deployed_on_azure`,
)
arrives(
  'SolutionDetails.PrimaryDeploymentOn',
  `${line}.primaryDeploymentOn`,
  'MarkTenant',
  `${sold}.primary_deployment_on`,
)
arrives(
  'SolutionDetails.PricingModel',
  `${line}.pricingModel`,
  'MarkPricing',
  `${sold}.pricing_model`,
)
const marketplace = `${line}.marketplaceTransactionDetails`
flag(
  'MarketplaceTransactionDetails.IsMarketplaceTransacted',
  `${marketplace}.isMarketplaceTransacted`,
  `${sold}.is_marketplace_transacted`,
)
instant(
  'MarketplaceTransactionDetails.MarketplaceTransactionDateTime',
  `${marketplace}.marketplaceTransactionDateTime`,
  '2025-09-10',
  `${sold}.marketplace_transaction_date`,
)
const reviews = [
  ['ReviewPendingDateTime', '2025-10-11', 'review_pending_date'],
  ['ActionRequiredDateTime', '2025-10-12', 'action_required_date'],
  ['PassedDateTime', '2025-10-14', 'passed_at'],
  ['FailedDateTime', '2025-10-15', 'failed_at'],
  ['ApprovedDateTime', '2025-10-13', 'approved_at'],
] as const
for (const [name, day, column] of reviews) {
  const path = `${registration}.statusHistory.${name.charAt(0).toLowerCase()}${name.slice(1)}`
  instant(`StatusHistory.${name}`, path, day, `${registered}.${column}`)
}

const policy = 'registrationEligibilityPolicies.0'
const eligibility = 'dw.fact_registration_eligibility'
arrives(
  'EligibilityPolicy.PolicyName',
  `${policy}.policyName`,
  'mark policy',
  `${eligibility}.policy_name`,
)
flag('EligibilityPolicy.IsEligible', `${policy}.isEligible`, `${eligibility}.is_eligible`)
arrives(
  'EligibilityPolicy.ReferralProperties',
  `${policy}.referralProperties`,
  { 'mark key': 'mark value' },
  `${eligibility}.referral_properties`,
  'mark key=mark value',
)
arrives(
  'EligibilityPolicy.AdditionalProperties',
  `${policy}.additionalProperties`,
  ['mark tag'],
  `${eligibility}.additional_properties`,
)

type Json = Record<string, unknown>

/** A referral in which each property holds its marker, and the flag at `raised` alone is true. */
function markedReferral(raised?: string): Json {
  const referral: Json = {}
  for (const { path, sent } of arrivals) put(referral, path.split('.'), sent)
  for (const { path } of flags) put(referral, path.split('.'), path === raised)
  return referral
}

function put(target: Json, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[name] = value
    return
  }
  const inner = target[name] ?? (/^\d+$/.test(rest[0] ?? '') ? [] : {})
  target[name] = inner
  put(inner as Json, rest, value)
}

/** `ids` as the list and `target` as the object that the API and its documentation also know. */
function inOtherForms(referral: Json): Json {
  const profile = referral.customerProfile as Json
  const ids = Object.entries(profile.ids as Json)
  const list = ids.map(([name, id]) => ({
    profileType: name.charAt(0).toUpperCase() + name.slice(1),
    id,
  }))
  const [target] = referral.target as Json[]
  return { ...referral, target, customerProfile: { ...profile, ids: list } }
}

function respelled(value: unknown, spell: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => respelled(item, spell))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    // The names in a dictionary are values.
    entries.map(([name, item]) => [
      spell(name),
      name === 'referralProperties' ? item : respelled(item, spell),
    ]),
  )
}

function placeOf(column: string) {
  const [schema = '', table = '', name = ''] = column.split('.')
  return { schema, table, name }
}

/** Whether a column holds the text, or an instant or amount that begins or ends so. */
async function holds(db: Kysely<Database>, column: string, stored: string): Promise<boolean> {
  const { schema, table, name } = placeOf(column)
  const found = await sql<{ is_held: boolean }>`
    select exists (
      select from (select ${sql.ref(name)}::text as cell from ${sql.id(schema, table)}) t
      where cell in (${stored}, ${`${stored}00`}) or cell like ${`${stored} 10:11:12%`}) as is_held
  `.execute(db)
  return found.rows[0]?.is_held ?? false
}

/** Tables outside of `pii` that hold any of the texts in any column. */
async function holders(db: Kysely<Database>, texts: readonly string[]): Promise<string[]> {
  const tables = await sql<{ name: string }>`
    select schemaname || '.' || tablename as name from pg_tables
    where schemaname in ('raw', 'stg', 'dw', 'etl') order by name`.execute(db)
  const found: string[] = []
  for (const { name } of tables.rows) {
    const held = await sql`
      select from (select t::text as shown from ${sql.table(name)} t offset 0) t
      where exists (select from unnest(${texts}::text[]) told where position(told in shown) > 0)
      limit 1`.execute(db)
    if (held.rows.length > 0) found.push(name)
  }
  return found
}

const names = [...arrivals, ...flags].map(({ property }) => property)
const personal = arrivals.filter(({ columns }) => columns.every((name) => name.startsWith('pii.')))

test('every documented property has a column or a table', async () => {
  const fixture = new URL('../fixtures/documented-properties.json', import.meta.url)
  const documented: Record<string, string[]> = JSON.parse(await readFile(fixture, 'utf8'))
  const listed = Object.entries(documented).flatMap(([object, properties]) =>
    properties.map((property) => `${object}.${property}`),
  )
  expect([...new Set(names)].sort()).toEqual(listed.sort())
})

const pascal = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

describe.each([
  { how: 'in camelCase', change: (referral: Json): unknown => referral },
  { how: 'in PascalCase', change: (referral: Json) => respelled(referral, pascal) },
  { how: 'in camelCase and the other forms of ids and target', change: inOtherForms },
  {
    how: 'in PascalCase and the other forms of ids and target',
    change: (referral: Json) => respelled(inOtherForms(referral), pascal),
  },
])('a payload $how', ({ change }) => {
  test('every value of a payload arrives in its column, and people arrive in pii alone', () => {
    const flagged = flags.map(({ path }, index) => ({
      ...markedReferral(path),
      id: `flag-${index}`,
    }))
    const referrals = [markedReferral(), ...flagged].map((referral) =>
      JSON.stringify(change(referral)),
    )
    return withServedPage(pageOf(referrals), async ({ db, summary, logged }) => {
      expect(summary).toMatchObject({ seen: referrals.length, quarantined: 0 })
      const lost: string[] = []
      for (const { property, columns, stored } of arrivals) {
        for (const column of columns) {
          if (!(await holds(db, column, stored))) lost.push(`${property} in ${column}`)
        }
      }
      for (const [index, { property, column }] of flags.entries()) {
        const { schema, table, name } = placeOf(column)
        const raised = await sql<{ referral_id: string }>`
          select distinct t.referral_id
          from (select * from ${sql.id(schema, table)}
            ${table === 'dim_referral' ? sql`` : sql`join dw.dim_referral using (referral_key)`}) t
          where ${sql.ref(`t.${name}`)}`.execute(db)
        const ids = raised.rows.map((row) => row.referral_id)
        if (ids.length !== 1 || ids[0] !== `flag-${index}`) lost.push(`${property} in ${column}`)
      }
      expect(lost).toEqual([])
      const secrets = personal.map(({ stored }) => stored)
      expect(await holders(db, secrets)).toEqual([])
      expect(secrets.filter((secret) => logged.includes(secret))).toEqual([])
    })
  })
})
