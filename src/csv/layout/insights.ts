import { column, type Layout } from './column.ts'
import {
  azureOrOther,
  callsToAction,
  contractTerms,
  deployments,
  directions,
  leadSources,
  leadTypes,
  pricingModels,
  statuses,
} from './words.ts'

// The two downloads of Partner Center Insights. Amounts in USD and Microsoft's annual contract
// value are in no property of a referral: they stay cells.

const registration = 'registrations.0'
const contract = `${registration}.contract`
const attribute = 'details.requirements.additionalRequirements.attributes.0'
const registered = `${registration}.solutionDetails.0`
const history = `${registration}.statusHistory`
const marketplace = `${registered}.marketplaceTransactionDetails`

const partnerId = column('PartnerID', 'id', 'mpnId', {
  also: ['PartnerID (formerly MPN ID)', 'MPN ID'],
})
const customer = [
  column('Customer Country', 'text', 'customerProfile.address.country'),
  column('Customer City', 'text', 'customerProfile.address.city'),
  column('Customer Name', 'text', 'customerProfile.name'),
]
const status = [
  column('Status', 'word', 'status', { values: statuses }),
  column('Status Reason', 'text', 'statusReason'),
]

export const insightsCosell: Layout = {
  name: 'insights_cosell',
  title: 'Insights co-sell download',
  columns: [
    column('Referral ID', 'referralId', 'id', { isRequired: true }),
    ...customer,
    column('Referral Creation Date', 'date', 'createdDateTime'),
    column('Deal Type', 'text', null),
    column('Deal Direction', 'word', 'direction', { values: directions }),
    column('Deal currency', 'currency', 'details.currency'),
    column('Estimated Deal value', 'amount', 'details.dealValue'),
    column('Estimated Deal value (USD)', 'amount', null),
    column('Solution ID', 'list', 'details.requirements.solutions.id'),
    column('Solution Name', 'list', 'details.requirements.solutions.name'),
    partnerId,
    column('Partner Name', 'text', 'organizationName'),
    column('Deal ID', 'id', `${registration}.id`),
    column('Engagement ID', 'referralId', 'engagementId'),
    column('Microsoft MSX ID', 'id', 'trackingInfo.microsoftMsxId'),
    column('Microsoft Referral Creation Date', 'date', null),
    column('Contract Currency', 'currency', `${contract}.currency`),
    column('Contract Value', 'amount', `${contract}.value`),
    column('Contract Value (USD)', 'amount', null),
    column('Contract Start Date', 'date', `${contract}.startDateTime`),
    column('Contract End Date', 'date', `${contract}.endDateTime`),
    column('Contract Sign Date', 'date', `${contract}.signDateTime`),
    column('Contract Term', 'word', `${contract}.term`, { values: contractTerms }),
    column('Registered deal solution ID', 'id', `${registered}.id`),
    column('Registered deal solution name', 'text', `${registered}.name`),
    column('Registered deal solution currency', 'currency', `${registered}.currency`),
    column('Registered deal solution value', 'amount', `${registered}.value`),
    column('Registered deal solution value (USD)', 'amount', null),
    column('Deployed On', 'flag', `${registered}.isDeployedOnAzure`, { values: azureOrOther }),
    column('Primary Deployment On', 'word', `${registered}.primaryDeploymentOn`, {
      values: deployments,
    }),
    column('Deal Creation Date', 'date', `${registration}.registrationDateTime`),
    column('Deal Review Pending Date', 'date', `${history}.reviewPendingDateTime`),
    column('Deal Approved Date', 'date', `${history}.approvedDateTime`),
    column('Deal Review Passed Date', 'date', `${history}.passedDateTime`),
    column('Deal Review Failed Date', 'date', `${history}.failedDateTime`),
    column('Annual Contract Value', 'amount', null),
    column('Pricing Model', 'word', `${registered}.pricingModel`, { values: pricingModels }),
    column('US Federal Deal', 'flag', null),
    column('Is Marketplace Transacted Deal', 'flag', `${marketplace}.isMarketplaceTransacted`),
    column('Marketplace transaction date', 'date', `${marketplace}.marketplaceTransactionDateTime`),
    ...status,
    column('Partner Program', 'text', null),
    column('Partner Role', 'text', `${attribute}.id`, {
      beside: { [`${attribute}.type`]: 'PartnerRole' },
    }),
  ],
  registrationProof: [
    'Deal Creation Date',
    'Deal Review Pending Date',
    'Deal Approved Date',
    'Deal Review Passed Date',
    'Deal Review Failed Date',
    'Contract Value',
    'Registered deal solution ID',
    'Registered deal solution value',
  ],
  sourceDays: [
    'Referral Creation Date',
    'Microsoft Referral Creation Date',
    'Deal Creation Date',
    'Deal Review Pending Date',
    'Deal Approved Date',
    'Deal Review Passed Date',
    'Deal Review Failed Date',
  ],
}

export const insightsLeads: Layout = {
  name: 'insights_leads',
  title: 'Insights leads download',
  columns: [
    column('Referral ID', 'referralId', 'id', { isRequired: true }),
    column('Creation Date', 'date', 'createdDateTime'),
    column('Updated Date', 'date', 'updatedDateTime'),
    partnerId,
    ...customer,
    column('Lead Type', 'word', 'qualification', { values: leadTypes }),
    column('Lead Source', 'word', 'referralSource', { values: leadSources }),
    column('Call to action', 'word', 'callToAction', { values: callsToAction }),
    column('Referral program', 'text', 'referralProgram'),
    column('Business profile ID', 'id', 'target.0.id', {
      beside: { 'target.0.type': 'BusinessProfileLocation' },
    }),
    column('Offer ID', 'list', 'details.requirements.offers.id'),
    column('Offer name', 'list', 'details.requirements.offers.name'),
    column('Lead currency', 'currency', 'details.currency'),
    column('Lead value', 'amount', 'details.dealValue'),
    column('Lead value (USD)', 'amount', null),
    ...status,
  ],
  registrationProof: [],
  sourceDays: ['Creation Date', 'Updated Date'],
}
