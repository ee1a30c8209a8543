import { nested, type ObjectShape, type Read, scalar, shape } from './shape.ts'

// Every property of a referral that the warehouse reads, once: the documented ones, and those that
// the live API sends beside them. The reader walks this specification, and the coverage test too.

const text = scalar('text')
/** Text that is part of a unique key, where PostgreSQL takes 2,704 bytes at most. */
const key = scalar('key')
/** A member of an enum or value list: a number in its place is damage. */
const word = scalar('word')
/** Text in which the API leaves HTML entities undecoded. */
const name = scalar('name')
const flag = scalar('flag')
const decimal = scalar('decimal')
const instant = scalar('instant')
const texts = scalar('texts')

// The value lists of these three are documented, the properties that carry them are not.
const taxonomy = { solutionArea: texts, solutionPlay: texts, partnerRole: texts } as const

const tag = shape({ id: key })
const typedTag = shape({ id: key, type: word })

const member = shape({
  firstName: text,
  lastName: text,
  phoneNumber: text,
  email: text,
  title: text,
  contactPreference: nested('object', shape({ locale: text, disableNotifications: flag })),
})

const customerProfile = shape({
  name,
  address: nested(
    'object',
    shape({
      addressLine1: text,
      addressLine2: text,
      city: text,
      state: text,
      postalCode: text,
      country: text,
      region: text,
    }),
  ),
  size: word,
  team: nested('people', member),
  // `{ moodys, external, duns }` in the documentation, `[{ profileType, id }]` on the wire.
  ids: nested(
    'both',
    shape({
      profileType: scalar('text', 'type'),
      id: text,
      moodys: text,
      external: text,
      duns: text,
    }),
  ),
})

const solution = {
  id: key,
  name,
  type: word,
  solutionType: text,
  price: text,
  currency: word,
  quantity: decimal,
  publisherName: name,
} as const

const requirements = shape({
  industries: nested('list', tag),
  products: nested('list', tag),
  services: nested('list', tag),
  solutions: nested('list', shape(solution)),
  offers: nested(
    'list',
    shape({ id: key, name, type: word, offerType: text, publisherName: name }),
  ),
  additionalRequirements: nested(
    'object',
    shape({
      iot: nested(
        'object',
        shape({
          customerLicenseAgreementNumber: text,
          deviceCategory: text,
          siliconType: text,
          azureCertifiedDevice: flag,
          attachServices: flag,
        }),
      ),
      attributes: nested('list', typedTag),
    }),
  ),
  ...taxonomy,
})

const registration = shape({
  id: text,
  registrationDateTime: instant,
  status: word,
  statusReason: text,
  type: word,
  contract: nested(
    'object',
    shape({
      value: decimal,
      currency: word,
      startDateTime: instant,
      endDateTime: instant,
      signDateTime: instant,
      term: word,
    }),
  ),
  solutionDetails: nested(
    'list',
    shape({
      ...solution,
      value: decimal,
      incentives: texts,
      isDeployedOnAzure: flag,
      primaryDeploymentOn: word,
      pricingModel: word,
      marketplaceTransactionDetails: nested(
        'object',
        shape({ isMarketplaceTransacted: flag, marketplaceTransactionDateTime: instant }),
      ),
    }),
  ),
  statusHistory: nested(
    'object',
    shape({
      reviewPendingDateTime: instant,
      actionRequiredDateTime: instant,
      passedDateTime: instant,
      failedDateTime: instant,
      approvedDateTime: instant,
    }),
  ),
})

export const referralShape = shape({
  id: key,
  engagementId: key,
  name,
  externalReferenceId: text,
  createdDateTime: instant,
  updatedDateTime: instant,
  expirationDateTime: instant,
  acceptedDateTime: instant,
  closedDateTime: instant,
  status: word,
  substatus: word,
  statusReason: text,
  type: word,
  qualification: word,
  referralSource: word,
  callToAction: word,
  direction: text,
  organizationId: text,
  organizationName: name,
  salesStage: text,
  eTag: scalar('text', '@odata.etag'),
  mpnId: text,
  registrationStatus: word,
  target: nested('both', typedTag),
  customerProfile: nested('object', customerProfile),
  consent: nested(
    'object',
    shape({
      // The doubled "To" is the API's own spelling.
      consentToToShareInfoWithOthers: scalar('flag', 'consentToShareInfoWithOthers'),
      consentToContact: flag,
      consentToShareReferralWithMicrosoftSellers: flag,
      consentToMicrosoftToContactSpecificPartners: flag,
    }),
  ),
  details: nested(
    'object',
    shape({
      notes: text,
      dealValue: decimal,
      currency: word,
      closingDateTime: instant,
      requirements: nested('object', requirements),
      ...taxonomy,
    }),
  ),
  team: nested('people', member),
  inviteContext: nested(
    'object',
    shape({
      notes: text,
      invitedBy: nested('object', shape({ organizationId: text, organizationName: name })),
    }),
  ),
  trackingInfo: nested('object', shape({ microsoftMsxId: text })),
  registrations: nested('list', registration),
  // Where the API offers this entity is not documented; an extractor can put it here.
  registrationEligibilityPolicies: nested(
    'list',
    shape({
      policyName: key,
      isEligible: flag,
      referralProperties: scalar('dictionary'),
      additionalProperties: texts,
    }),
  ),
  ...taxonomy,
})

type ShapeOf<S> = S extends ObjectShape<infer P> ? P : never
export type ReadReferral = Read<ShapeOf<typeof referralShape>>
export type ReadRegistration = ReadReferral['registrations'][number]
export type ReadLine = ReadRegistration['solutionDetails'][number]
export type ReadPerson = ReadReferral['team'][number]

/**
 * Sent by the live API and deliberately without a column; they stay in the landing zone. A run
 * counts them, but does not write a finding for each referral.
 */
export const knownUnmapped: ReadonlySet<string> = new Set([
  'lastModifiedVia',
  'lastRunId',
  'favorite',
  'campaignId',
  'quality',
  'isSpam',
  'referralProgram',
  'dealSensitivity',
  'createdVia',
  'tags',
  'links',
  '@odata.context',
  '@odata.id',
  '@odata.type',
  'customerProfile.isMatchingComplete',
  'details.customerRequestedContact',
  'details.customerAction',
  'details.incentiveLevel',
  'details.requirements.salesPlays',
  'details.requirements.solutions[].closingDateTime',
  'inviteContext.assistanceRequestCode',
  'inviteContext.invitedMpnId',
  'trackingInfo.microsoftUSFedOpportunityId',
  'trackingInfo.microsoftUSFedLeadId',
  'trackingInfo.migratedPSCDealId',
  'trackingInfo.migratedPSCPartnerDealId',
])
