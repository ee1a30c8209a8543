import { createHash, createHmac } from 'node:crypto'
import type { TransformContext } from '../../src/transform/to-rows.ts'

const documented: Readonly<Record<string, readonly string[]>> = {
  CallToAction: ['ContactMe', 'FreeTrial', 'GetItNow'],
  ContractTerm: ['Perpetual', 'Finite'],
  CustomerMarketplaceIntent: ['Yes', 'No', 'HaveNotDecided'],
  CustomerSize: ['1to50employees', '51to500employees', 'Morethan500employees', '10to50employees'],
  Industries: ['Education', 'Healthcare', 'Communications & Media', 'Manufacturing'],
  PartnerRole: ['Managed services', 'Solution design'],
  PricingModel: ['Other', 'PayAsYouGo'],
  PrimaryDeploymentOn: ['Customer', 'Partner'],
  Products: ['Azure', 'Teams', 'DynamicsAX,GP,NAV,SL'],
  ReferralQualification: ['None', 'Direct', 'MarketingQualified', 'SalesQualified'],
  ReferralSource: ['AppSource', 'AzureMarketplace', 'AzurePortal', 'PowerBI'],
  ReferralStatus: ['None', 'New', 'Active', 'Closed'],
  ReferralSubstatus: [
    'None',
    'Pending',
    'Received',
    'Accepted',
    'Won',
    'Lost',
    'Declined',
    'Expired',
    'Error',
  ],
  ReferralType: ['Shared', 'Independent'],
  RegistrationStatus: ['None', 'ReviewPending', 'ActionRequired', 'Approved', 'Failed', 'Passed'],
  RegistrationType: ['AzureIPCoSell'],
  Services: ['Hardware', 'Integration', 'ManagedServices'],
  SolutionArea: ['AI Business Solutions', 'Cloud and AI Platforms', 'Security'],
  SolutionPlay: ['Data Security', 'Converged Communications', 'Unify Your Data Platform'],
  Solutions: ['BigData', 'DataWarehouse'],
  SolutionType: ['None', 'Category', 'Name'],
  TargetType: ['None', 'BusinessProfileLocation', 'SolutionProfile'],
}

/** The documented vocabulary, cut down to what tests use, and hashes as the pipeline makes them. */
export const transformContext: TransformContext = {
  minorUnits: new Map([
    ['USD', 2],
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
  ]),
  enums: new Map(
    Object.entries(documented).map(([name, values]) => [
      name,
      new Map(values.map((value) => [value.toLowerCase(), value])),
    ]),
  ),
  transitions: new Map([
    ['New', new Set(['New', 'Active', 'Closed'])],
    ['Active', new Set(['Active', 'Closed'])],
    ['Closed', new Set(['Closed'])],
  ]),
  substatuses: new Map([
    ['New', new Set(['Pending', 'Received'])],
    ['Active', new Set(['Accepted'])],
    ['Closed', new Set(['Won', 'Lost', 'Declined', 'Expired', 'Error'])],
  ]),
  plays: new Map([
    ['Converged Communications', ['AI Business Solutions', 'Security']],
    ['Data Security', ['Security']],
    ['Unify Your Data Platform', ['Cloud and AI Platforms']],
  ]),
  calendarDateRule: 'nearest_midnight',
  eligibilityProperty: 'registrationEligibilityPolicies',
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
  hmac: (text) => createHmac('sha256', 'a secret of the tests').update(text).digest('hex'),
  erased: new Set(),
  thresholds: {
    registrationDaysMax: 60,
    startDaysBeforeRegistrationMax: 90,
    wonHoursMin: 72,
  },
}
