import { column, type Layout } from './column.ts'
import {
  contractTerms,
  deployments,
  pricingModels,
  registrationStatuses,
  registrationTypes,
} from './words.ts'

// Download of Azure IP co-sell deal registrations: one row a registration, by its referral.

const registration = 'registrations.0'
const contract = `${registration}.contract`
const solution = `${registration}.solutionDetails.0`
const history = `${registration}.statusHistory`
const marketplace = `${solution}.marketplaceTransactionDetails`

export const registrations: Layout = {
  name: 'registrations',
  title: 'Azure IP co-sell deal registrations',
  columns: [
    column('Referral ID', 'referralId', 'id', { isRequired: true }),
    column('Registration Date', 'date', `${registration}.registrationDateTime`),
    column('Registration Type', 'word', `${registration}.type`, { values: registrationTypes }),
    column('Registration Status', 'word', `${registration}.status`, {
      values: registrationStatuses,
      paths: [`${registration}.status`, 'registrationStatus'],
    }),
    column('Registration Status Reason', 'text', `${registration}.statusReason`),
    column('Is Marketplace Transacted', 'flag', `${marketplace}.isMarketplaceTransacted`),
    column('Marketplace Transaction Date', 'date', `${marketplace}.marketplaceTransactionDateTime`),
    column('Is Deployed on Azure', 'flag', `${solution}.isDeployedOnAzure`),
    column('Contract Value', 'amount', `${contract}.value`),
    column('Contract Currency', 'currency', `${contract}.currency`),
    column('Contract Term', 'word', `${contract}.term`, { values: contractTerms }),
    column('Contract Sign Date', 'date', `${contract}.signDateTime`),
    column('Contract Start Date', 'date', `${contract}.startDateTime`),
    column('Contract End Date', 'date', `${contract}.endDateTime`),
    column('Solution Value', 'amount', `${solution}.value`),
    column('Solution Currency', 'currency', `${solution}.currency`),
    column('Primary Deployment On', 'word', `${solution}.primaryDeploymentOn`, {
      values: deployments,
    }),
    column('Pricing Model', 'word', `${solution}.pricingModel`, { values: pricingModels }),
    column('Review Pending Date', 'date', `${history}.reviewPendingDateTime`),
    column('Action Required Date', 'date', `${history}.actionRequiredDateTime`),
    column('Passed Date', 'date', `${history}.passedDateTime`),
    column('Failed Date', 'date', `${history}.failedDateTime`),
    column('Approved Date', 'date', `${history}.approvedDateTime`),
    column('Errors', 'errors', null, { isOptional: true, isRestricted: true }),
  ],
  registrationProof: [],
  sourceDays: [
    'Registration Date',
    'Review Pending Date',
    'Action Required Date',
    'Passed Date',
    'Failed Date',
    'Approved Date',
  ],
}
