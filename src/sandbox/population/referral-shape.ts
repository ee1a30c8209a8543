import { note, ownOrganization, person } from '../data/names.ts'
import { catalog } from '../data/solution-catalog.ts'
import * as values from '../data/values.ts'
import { calendarDate, dayMs, dayOf, entityTag, greenwich, wireInstant } from '../instants.ts'
import { Random } from '../random.ts'
import type { Consent, Referral, ReferralDetails, Registration, Target } from '../referral.ts'
import { customerProfile, member } from './customers.ts'
import { type Deal, isInvited } from './deal.ts'
import type { Lifecycle } from './lifecycle.ts'

export type Role = 'own' | 'microsoft' | 'partner'

/** One party's referral of a deal, with its lifecycle and, when won, its registration. */
export interface Party {
  readonly deal: Deal
  readonly role: Role
  readonly lifecycle: Lifecycle
  readonly registration: Registration | null
  /** Set when a batch job was the last writer: the exact text, shared by many referrals. */
  readonly updatedText: string | null
}

/** Returns the referral as the API serves it, keys in the order of the one known real response. */
export function shapeReferral(random: Random, party: Party): Referral {
  const { deal, lifecycle } = party
  const id = random.guid()
  const createdDateTime = wireInstant(random, lifecycle.createdMs)
  const updatedDateTime =
    party.updatedText ??
    (lifecycle.updatedMs === lifecycle.createdMs
      ? createdDateTime
      : wireInstant(random, lifecycle.updatedMs))
  const whole: Referral = {
    id,
    engagementId: deal.engagementId,
    name: deal.name,
    organizationId: organization(party).id,
    organizationName: organization(party).name,
    lastModifiedVia: random.pick([null, null, 'UI', 'Connector']),
    lastRunId: null,
    externalReferenceId: externalReference(random, deal),
    createdDateTime,
    updatedDateTime,
    expirationDateTime:
      lifecycle.expirationMs === null ? null : wireInstant(random, lifecycle.expirationMs),
    status: lifecycle.status,
    substatus: lifecycle.substatus,
    statusReason: statusReason(random, lifecycle.substatus),
    ...classification(random, party),
    eTag: entityTag(random, Date.parse(updatedDateTime)),
    favorite: random.chance(0.05),
    campaignId: random.pick(['', null, 'CMP-SPRING']),
    salesStage: salesStage(random, lifecycle),
    quality: 'Unknown',
    isSpam: random.chance(0.01),
    direction: direction(random, party),
    mpnId: party.role === 'microsoft' ? null : ownOrganization.mpnId,
    referralProgram: null,
    dealSensitivity: 'None',
    createdVia: random.pick([null, 'UI', 'BulkUpload', 'API']),
    tags: random.weighted<string[] | null>([
      [[], 90],
      [['key account'], 5],
      [null, 5],
    ]),
    acceptedDateTime:
      lifecycle.acceptedMs === null ? null : wireInstant(random, lifecycle.acceptedMs),
    ...closing(random, lifecycle),
    registrationStatus: party.registration?.status ?? 'None',
    target: targets(random, party),
    customerProfile: customerProfile(random, deal.customer),
    consent: consent(random, deal),
    details: details(random, deal),
    team: team(random, party),
    inviteContext: inviteContext(random, party),
    links: links(random, id, deal.engagementId),
    trackingInfo: trackingInfo(random, party),
    ...registrations(random, party),
  }
  return party.registration === null && random.chance(0.06) ? abridged(whole) : whole
}

function organization(party: Party) {
  return party.role === 'partner' ? party.deal.partner : ownOrganization
}

function externalReference(random: Random, deal: Deal): string | null {
  return random.weighted<string | null>([
    ['', 35],
    [null, 30],
    [`OPP-${String(deal.index).padStart(6, '0')}`, 35],
  ])
}

function statusReason(random: Random, substatus: string): string | null {
  const reasons: Record<string, string[]> = {
    Won: ['Customer engagement was a success!'],
    Lost: ['Lost to competition', 'Price &amp; terms', 'No budget'],
    Declined: ['Not our region', 'No capacity'],
    Error: ['Duplicate of another referral', 'Test referral'],
  }
  const known = reasons[substatus]
  return known !== undefined && random.chance(0.6) ? random.pick(known) : random.pick([null, ''])
}

function classification(random: Random, { deal, role }: Party) {
  const isLead = deal.kind === 'marketplaceLead'
  const isShared = ['coSell', 'incomingCoSell', 'partnerToPartner'].includes(deal.kind)
  const source = random.chance(0.02) ? 'CommercialMarketplace' : random.pick(values.referralSources)
  return {
    qualification: qualification(random, deal, role),
    type: isShared ? 'Shared' : 'Independent',
    referralSource: isLead && random.chance(0.9) ? source : null,
    callToAction: isLead && random.chance(0.9) ? random.pick(values.callsToAction) : null,
  }
}

function qualification(random: Random, deal: Deal, role: Role): string {
  if (deal.kind === 'marketplaceLead') return 'Direct'
  if (deal.kind === 'marketingLead') return 'MarketingQualified'
  if (deal.kind === 'incomingCoSell' || role === 'microsoft') return 'SalesQualified'
  return random.pick(['None', 'SalesQualified'])
}

/** Returns `100` when won, before that the progress; two generations of the service use words. */
function salesStage(random: Random, lifecycle: Lifecycle): string | null {
  if (lifecycle.status === 'New') return null
  if (lifecycle.substatus === 'Won') return '100'
  return random.weighted<string | null>([
    [random.pick(['10', '20', '40', '60', '80']), 85],
    [random.pick(['Qualify', 'Develop', 'Propose', 'Close']), 8],
    [null, 7],
  ])
}

/** Partner-created referrals have been observed as `Incoming`, so direction proves nothing. */
function direction(random: Random, { deal, role }: Party): string {
  if (role !== 'own') return 'Outgoing'
  return isInvited(deal) || random.chance(0.3) ? 'Incoming' : 'Outgoing'
}

function closing(random: Random, lifecycle: Lifecycle): { closedDateTime?: string | null } {
  if (lifecycle.closedMs === null) return random.chance(0.9) ? { closedDateTime: null } : {}
  return random.weighted<{ closedDateTime?: string | null }>([
    [{ closedDateTime: wireInstant(random, lifecycle.closedMs) }, 88],
    [{ closedDateTime: null }, 6],
    [{}, 6],
  ])
}

function targets(random: Random, { deal, role }: Party): Target[] {
  if (role === 'microsoft') return [{ type: 'BusinessProfileLocation', id: 'msft' }]
  if (role === 'partner') return [{ type: 'BusinessProfileLocation', id: deal.partner.id }]
  return random.weighted<Target[]>([
    [[], 65],
    [[{ type: 'SolutionProfile', id: random.pick(catalog).id }], 30],
    [[{ type: 'None', id: '' }], 5],
  ])
}

function consent(random: Random, deal: Deal): Consent | null {
  const consents: Consent = {
    consentToToShareInfoWithOthers: deal.kind !== 'private',
    consentToContact: random.chance(0.9),
  }
  const isShared = { consentToShareReferralWithMicrosoftSellers: deal.kind !== 'private' }
  return random.weighted<Consent | null>([
    [{ ...consents, ...isShared }, 60],
    [{ ...consents, ...isShared, consentToMicrosoftToContactSpecificPartners: false }, 34],
    [consents, 5],
    [null, 1],
  ])
}

function details(random: Random, deal: Deal): ReferralDetails {
  const zone = random.chance(0.35) ? greenwich : deal.customer.place
  const closingDay = dayOf(deal.createdMs) + random.integer(20, 240) * dayMs
  return {
    notes: random.weighted<string | null>([
      [note(random, deal.customer.contacts[0] ?? null), 60],
      ['', 30],
      [null, 10],
    ]),
    ...random.weighted<Pick<ReferralDetails, 'dealValue' | 'currency'>>([
      [{ dealValue: deal.dealValue, currency: deal.currency }, 91],
      [{ dealValue: String(deal.dealValue), currency: deal.currency }, 1],
      [{ dealValue: null, currency: deal.currency }, 3],
      [{ dealValue: 0, currency: deal.currency }, 2],
      [{ dealValue: null, currency: null }, 1],
      [{}, 2],
    ]),
    ...random.weighted<Pick<ReferralDetails, 'closingDateTime'>>([
      [{ closingDateTime: calendarDate(closingDay, zone) }, 95],
      [{ closingDateTime: null }, 3],
      [{}, 2],
    ]),
    customerRequestedContact: null,
    customerAction: null,
    incentiveLevel: null,
    requirements: deal.requirements,
  }
}

function team(random: Random, { deal, role }: Party) {
  const colleagues = [deal.seller, ...(random.chance(0.3) ? [person(random)] : [])]
  const own = random.chance(0.04) ? [] : colleagues.map((each) => member(random, each))
  return role === 'microsoft' && deal.index % 6 > 0 ? [...own, microsoftSeller(deal)] : own
}

/** One of nine sellers of Microsoft, by the deal and from a stream of its own. */
function microsoftSeller(deal: Deal) {
  const random = new Random(deal.index % 9, 9)
  const { email, ...rest } = person(random)
  return member(random, { ...rest, email: email.replace('@example.com', '@example.microsoft.com') })
}

function inviteContext(random: Random, { deal, role }: Party) {
  const microsoft = { organizationId: 'msft', organizationName: 'Microsoft' }
  const own = { organizationId: ownOrganization.id, organizationName: ownOrganization.name }
  const invitedBy = isInvited(deal) && role === 'own' ? microsoft : own
  return {
    notes: random.pick([null, '', note(random, null)]),
    assistanceRequestCode: random.pick(['Unknown', 'GeneralOrOther', 'ProofOfConceptOrDemo'], 2),
    invitedMpnId: random.pick([null, ownOrganization.mpnId]),
    invitedBy: deal.kind === 'marketplaceLead' && random.chance(0.3) ? null : invitedBy,
  }
}

/** Returns links with unencoded blanks as served, some with the documentation's misspellings. */
function links(random: Random, id: string, engagementId: string) {
  const base = `https://api.partner.microsoft.com/v1.0/${random.pick(['engagements', 'engagments'], 3)}`
  const query = random.pick(['?$filter=', '?$filter=', '$filter='])
  return {
    relatedReferrals: {
      uri: `${base}/referrals${query}engagementId eq ${engagementId}`,
      method: 'GET',
    },
    self: { uri: `${base}/referrals${random.pick(['/', '/', '/', ''])}${id}`, method: 'GET' },
  }
}

function trackingInfo(random: Random, { role, updatedText }: Party) {
  const known = role === 'microsoft' && random.chance(0.7)
  return {
    microsoftMsxId: known ? `7-${random.hex(10).toUpperCase()}` : null,
    microsoftUSFedOpportunityId: null,
    microsoftUSFedLeadId: null,
    migratedPSCDealId: updatedText === null ? null : `PSC-${random.integer(10_000, 99_999)}`,
    migratedPSCPartnerDealId: null,
  }
}

function registrations(random: Random, { registration }: Party) {
  if (registration !== null) return { registrations: [registration] }
  return random.weighted<{ registrations?: Registration[] }>([
    [{ registrations: [] }, 85],
    [{}, 15],
  ])
}

const abridgedKeys = new Set(
  `id engagementId organizationId organizationName createdDateTime updatedDateTime status substatus
  qualification type direction customerProfile details links eTag`.split(/\s+/),
)

/** Returns the abridged shape of older documentation: most keys absent. */
function abridged(whole: Referral): Referral {
  return Object.fromEntries(Object.entries(whole).filter(([key]) => abridgedKeys.has(key)))
}
