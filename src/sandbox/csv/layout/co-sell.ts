import type { IotRequirements, Referral } from '../../referral.ts'
import { pickedDay } from '../cell/days.ts'
import { amount, personCell, solutionCell, text, yesOrNo } from '../cell/text.ts'
import { type Column, column, group, type Layout, type Row } from './column.ts'
import { matchedAccount, matchedDuns, microsoftTeam, websiteOf } from './matching.ts'
import { attributeOf, customerIdOf, isLead, solutionsOf } from './parts.ts'

const address = 'customerProfile.address'
const contact = 'customerProfile.team[]'
const solution = 'details.requirements.solutions[]'
const iot = 'details.requirements.additionalRequirements.iot'
const attributes = 'details.requirements.additionalRequirements.attributes[]'

const start: readonly Column[] = [
  column('Errors', null, ({ referral }) => errors(referral)),
  column('Engagement ID', 'engagementId', ({ referral }) => text(referral.engagementId)),
  column('Referral ID', 'id', ({ referral }) => text(referral.id)),
  column('Deal Name', 'name', ({ referral }) => text(referral.name)),
  column('Customer Name', 'customerProfile.name', ({ referral }) =>
    text(referral.customerProfile?.name),
  ),
  addressColumn('Customer Address Line 1', 'addressLine1'),
  addressColumn('Customer Address Line 2', 'addressLine2'),
  addressColumn('Customer City', 'city'),
  addressColumn('Customer State', 'state'),
]

/** The layouts spell this column differently. */
function postalCode(name: string): Column {
  return addressColumn(name, 'postalCode')
}

const customer: readonly Column[] = [
  addressColumn('Customer Country', 'country'),
  column(
    'Customer D-U-N-S ID',
    {
      'customerProfile.ids[].id': 'some',
      'customerProfile.ids[].profileType': 'some',
    },
    ({ referral }) => customerIdOf(referral, 'Duns'),
  ),
  contactColumn('Customer Contact First Name', 'firstName'),
  contactColumn('Customer Contact Last Name', 'lastName'),
  contactColumn('Customer Contact Phone number', 'phoneNumber'),
  contactColumn('Customer Contact Email Address', 'email'),
  column('Partner Referral Status', 'status', ({ referral }) => text(referral.status)),
  column('Partner Referral Substatus', 'substatus', ({ referral }) => text(referral.substatus)),
  column('Microsoft Referral Status', null, ({ microsoft }) => text(microsoft?.substatus)),
]

/** The layouts name this column differently. */
function closingReason(name: string): Column {
  return column(name, null, ({ referral }) => reasonNumber(referral))
}

const deal: readonly Column[] = [
  column('Sales Stage', 'salesStage', ({ referral }) => text(referral.salesStage)),
  column(
    'Estimated Deal Value',
    'details.dealValue',
    ({ referral }) => amount(referral.details?.dealValue),
    'amount',
  ),
  column('Currency', 'details.currency', ({ referral }) => text(referral.details?.currency)),
  column(
    'Estimated Close Date',
    { 'details.closingDateTime': 'day' },
    ({ referral }) => pickedDay(referral.details?.closingDateTime),
    'day',
  ),
  column('CRM ID', 'externalReferenceId', ({ referral }) => text(referral.externalReferenceId)),
  column('Marketing Campaign ID', 'campaignId', ({ referral }) => text(referral.campaignId)),
  column('Notes', 'details.notes', ({ referral }) => text(referral.details?.notes)),
  column('Microsoft help required?', null, ({ referral }) => yesOrNo(isHelpRequired(referral))),
  column(
    'What specific help from Microsoft?',
    { 'inviteContext.assistanceRequestCode': 'some' },
    ({ referral }) => helpNumber(referral),
  ),
  column(
    'Share with Microsoft sales team',
    'consent.consentToShareReferralWithMicrosoftSellers',
    ({ referral }) => yesOrNo(referral.consent?.consentToShareReferralWithMicrosoftSellers),
  ),
  column('Notes to Microsoft', 'inviteContext.notes', ({ referral }) =>
    text(referral.inviteContext?.notes),
  ),
  column(
    'Consent to share Customer/Partner contact',
    'consent.consentToToShareInfoWithOthers',
    ({ referral }) => yesOrNo(referral.consent?.consentToToShareInfoWithOthers),
  ),
]

const since2023: readonly Column[] = [
  iotColumn('CLA Number', 'customerLicenseAgreementNumber'),
  iotColumn('Device Category', 'deviceCategory'),
  iotColumn('Silicon Type', 'siliconType'),
  iotColumn('Azure Certified Device', 'azureCertifiedDevice'),
  iotColumn('Attach Services', 'attachServices'),
  column('Microsoft MSX ID', 'trackingInfo.microsoftMsxId', ({ referral }) =>
    text(referral.trackingInfo?.microsoftMsxId),
  ),
  column('Migrated PSC Deal ID', 'trackingInfo.migratedPSCDealId', ({ referral }) =>
    text(referral.trackingInfo?.migratedPSCDealId),
  ),
  column('PartnerID (formerly MPN ID)', 'mpnId', ({ referral }) => text(referral.mpnId)),
  column(
    'Marketplace Purchase Intent',
    { [`${attributes}.id`]: 'some', [`${attributes}.type`]: 'some' },
    ({ referral }) => intent(attributeOf(referral, 'CustomerMarketplaceIntent')),
  ),
  column('Customer Domain Name', null, ({ referral }) => websiteOf(referral)),
  column('Final Matched Customer Account', null, ({ referral }) => matchedAccount(referral, 11)),
  column('Managed Account 1', null, ({ referral }) => matchedAccount(referral, 11)),
  column('Managed Account 2', null, ({ referral }) => matchedAccount(referral, 12)),
  column('Unmanaged Account 1', null, ({ referral }) => matchedAccount(referral, 13)),
  column('Unmanaged Account 2', null, () => ''),
  column('DUNS Account', null, ({ referral }) => matchedDuns(referral)),
]

const solutions = group(
  'Solution',
  {
    [`${solution}.id`]: 'whole',
    [`${solution}.currency`]: 'whole',
    [`${solution}.price`]: 'whole',
    [`${solution}.quantity`]: 'whole',
  },
  ({ referral }) => solutionsOf(referral).map(solutionCell),
)
const team = group(
  'Team member',
  {
    'team[].firstName': 'whole',
    'team[].lastName': 'whole',
    'team[].phoneNumber': 'whole',
    'team[].email': 'whole',
  },
  ({ referral }) => (referral.team ?? []).map(personCell),
)
const sellers = group('Microsoft team member', {}, ({ referral }) =>
  isHelpRequired(referral) ? microsoftTeam(referral).map(personCell) : [],
)

/** Download of co-sell opportunities with the columns of August 2023. */
export const coSell2023: Layout = {
  name: 'co-sell-opportunities-2023',
  title: 'co-sell opportunities (2023)',
  isPadded: false,
  includes: (referral) => !isLead(referral),
  columns: [
    ...start,
    postalCode('Customer Postal code'),
    ...customer,
    closingReason('Declined/Lost/Error reason'),
    ...deal,
    ...since2023,
    solutions,
    team,
    sellers,
  ],
}

/** Export of co-sell opportunities with the columns of 2021. */
export const coSell2021: Layout = {
  name: 'co-sell-opportunities-2021',
  title: 'co-sell opportunities (2021)',
  isPadded: false,
  includes: (referral) => !isLead(referral),
  columns: [
    ...start,
    postalCode('Customer Postal Code'),
    ...customer,
    closingReason('Declined/Lost reason'),
    ...deal,
    solutions,
    team,
  ],
}

function addressColumn(
  name: string,
  property: 'addressLine1' | 'addressLine2' | 'city' | 'state' | 'postalCode' | 'country',
): Column {
  return column(name, `${address}.${property}`, ({ referral }) =>
    text(referral.customerProfile?.address?.[property]),
  )
}

function contactColumn(
  name: string,
  property: 'firstName' | 'lastName' | 'phoneNumber' | 'email',
): Column {
  return column(name, { [`${contact}.${property}`]: 'first' }, ({ referral }) =>
    text(referral.customerProfile?.team?.[0]?.[property]),
  )
}

function iotColumn(name: string, property: keyof IotRequirements): Column {
  return column(name, `${iot}.${property}`, ({ referral }: Row) => {
    const value = referral.details?.requirements?.additionalRequirements?.iot?.[property]
    return typeof value === 'boolean' ? yesOrNo(value) : text(value)
  })
}

/** Returns what an upload of the row would complain of. */
function errors(referral: Referral): string {
  const missing = [
    solutionsOf(referral).length === 0 ? 'Solution 1' : '',
    (referral.team ?? []).length === 0 ? 'Team member 1' : '',
  ].filter((name) => name !== '')
  return missing.map((name) => `Required field ${name} missing`).join('; ')
}

/** Returns true for a deal that Microsoft works on as well. */
function isHelpRequired({ type }: Referral): boolean {
  return type === 'Shared'
}

const helpNumbers: Readonly<Record<string, string>> = {
  WorkloadSpecificValueProposition: '1',
  CustomerTechnicalArchitecture: '2',
  ProofOfConceptOrDemo: '3',
  QuotesOrLicensing: '4',
  PostSalesCustomerSuccess: '5',
  GeneralOrOther: '6',
}

function helpNumber(referral: Referral): string {
  const code = text(referral.inviteContext?.assistanceRequestCode)
  return isHelpRequired(referral) ? (helpNumbers[code] ?? '') : ''
}

/** Numbers of the documented lists, of which errors have one of their own. */
const reasonNumbers: Readonly<Record<string, string>> = {
  'No budget': '1',
  'Lost to competition': '3',
  'Price &amp; terms': '4',
  'Duplicate of another referral': '2',
  'Test referral': '7',
}

function reasonNumber({ substatus, statusReason }: Referral): string {
  if (!['Declined', 'Lost', 'Error'].includes(text(substatus))) return ''
  return reasonNumbers[text(statusReason)] ?? (substatus === 'Error' ? '9' : '8')
}

function intent(value: string): string {
  return value === 'HaveNotDecided' ? 'Have not decided' : value
}
