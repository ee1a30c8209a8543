import type { Referral } from '../../src/sandbox/referral.ts'
import { splitPii } from '../../src/transform/pii/split-pii.ts'
import {
  type LandedReferral,
  type LandedVersion,
  type StagedRows,
  toRows,
} from '../../src/transform/to-rows.ts'
import { transformContext } from './transform-context.ts'

export const referralId = '5d3f9a10-0000-4000-8000-000000000001'

/** A referral as the live API sends one, won and registered; `changes` replace whole properties. */
export function aReferral(changes: Partial<Referral> = {}): Referral {
  return {
    id: referralId,
    engagementId: '5d3f9a10-0000-4000-8000-0000000000e1',
    name: 'Warehouse sensors ',
    organizationId: '5d3f9a10-0000-4000-8000-0000000000a1',
    organizationName: 'Tern &amp; Gull Systems',
    lastModifiedVia: null,
    externalReferenceId: '',
    createdDateTime: '2025-09-01T08:15:30.1234567Z',
    updatedDateTime: '2025-12-10T09:18:01.7654321Z',
    expirationDateTime: null,
    acceptedDateTime: '2025-09-03T10:00:00Z',
    closedDateTime: '2025-12-10T09:17:38Z',
    status: 'Closed',
    substatus: 'Won',
    statusReason: null,
    qualification: 'SalesQualified',
    type: 'Shared',
    referralSource: null,
    eTag: '"4e00aa01-0000-0000-0000-693936f90000"',
    favorite: false,
    campaignId: '',
    salesStage: '100',
    quality: 'Unknown',
    isSpam: false,
    direction: 'Outgoing',
    mpnId: '7654321',
    tags: [],
    callToAction: null,
    registrationStatus: 'Approved',
    target: [{ type: 'BusinessProfileLocation', id: 'msft' }],
    customerProfile: {
      name: 'Puffin Logistics Ltd.',
      size: '10to50employees',
      isMatchingComplete: true,
      address: {
        addressLine1: '1 Harbour Road',
        addressLine2: '',
        city: 'Bergen',
        state: '',
        postalCode: '5003',
        country: 'no',
        region: null,
      },
      team: [aMember('ida@example.com', 'Ida', 'Berg')],
      ids: [
        { profileType: 'Duns', id: '' },
        { profileType: 'External', id: 'C-77' },
      ],
    },
    consent: {
      consentToToShareInfoWithOthers: true,
      consentToContact: true,
      consentToShareReferralWithMicrosoftSellers: true,
    },
    details: {
      notes: 'Call Ida before noon.',
      dealValue: 120_000,
      currency: 'USD',
      closingDateTime: '2025-12-14T23:00:00Z',
      customerAction: null,
      incentiveLevel: null,
      requirements: {
        industries: [{ id: 'Manufacturing' }],
        products: [{ id: 'Azure' }, { id: 'DynamicsAX,GP,NAV,SL' }],
        services: [],
        solutions: [
          {
            id: 'SOL-0007-TST',
            name: 'Shelf Sense',
            type: 'Name',
            price: '1,200 a year',
            quantity: null,
            currency: null,
            publisherName: 'Tern &amp; Gull Systems',
            solutionType: '3P',
            closingDateTime: null,
          },
        ],
        offers: [],
        salesPlays: [],
        additionalRequirements: {
          iot: { azureCertifiedDevice: false, attachServices: false },
          attributes: [{ type: 'CustomerMarketplaceIntent', id: 'Yes' }],
        },
      },
    },
    team: [aMember('olav@example.com', 'Olav', 'Lund')],
    inviteContext: {
      notes: null,
      assistanceRequestCode: 'Unknown',
      invitedMpnId: '7654321',
      invitedBy: { organizationId: '5d3f9a10-0000-4000-8000-0000000000a1', organizationName: null },
    },
    links: { self: { uri: 'https://api.example.com/referrals/1', method: 'GET' } },
    trackingInfo: { microsoftMsxId: null },
    registrations: [aRegistration()],
    ...changes,
  }
}

export function aMember(email: string, firstName: string, lastName: string) {
  return {
    firstName,
    lastName,
    phoneNumber: '+47 55 00 00 00',
    email,
    title: null,
    contactPreference: { locale: 'nb-NO', disableNotifications: null },
  }
}

export function aRegistration(changes: object = {}) {
  return {
    id: 'REG-1',
    registrationDateTime: '2025-12-10T09:18:01Z',
    status: 'Approved',
    statusReason: null,
    type: 'AzureIPCoSell',
    contract: {
      value: 120_000,
      currency: 'USD',
      startDateTime: '2025-12-01T00:00:00Z',
      endDateTime: '2028-11-30T00:00:00Z',
      signDateTime: '2025-11-28T00:00:00Z',
      term: 'Finite',
    },
    solutionDetails: [aLine()],
    statusHistory: {
      reviewPendingDateTime: '2025-12-10T09:18:01Z',
      approvedDateTime: '2025-12-10T21:18:01Z',
    },
    ...changes,
  }
}

export function aLine(changes: object = {}) {
  return {
    id: 'SOL-0007-TST',
    name: 'Shelf Sense',
    type: 'Name',
    solutionType: '3P',
    price: '100',
    currency: 'USD',
    quantity: 3,
    publisherName: 'Tern &amp; Gull Systems',
    value: 100_000,
    incentives: ['MSFT Internal Azure IP Co-Sell'],
    isDeployedOnAzure: true,
    primaryDeploymentOn: 'Partner',
    pricingModel: 'Other',
    marketplaceTransactionDetails: { isMarketplaceTransacted: false },
    ...changes,
  }
}

export interface Observed {
  wire: unknown
  at?: string
  no?: number
}

/** The referral as it is landed, split from its people. */
export function landed(observed: readonly Observed[], others: readonly LandedVersion[] = []) {
  const versions = observed.map(({ wire, at, no }, index): LandedVersion => {
    const { payload, people, sourceUpdatedText } = splitPii(wire)
    return {
      version_no: no ?? index + 1,
      resource_type: 'referral',
      observed_at: at ?? '2025-12-11T02:00:00Z',
      source_updated_text: sourceUpdatedText,
      payload,
      people,
    }
  })
  const landing: LandedReferral = {
    partner_account_key: 1,
    resource_id: referralId,
    referral_no: 7,
    versions: [...versions, ...others],
  }
  return landing
}

/** Rows of one payload; throws the reason when it is quarantined. */
export function rowsOf(wire: unknown): StagedRows {
  return rowsOfVersions([{ wire }])
}

export function rowsOfVersions(
  observed: readonly Observed[],
  others: readonly LandedVersion[] = [],
): StagedRows {
  const transformed = toRows(landed(observed, others), transformContext)
  if (transformed.kind === 'rows') return transformed.rows
  if (transformed.kind === 'waiting') throw new Error('waiting for others')
  const { reasonCode, itemPath, detail } = transformed.invalid
  throw new Error(`quarantined: ${reasonCode} ${itemPath} ${detail}`)
}

/** The only row of a table. */
export function only<Row>(rows: readonly Row[]): Row {
  const [row, another] = rows
  if (row === undefined || another !== undefined) throw new Error(`${rows.length} rows, not one`)
  return row
}
