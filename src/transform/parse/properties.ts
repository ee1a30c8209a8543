import { registration, solution } from './properties-registration.ts'
import { decimal, flag, instant, key, name, tagId, text, texts, word } from './properties-scalar.ts'
import { nested, none, type ObjectShape, type Read, scalar, shape } from './shape.ts'

// Every property of a referral that the warehouse reads, once: the documented ones, and those that
// the live API sends beside them. The parser walks this specification, and the coverage test too.
// A new property is added here; its column is filled by the file of `rows/` named for its table.

// The value lists of these three are documented, the properties that carry them are not.
const taxonomy = { solutionArea: texts, solutionPlay: texts, partnerRole: texts } as const

const tag = shape({ id: tagId }, () => ({ id: null }))
const typedTag = shape({ id: tagId, type: word }, () => ({ id: null, type: null }))

const member = shape(
  {
    firstName: text,
    lastName: text,
    phoneNumber: text,
    email: text,
    title: text,
    contactPreference: nested(
      'object',
      shape({ locale: text, disableNotifications: flag }, () => ({
        locale: null,
        disableNotifications: null,
      })),
    ),
  },
  () => ({
    firstName: null,
    lastName: null,
    phoneNumber: null,
    email: null,
    title: null,
    contactPreference: null,
  }),
)

const customerProfile = shape(
  {
    name,
    address: nested(
      'object',
      shape(
        {
          addressLine1: text,
          addressLine2: text,
          city: text,
          state: text,
          postalCode: text,
          country: text,
          region: text,
        },
        () => ({
          addressLine1: null,
          addressLine2: null,
          city: null,
          state: null,
          postalCode: null,
          country: null,
          region: null,
        }),
      ),
    ),
    size: word,
    team: nested('people', member),
    // `{ moodys, external, duns }` in the documentation, `[{ profileType, id }]` on the wire.
    ids: nested(
      'both',
      shape(
        {
          profileType: scalar('text', 'type'),
          id: text,
          moodys: text,
          external: text,
          duns: text,
        },
        () => ({ profileType: null, id: null, moodys: null, external: null, duns: null }),
      ),
    ),
  },
  () => ({ name: null, address: null, size: null, team: none, ids: none }),
)

const requirements = shape(
  {
    industries: nested('list', tag),
    products: nested('list', tag),
    services: nested('list', tag),
    solutions: nested(
      'list',
      shape(solution, () => ({
        id: null,
        name: null,
        type: null,
        solutionType: null,
        price: null,
        currency: null,
        quantity: null,
        publisherName: null,
      })),
    ),
    offers: nested(
      'list',
      shape({ id: key, name, type: word, offerType: text, publisherName: name }, () => ({
        id: null,
        name: null,
        type: null,
        offerType: null,
        publisherName: null,
      })),
    ),
    additionalRequirements: nested(
      'object',
      shape(
        {
          iot: nested(
            'object',
            shape(
              {
                customerLicenseAgreementNumber: text,
                deviceCategory: text,
                siliconType: text,
                azureCertifiedDevice: flag,
                attachServices: flag,
              },
              () => ({
                customerLicenseAgreementNumber: null,
                deviceCategory: null,
                siliconType: null,
                azureCertifiedDevice: null,
                attachServices: null,
              }),
            ),
          ),
          attributes: nested('list', typedTag),
        },
        () => ({ iot: null, attributes: none }),
      ),
    ),
    ...taxonomy,
  },
  () => ({
    industries: none,
    products: none,
    services: none,
    solutions: none,
    offers: none,
    additionalRequirements: null,
    solutionArea: none,
    solutionPlay: none,
    partnerRole: none,
  }),
)

export const referralShape = shape(
  {
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
    campaignId: text,
    referralProgram: text,
    quality: text,
    isSpam: flag,
    eTag: scalar('text', '@odata.etag'),
    mpnId: text,
    registrationStatus: word,
    target: nested('both', typedTag),
    customerProfile: nested('object', customerProfile),
    consent: nested(
      'object',
      shape(
        {
          // The doubled "To" is the API's own spelling.
          consentToToShareInfoWithOthers: scalar('flag', 'consentToShareInfoWithOthers'),
          consentToContact: flag,
          consentToShareReferralWithMicrosoftSellers: flag,
          consentToMicrosoftToContactSpecificPartners: flag,
        },
        () => ({
          consentToToShareInfoWithOthers: null,
          consentToContact: null,
          consentToShareReferralWithMicrosoftSellers: null,
          consentToMicrosoftToContactSpecificPartners: null,
        }),
      ),
    ),
    details: nested(
      'object',
      shape(
        {
          notes: text,
          dealValue: decimal,
          currency: word,
          closingDateTime: instant,
          requirements: nested('object', requirements),
          ...taxonomy,
        },
        () => ({
          notes: null,
          dealValue: null,
          currency: null,
          closingDateTime: null,
          requirements: null,
          solutionArea: none,
          solutionPlay: none,
          partnerRole: none,
        }),
      ),
    ),
    team: nested('people', member),
    inviteContext: nested(
      'object',
      shape(
        {
          notes: text,
          assistanceRequestCode: text,
          invitedBy: nested(
            'object',
            shape({ organizationId: text, organizationName: name }, () => ({
              organizationId: null,
              organizationName: null,
            })),
          ),
        },
        () => ({ notes: null, assistanceRequestCode: null, invitedBy: null }),
      ),
    ),
    trackingInfo: nested(
      'object',
      shape({ microsoftMsxId: text }, () => ({ microsoftMsxId: null })),
    ),
    registrations: nested('list', registration),
    // Where the API offers this entity is not documented: `withPolicies` puts it here.
    registrationEligibilityPolicies: nested(
      'list',
      shape(
        {
          policyName: key,
          isEligible: flag,
          referralProperties: scalar('dictionary'),
          additionalProperties: texts,
        },
        () => ({
          policyName: null,
          isEligible: null,
          referralProperties: none,
          additionalProperties: none,
        }),
      ),
    ),
    ...taxonomy,
  },
  () => ({
    id: null,
    engagementId: null,
    name: null,
    externalReferenceId: null,
    createdDateTime: null,
    updatedDateTime: null,
    expirationDateTime: null,
    acceptedDateTime: null,
    closedDateTime: null,
    status: null,
    substatus: null,
    statusReason: null,
    type: null,
    qualification: null,
    referralSource: null,
    callToAction: null,
    direction: null,
    organizationId: null,
    organizationName: null,
    salesStage: null,
    campaignId: null,
    referralProgram: null,
    quality: null,
    isSpam: null,
    eTag: null,
    mpnId: null,
    registrationStatus: null,
    target: none,
    customerProfile: null,
    consent: null,
    details: null,
    team: none,
    inviteContext: null,
    trackingInfo: null,
    registrations: none,
    registrationEligibilityPolicies: none,
    solutionArea: none,
    solutionPlay: none,
    partnerRole: none,
  }),
)

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
  'inviteContext.invitedMpnId',
  'trackingInfo.microsoftUSFedOpportunityId',
  'trackingInfo.microsoftUSFedLeadId',
  'trackingInfo.migratedPSCDealId',
  'trackingInfo.migratedPSCPartnerDealId',
])
