/**
 * Shapes of the Referrals API as they are on the wire. Every property may be absent, null or empty,
 * and newer ones may be present that are not listed here.
 *
 * Glossary. A *referral* is one party's record of a deal; referrals that share an *engagement* are
 * the same deal seen by several parties. A *registration* claims incentives for a won referral; its
 * *contract* has a value and a term. A *page* is one answer of the list call, a *window* the span of
 * time that a run reads, a *run* one pass over one partner account, the *landing zone* the tables
 * that keep each *version* of a payload as received, the *watermark* the source time up to which
 * everything is published, a *grain* what one row of a table stands for.
 */

/** `2022-02-28T17:27:47.8754901Z`: UTC with 0 to 7 fraction digits. */
export type WireInstant = string
/** A JSON number, or a string of digits where a double could not hold the value. */
export type WireDecimal = number | string
type Maybe<T> = T | null

export interface Referral {
  id?: Maybe<string>
  engagementId?: Maybe<string>
  name?: Maybe<string>
  organizationId?: Maybe<string>
  organizationName?: Maybe<string>
  externalReferenceId?: Maybe<string>
  createdDateTime?: Maybe<WireInstant>
  updatedDateTime?: Maybe<WireInstant>
  expirationDateTime?: Maybe<WireInstant>
  acceptedDateTime?: Maybe<WireInstant>
  closedDateTime?: Maybe<WireInstant>
  status?: Maybe<string>
  substatus?: Maybe<string>
  statusReason?: Maybe<string>
  type?: Maybe<string>
  qualification?: Maybe<string>
  direction?: Maybe<string>
  referralSource?: Maybe<string>
  callToAction?: Maybe<string>
  salesStage?: Maybe<string>
  eTag?: Maybe<string>
  mpnId?: Maybe<string>
  registrationStatus?: Maybe<string>
  target?: Maybe<Target[] | Target>
  customerProfile?: Maybe<CustomerProfile>
  consent?: Maybe<Consent>
  details?: Maybe<ReferralDetails>
  team?: Maybe<Member[]>
  inviteContext?: Maybe<InviteContext>
  trackingInfo?: Maybe<{ microsoftMsxId?: Maybe<string>; [key: string]: unknown }>
  registrations?: Maybe<Registration[]>
  [key: string]: unknown
}

export interface Target {
  id?: Maybe<string>
  type?: Maybe<string>
}

export interface CustomerProfile {
  name?: Maybe<string>
  address?: Maybe<Address>
  size?: Maybe<string>
  team?: Maybe<Member[]>
  /** A list on the live wire, an object in the resource page. */
  ids?: Maybe<CustomerId[] | CustomerIds>
  [key: string]: unknown
}

export interface CustomerId {
  profileType?: Maybe<string>
  id?: Maybe<string>
}

export interface CustomerIds {
  moodys?: Maybe<string>
  external?: Maybe<string>
  duns?: Maybe<string>
}

export interface Address {
  addressLine1?: Maybe<string>
  addressLine2?: Maybe<string>
  city?: Maybe<string>
  state?: Maybe<string>
  postalCode?: Maybe<string>
  country?: Maybe<string>
  region?: Maybe<string>
}

export interface Member {
  firstName?: Maybe<string>
  lastName?: Maybe<string>
  phoneNumber?: Maybe<string>
  email?: Maybe<string>
  title?: Maybe<string>
  contactPreference?: Maybe<{ locale?: Maybe<string>; disableNotifications?: Maybe<boolean> }>
  [key: string]: unknown
}

export interface Consent {
  /** The doubled "To" is the API's own spelling. */
  consentToToShareInfoWithOthers?: Maybe<boolean>
  consentToContact?: Maybe<boolean>
  consentToShareReferralWithMicrosoftSellers?: Maybe<boolean>
  consentToMicrosoftToContactSpecificPartners?: Maybe<boolean>
}

export interface InviteContext {
  notes?: Maybe<string>
  invitedBy?: Maybe<{ organizationId?: Maybe<string>; organizationName?: Maybe<string> }>
  [key: string]: unknown
}

export interface ReferralDetails {
  notes?: Maybe<string>
  dealValue?: Maybe<WireDecimal>
  currency?: Maybe<string>
  closingDateTime?: Maybe<WireInstant>
  requirements?: Maybe<ReferralRequirements>
  [key: string]: unknown
}

export interface ReferralRequirements {
  industries?: Maybe<Tag[]>
  products?: Maybe<Tag[]>
  services?: Maybe<Tag[]>
  solutions?: Maybe<SolutionTag[]>
  offers?: Maybe<OfferTag[]>
  additionalRequirements?: Maybe<{
    iot?: Maybe<IotRequirements>
    attributes?: Maybe<AttributeTag[]>
  }>
  [key: string]: unknown
}

export interface Tag {
  id?: Maybe<string>
}

export interface AttributeTag {
  id?: Maybe<string>
  type?: Maybe<string>
}

export interface SolutionTag {
  id?: Maybe<string>
  name?: Maybe<string>
  type?: Maybe<string>
  solutionType?: Maybe<string>
  price?: Maybe<string>
  currency?: Maybe<string>
  quantity?: Maybe<WireDecimal>
  publisherName?: Maybe<string>
  [key: string]: unknown
}

export interface OfferTag {
  id?: Maybe<string>
  name?: Maybe<string>
  type?: Maybe<string>
  offerType?: Maybe<string>
  publisherName?: Maybe<string>
}

export interface IotRequirements {
  customerLicenseAgreementNumber?: Maybe<string>
  deviceCategory?: Maybe<string>
  siliconType?: Maybe<string>
  azureCertifiedDevice?: Maybe<boolean>
  attachServices?: Maybe<boolean>
}

export interface Registration {
  id?: Maybe<string>
  registrationDateTime?: Maybe<WireInstant>
  status?: Maybe<string>
  statusReason?: Maybe<string>
  type?: Maybe<string>
  contract?: Maybe<RegistrationContract>
  solutionDetails?: Maybe<SolutionDetails[]>
  statusHistory?: Maybe<StatusHistory>
}

export interface RegistrationContract {
  value?: Maybe<WireDecimal>
  currency?: Maybe<string>
  startDateTime?: Maybe<WireInstant>
  endDateTime?: Maybe<WireInstant>
  signDateTime?: Maybe<WireInstant>
  term?: Maybe<string>
}

export interface SolutionDetails extends SolutionTag {
  value?: Maybe<WireDecimal>
  incentives?: Maybe<string[]>
  isDeployedOnAzure?: Maybe<boolean>
  primaryDeploymentOn?: Maybe<string>
  pricingModel?: Maybe<string>
  marketplaceTransactionDetails?: Maybe<{
    isMarketplaceTransacted?: Maybe<boolean>
    marketplaceTransactionDateTime?: Maybe<WireInstant>
  }>
}

export interface StatusHistory {
  reviewPendingDateTime?: Maybe<WireInstant>
  actionRequiredDateTime?: Maybe<WireInstant>
  passedDateTime?: Maybe<WireInstant>
  failedDateTime?: Maybe<WireInstant>
  approvedDateTime?: Maybe<WireInstant>
}

/** The "Deal Registrations Eligibility Policy" entity; its endpoint is not documented. */
export interface EligibilityPolicy {
  policyName?: Maybe<string>
  isEligible?: Maybe<boolean>
  referralProperties?: Maybe<Record<string, string>>
  additionalProperties?: Maybe<string[]>
}
