import type { EligibilityPolicy } from '../referral.ts'

/** Places where the sandbox offers eligibility policies. Which one the live API has is not documented. */
export const policyPlaces = ['none', 'property', 'address'] as const
export type PolicyPlace = (typeof policyPlaces)[number]

/**
 * Returns the eligibility policies of a referral, the same each time: none for a third of all
 * referrals, else one or two.
 */
export function policiesOf(referralId: string): EligibilityPolicy[] {
  const number = Number.parseInt(referralId.slice(0, 8), 16)
  const policies = [
    {
      policyName: 'SolutionEligibility',
      isEligible: number % 2 === 0,
      referralProperties: { solutionCount: String(number % 5), country: 'DE' },
      additionalProperties: ['MSFT Internal Azure IP Co-Sell'],
    },
    {
      policyName: 'CustomerEligibility',
      isEligible: number % 7 !== 0,
      referralProperties: {},
      additionalProperties: [],
    },
  ]
  return policies.slice(0, number % 3)
}
