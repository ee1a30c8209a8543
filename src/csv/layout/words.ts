import { wordList } from './column.ts'

// Values that the API documents, as the cells may spell them: `Have not decided` is HaveNotDecided.

export const statuses = wordList(['None', 'New', 'Active', 'Closed'])

/** Status that each substatus is allowed under. */
export const statusOfSubstatus: ReadonlyMap<string, string> = new Map([
  ['Pending', 'New'],
  ['Received', 'New'],
  ['Accepted', 'Active'],
  ['Won', 'Closed'],
  ['Lost', 'Closed'],
  ['Declined', 'Closed'],
  ['Expired', 'Closed'],
  ['Error', 'Closed'],
])
export const substatuses = wordList(['None', ...statusOfSubstatus.keys()])

export const registrationStatuses = wordList([
  'None',
  'ReviewPending',
  'ActionRequired',
  'Approved',
  'Failed',
  'Passed',
  'Closed',
])
export const registrationTypes = wordList(['AzureIPCoSell'])
export const contractTerms = wordList(['Perpetual', 'Finite'])
export const deployments = wordList(['Customer', 'Partner'], {
  'Customer Tenant': 'Customer',
  'Partner Tenant': 'Partner',
})
export const pricingModels = wordList(['Other', 'PayAsYouGo'], { Others: 'Other' })
export const directions = wordList(['Incoming', 'Outgoing'])
export const leadSources = wordList(['AppSource', 'AzureMarketplace', 'AzurePortal', 'PowerBI'])
/** A lead is qualified by Microsoft, or comes from the partner's own offer or profile. */
export const leadTypes = wordList([], {
  'Qualified lead': 'MarketingQualified',
  'Offer lead': 'Direct',
  'Profile lead': 'Direct',
})
export const callsToAction = wordList(['ContactMe', 'FreeTrial', 'GetItNow'])
export const purchaseIntents = wordList(['Yes', 'No', 'HaveNotDecided'])
/** Whether a solution runs on Azure, by the cloud that is named. */
export const azureOrOther = wordList([], { Azure: 'Yes', Other: 'No', Others: 'No' })

/** Numbers by which the template asks Microsoft for help. */
export const helpCodes: ReadonlyMap<string, string> = new Map([
  ['1', 'WorkloadSpecificValueProposition'],
  ['2', 'CustomerTechnicalArchitecture'],
  ['3', 'ProofOfConceptOrDemo'],
  ['4', 'QuotesOrLicensing'],
  ['5', 'PostSalesCustomerSuccess'],
  ['6', 'GeneralOrOther'],
])
