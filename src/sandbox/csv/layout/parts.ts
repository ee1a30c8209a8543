import type {
  CustomerId,
  Referral,
  Registration,
  RegistrationContract,
  SolutionDetails,
  SolutionTag,
  StatusHistory,
} from '../../referral.ts'

// Parts of a referral that files show, whether present, null or absent.

/** Returns true for a lead, whether of the marketplace or of Microsoft's marketing. */
export function isLead({ qualification }: Referral): boolean {
  return qualification === 'Direct' || qualification === 'MarketingQualified'
}

/** Returns true for the referral that is Microsoft's own record of a deal. */
export function isMicrosofts({ target }: Referral): boolean {
  return Array.isArray(target) && target.some(({ id }) => id === 'msft')
}

export function registrationOf({ registrations }: Referral): Registration | undefined {
  return registrations?.[0]
}

export function contractOf(referral: Referral): RegistrationContract {
  return registrationOf(referral)?.contract ?? {}
}

/** Returns the first line of the registration, the only one that files show. */
export function lineOf(referral: Referral): SolutionDetails {
  return registrationOf(referral)?.solutionDetails?.[0] ?? {}
}

export function historyOf(referral: Referral): StatusHistory {
  return registrationOf(referral)?.statusHistory ?? {}
}

export function solutionsOf({ details }: Referral): readonly SolutionTag[] {
  return details?.requirements?.solutions ?? []
}

/** Returns the ids of one kind that a customer has: `Duns`, `External`, `Moodys`. */
export function customerIdOf({ customerProfile }: Referral, kind: string): string {
  const ids = customerProfile?.ids
  const found = Array.isArray(ids) ? ids.find(isOf(kind)) : undefined
  return found?.id ?? ''
}

function isOf(kind: string): (id: CustomerId) => boolean {
  return ({ profileType }) => profileType === kind
}

/** Returns the attribute of a kind, such as `CustomerMarketplaceIntent`. */
export function attributeOf({ details }: Referral, kind: string): string {
  const attributes = details?.requirements?.additionalRequirements?.attributes ?? []
  return attributes.find(({ type }) => type === kind)?.id ?? ''
}
