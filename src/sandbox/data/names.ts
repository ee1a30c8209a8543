import type { Random } from '../random.ts'
import type { Place } from './places.ts'

/** The organization whose referrals the sandbox serves; it is invented, as all names here. */
export const ownOrganization = {
  id: '3f0d5c1e-7a64-4b1b-9a5e-6d2c8e41f7b0',
  name: 'Kestrel Ledger Software',
  mpnId: '4907312',
}

export const partnerOrganizations = [
  { id: 'a8be41d7-0c3f-4e55-8b7a-51f2d09c6e13', name: 'Amber Quay Consulting' },
  { id: '5d927b60-e18c-4f0a-a3d4-9b7710c2fe48', name: 'Sundial Integration Partners' },
  { id: 'c07fe23a-46b9-4d28-9e61-38ad5b94d702', name: 'Holloway &amp; Brandt IT' },
] as const

const nouns = ['Harbour', 'Ridge', 'Orchard', 'Lantern', 'Meadow', 'Anvil', 'Compass', 'Quarry']
const moreNouns = ['Falcon', 'Willow', 'Cobalt', 'Summit', 'Juniper', 'Cedar', 'Prairie', 'Delta']
const adjectives = [
  'Northern',
  'Blue',
  'Silver',
  'Grand',
  'Old',
  'Bright',
  'Upper',
  'First',
  'Green',
]
const trades = [
  'Logistics',
  'Foods',
  'Bank',
  'Insurance',
  'Textiles',
  'Clinics',
  'Energy',
  'Motors',
  'Media',
  'Schools',
  'Steel',
  'Airways',
]
const surnames = [
  'Okafor',
  'Lindqvist',
  'Haddad',
  'Moreau',
  'Castell',
  'Nakano',
  'Whitlock',
  'Iyer',
]
const moreSurnames = ["O'Farrell", 'Núñez', 'Baumann', 'Duarte', 'Kowalczyk', 'Al-Rashid', 'Tan']
const firstNames = ['Mara', 'Jonas', 'Priya', 'Omar', 'Elise', 'Kenji', 'Lucía', 'Tomasz', 'Grace']
const moreFirstNames = ['Björn', 'Amal', 'Chidi', 'Hannah', 'Rui', 'Sofía', 'Deepak', 'Wren']
const titles = ['CIO', 'Head of Finance', 'Procurement', 'Account Executive', 'Solution Architect']

/** Returns a company's name as typed: entities kept by the API, blanks at the end, two scripts. */
export function companyName(random: Random, place: Place): string {
  if (place.country === 'JP' && random.chance(0.5)) {
    return `株式会社${random.pick(['あおば', 'みなと', '北斗', '若草'])}${random.pick(['物流', '製作所', '銀行'])}`
  }
  const noun = random.pick([...nouns, ...moreNouns])
  const name = random.weighted([
    [`${random.pick(adjectives)} ${noun} ${random.pick(trades)}`, 55],
    [`${noun} ${random.pick(trades)}`, 25],
    [`${random.pick(surnames)} &amp; ${random.pick(surnames)}`, 8],
    [`${random.pick(surnames)}&#39;s ${random.pick(trades)}`, 1],
    [`${random.pick(surnames)} ${random.pick(trades)}`, 11],
  ])
  const full = `${name} ${random.pick(place.companySuffixes)}`.trim()
  return random.weighted([
    [full, 88],
    [`${full} `, 6],
    [full.toUpperCase().replaceAll('&AMP;', '&amp;'), 4],
    [` ${full}`, 2],
  ])
}

export interface Person {
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  readonly phoneNumber: string
  readonly title: string
}

/** Returns an invented person with an address at example.com. */
export function person(random: Random): Person {
  const firstName = random.pick([...firstNames, ...moreFirstNames])
  const lastName = random.pick([...surnames, ...moreSurnames])
  return {
    firstName,
    lastName,
    email: `${plain(firstName)}.${plain(lastName)}${random.integer(1, 999)}@example.com`,
    phoneNumber: random.weighted([
      [`+1 555 01${random.integer(10, 99)}`, 6],
      [`55501${random.integer(10, 99)}`, 3],
      ['', 1],
    ]),
    title: random.pick(titles),
  }
}

function plain(name: string): string {
  return name
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z-]/g, '')
}

const notes = [
  'Customer wants one ledger for all plants before year end.',
  'Needs a proof of concept with their own data.\r\nBudget is approved.',
  'Renewal of the 3-year contract; procurement asks for the Marketplace.',
  'Replacing an on-premises system; security review is pending.',
  'Looking for "best of breed" – compare with 2 others; 50% discount asked \u{1F914}',
  'Meeting held,\ttwo follow-ups agreed.',
]

/** Returns free text, which may name the contact and their address, as salespeople do. */
export function note(random: Random, contact: Person | null): string {
  const text = random.pick(notes)
  if (contact === null || random.chance(0.7)) return text
  return `${text} Contact: ${contact.firstName} ${contact.lastName}, ${contact.email}`
}

const shortNames = [
  'Ledger rollout',
  'Finance modernization',
  'Analytics pilot',
  'Migration',
  'Renewal',
]

export function dealName(random: Random, company: string): string | null {
  const topic = random.pick(shortNames)
  return random.weighted([
    [`${company.trim()} - ${topic}`, 60],
    [topic, 15],
    [`${topic} FY${random.integer(21, 27)} `, 12],
    [`${company.trim()} / ${topic} Q${random.integer(1, 4)}`, 10],
    ['', 1],
    [null, 2],
  ])
}
