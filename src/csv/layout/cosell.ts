import { column, type Layout } from './column.ts'
import { helpCodes, purchaseIntents, statuses, substatuses } from './words.ts'

// Download of co-sell opportunities; the file of an upload and its answer have the same columns.

const contact = 'customerProfile.team.0'
const iot = 'details.requirements.additionalRequirements.iot'
const attribute = 'details.requirements.additionalRequirements.attributes.0'
const restricted = { isRestricted: true }

const columns2021 = [
  column('Errors', 'errors', null, { isOptional: true, isRestricted: true }),
  column('Engagement ID', 'referralId', 'engagementId'),
  column('Referral ID', 'referralId', 'id', { isRequired: true }),
  column('Deal Name', 'text', 'name'),
  column('Customer Name', 'text', 'customerProfile.name'),
  column('Customer Address Line 1', 'text', 'customerProfile.address.addressLine1'),
  column('Customer Address Line 2', 'text', 'customerProfile.address.addressLine2'),
  column('Customer City', 'text', 'customerProfile.address.city'),
  column('Customer State', 'text', 'customerProfile.address.state'),
  column('Customer Postal Code', 'postalCode', 'customerProfile.address.postalCode'),
  column('Customer Country', 'text', 'customerProfile.address.country'),
  column('Customer D-U-N-S ID', 'duns', 'customerProfile.ids.0.id', {
    beside: { 'customerProfile.ids.0.profileType': 'Duns' },
  }),
  column('Customer Contact First Name', 'text', `${contact}.firstName`, restricted),
  column('Customer Contact Last Name', 'text', `${contact}.lastName`, restricted),
  column('Customer Contact Phone number', 'id', `${contact}.phoneNumber`, restricted),
  column('Customer Contact Email Address', 'text', `${contact}.email`, restricted),
  column('Partner Referral Status', 'word', 'status', { values: statuses }),
  column('Partner Referral Substatus', 'word', 'substatus', { values: substatuses }),
  column('Microsoft Referral Status', 'text', null),
  // A number whose text the API does not give; statusReason is free text.
  column('Declined/Lost/Error reason', 'text', null, { also: ['Declined/Lost reason'] }),
  column('Sales Stage', 'text', 'salesStage'),
  column('Estimated Deal Value', 'amount', 'details.dealValue'),
  column('Currency', 'currency', 'details.currency'),
  column('Estimated Close Date', 'date', 'details.closingDateTime'),
  column('CRM ID', 'id', 'externalReferenceId'),
  column('Marketing Campaign ID', 'id', 'campaignId'),
  column('Notes', 'text', 'details.notes', restricted),
  column('Microsoft help required?', 'flag', null),
  column('What specific help from Microsoft?', 'code', 'inviteContext.assistanceRequestCode', {
    values: helpCodes,
  }),
  column(
    'Share with Microsoft sales team',
    'flag',
    'consent.consentToShareReferralWithMicrosoftSellers',
  ),
  column('Notes to Microsoft', 'text', 'inviteContext.notes', restricted),
  column(
    'Consent to share Customer/Partner contact',
    'flag',
    'consent.consentToToShareInfoWithOthers',
  ),
  column('Solution', 'solution', 'details.requirements.solutions', { isRepeated: true }),
  column('Team member', 'person', 'team', { isRepeated: true, isRestricted: true }),
]

const added2023 = [
  column('CLA Number', 'id', `${iot}.customerLicenseAgreementNumber`),
  column('Device Category', 'text', `${iot}.deviceCategory`),
  column('Silicon Type', 'text', `${iot}.siliconType`),
  column('Azure Certified Device', 'flag', `${iot}.azureCertifiedDevice`),
  column('Attach Services', 'flag', `${iot}.attachServices`),
  column('Microsoft MSX ID', 'id', 'trackingInfo.microsoftMsxId'),
  column('Migrated PSC Deal ID', 'id', 'trackingInfo.migratedPSCDealId'),
  column('PartnerID (formerly MPN ID)', 'id', 'mpnId', { also: ['MPN ID'] }),
  column('Marketplace Purchase Intent', 'word', `${attribute}.id`, {
    values: purchaseIntents,
    beside: { [`${attribute}.type`]: 'CustomerMarketplaceIntent' },
  }),
  column('Customer Domain Name', 'text', null),
  // The page of the download names these differently in its text and in its table.
  column('Final Matched Customer Account', 'text', null, {
    also: ['Final account match', 'Final Account Matched'],
    isOptional: true,
  }),
  column('Matched category', 'text', null, { isOptional: true }),
  column('Confidence', 'text', null, { isOptional: true }),
  column('Managed Account', 'text', null, { isRepeated: true }),
  column('Unmanaged Account', 'text', null, { isRepeated: true }),
  column('DUNS Account', 'text', null, { isRepeated: true }),
  column('Microsoft team member', 'person', null, { isRepeated: true, isRestricted: true }),
]

export const cosell2023: Layout = {
  name: 'cosell_2023',
  title: 'co-sell opportunities (2023)',
  columns: [...columns2021, ...added2023],
  registrationProof: [],
  sourceDays: [],
}

export const cosell2021: Layout = {
  name: 'cosell_2021',
  title: 'co-sell opportunities (2021)',
  columns: columns2021,
  registrationProof: [],
  sourceDays: [],
}
