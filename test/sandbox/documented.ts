/** Short enumerations of the resource page; the sandbox has the long lists. */
export const statuses = ['None', 'New', 'Active', 'Closed'] as const
export const substatuses = [
  'None',
  'Pending',
  'Received',
  'Accepted',
  'Won',
  'Lost',
  'Declined',
  'Expired',
  'Error',
] as const
export const referralTypes = ['Shared', 'Independent'] as const
export const qualifications = ['None', 'Direct', 'MarketingQualified', 'SalesQualified'] as const
export const solutionKinds = ['None', 'Category', 'Name'] as const
export const solutionTypes = ['1P', '3P', 'SA'] as const
export const targetTypes = ['None', 'BusinessProfileLocation', 'SolutionProfile'] as const
export const registrationStatuses = [
  'None',
  'ReviewPending',
  'ActionRequired',
  'Approved',
  'Failed',
  'Passed',
] as const
export const contractTerms = ['Perpetual', 'Finite'] as const
export const deployments = ['Customer', 'Partner'] as const
export const pricingModels = ['Other', 'PayAsYouGo'] as const
