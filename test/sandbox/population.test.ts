import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import * as values from '../../src/sandbox/data/values.ts'
import { World } from '../../src/sandbox/population/deal.ts'
import { population } from '../../src/sandbox/population/population.ts'
import type { Referral, ReferralRequirements } from '../../src/sandbox/referral.ts'
import * as documented from './documented.ts'

const people = (count: number, seed: number) => [...population(new World(seed, count), count)]
const digest = (referrals: Referral[]) =>
  createHash('sha256').update(JSON.stringify(referrals)).digest('hex')

const referrals = people(2000, 1)
const text = JSON.stringify(referrals)
const registrations = referrals.flatMap((each) => each.registrations ?? [])
const lines = registrations.flatMap((each) => each.solutionDetails ?? [])
const requirements = referrals.map(
  (each) => each.details?.requirements ?? ({} as ReferralRequirements),
)
const attributes = requirements.flatMap((each) => each.additionalRequirements?.attributes ?? [])
const attributesOf = (type: string) =>
  attributes.filter((each) => each.type === type).map((each) => each.id)
const idsOf = (key: 'industries' | 'products' | 'services' | 'solutions') =>
  requirements.flatMap((each) => each[key] ?? []).map((each) => each.id)

test('equal seed and size give equal bytes, another seed others', () => {
  expect(digest(people(300, 7))).toBe(digest(people(300, 7)))
  expect(digest(people(300, 7))).not.toBe(digest(people(300, 8)))
})

test('the population has the requested size, each referral with a unique id', () => {
  for (const count of [0, 1, 2, 3, 50, 777]) expect(people(count, 3)).toHaveLength(count)
  expect(new Set(referrals.map((each) => each.id)).size).toBe(2000)
})

describe('every documented value occurs among 2,000 referrals', () => {
  test.each([
    ['ReferralStatus', documented.statuses, referrals.map((each) => each.status)],
    ['ReferralSubstatus', documented.substatuses, referrals.map((each) => each.substatus)],
    ['ReferralType', documented.referralTypes, referrals.map((each) => each.type)],
    [
      'ReferralQualification',
      documented.qualifications,
      referrals.map((each) => each.qualification),
    ],
    ['ReferralSource', values.referralSources, referrals.map((each) => each.referralSource)],
    ['CallToAction', values.callsToAction, referrals.map((each) => each.callToAction)],
    ['CustomerSize', values.customerSizes, referrals.map((each) => each.customerProfile?.size)],
    [
      'TargetType',
      documented.targetTypes,
      referrals.flatMap((each) => each.target ?? []).map((each) => each.type),
    ],
    ['Industries', values.industries, idsOf('industries')],
    ['Products', values.products, idsOf('products')],
    ['Services', values.services, idsOf('services')],
    ['Solutions', values.solutionCategories, idsOf('solutions')],
    [
      'SolutionType',
      documented.solutionKinds,
      requirements.flatMap((each) => each.solutions ?? []).map((each) => each.type),
    ],
    [
      '1P, 3P, SA',
      documented.solutionTypes,
      requirements.flatMap((each) => each.solutions ?? []).map((each) => each.solutionType),
    ],
    [
      'CustomerMarketplaceIntent',
      values.marketplaceIntents,
      attributesOf('CustomerMarketplaceIntent'),
    ],
    ['PartnerRole', values.partnerRoles, attributesOf('PartnerRole')],
    ['SolutionArea', values.solutionPlays.map((each) => each.area), attributesOf('SolutionArea')],
    ['SolutionPlay', values.solutionPlays.map((each) => each.play), attributesOf('SolutionPlay')],
    [
      'RegistrationStatus',
      documented.registrationStatuses,
      referrals.map((each) => each.registrationStatus),
    ],
    [
      'Registrations.Status',
      documented.registrationStatuses.slice(1),
      registrations.map((each) => each.status),
    ],
    ['ContractTerm', documented.contractTerms, registrations.map((each) => each.contract?.term)],
    ['PrimaryDeploymentOn', documented.deployments, lines.map((each) => each.primaryDeploymentOn)],
    ['PricingModel', documented.pricingModels, lines.map((each) => each.pricingModel)],
  ])('the population has every documented value of %s', (_name, wanted, seen) => {
    const missing = wanted.filter((value) => !(seen as unknown[]).includes(value))
    expect(missing).toEqual([])
  })

  test('solution areas and plays occur as the documented pairs', () => {
    const pairs = requirements.map((each) => {
      const tags = each.additionalRequirements?.attributes ?? []
      const of = (type: string) => tags.find((tag) => tag.type === type)?.id
      return `${of('SolutionArea')} | ${of('SolutionPlay')}`
    })
    const missing = values.solutionPlays.filter(
      ({ area, play }) => !pairs.includes(`${area} | ${play}`),
    )
    expect(missing).toEqual([])
  })
})

describe('likeness to the live wire', () => {
  const fractions = new Set(
    [...text.matchAll(/T\d\d:\d\d:\d\d(?:\.(\d+))?Z/g)].map((match) => (match[1] ?? '').length),
  )
  const months = registrations.map((each) => {
    const { startDateTime, endDateTime } = each.contract ?? {}
    if (startDateTime == null || endDateTime == null) return null
    return Math.round((Date.parse(endDateTime) - Date.parse(startDateTime)) / (30.44 * 86_400_000))
  })

  test.each<[string, boolean | undefined]>([
    ['fraction digits of 0, 6 and 7', [0, 6, 7].every((digits) => fractions.has(digits))],
    ['seven zeros', text.includes('.0000000Z')],
    ...['18:30', '23:00', '03:00', '00:00'].map((time): [string, boolean] => [
      `dates at ${time} UTC`,
      new RegExp(`"(closing|start)DateTime":"[^"]*T${time}:00Z`).test(text),
    ]),
    ['entities left in names', /"name":"[^"]*&amp;/.test(text)],
    ['names with blanks at the end', /"name":"[^"]* "/.test(text)],
    ['names in another script', text.includes('株式会社')],
    ['ids as a list', text.includes('"ids":[{"profileType"')],
    ['ids as an empty object', text.includes('"ids":{}')],
    [
      'an empty and a null external reference',
      text.includes('"externalReferenceId":""') && text.includes('"externalReferenceId":null'),
    ],
    [
      'registrations empty and absent',
      text.includes('"registrations":[]') && referrals.some((each) => !('registrations' in each)),
    ],
    [
      'absent team, consent and tracking',
      referrals.some((each) => !('team' in each || 'consent' in each || 'trackingInfo' in each)),
    ],
    [
      'undocumented properties',
      referrals.some((each) => 'favorite' in each && 'isSpam' in each && 'links' in each),
    ],
    [
      'links with misspellings',
      text.includes('engagments/referrals') && text.includes('referrals$filter='),
    ],
    ['yen and dinars', text.includes('"currency":"JPY"') && text.includes('"currency":"KWD"')],
    ['amounts with cents', /"dealValue":\d+\.\d\d\b/.test(text)],
    ['an amount as text', /"dealValue":"\d/.test(text)],
    [
      'contracts of 7, 13, 18, 25 and 36 months',
      [7, 13, 18, 25, 36].every((term) => months.includes(term)),
    ],
    ['a contract of one day', months.includes(0)],
    [
      'perpetual contracts without an end',
      registrations.some(
        (each) => each.contract?.term === 'Perpetual' && each.contract.endDateTime == null,
      ),
    ],
    ['registrations without lines', registrations.some((each) => !each.solutionDetails?.length)],
    [
      'several lines on a registration',
      registrations.some((each) => (each.solutionDetails?.length ?? 0) > 2),
    ],
    [
      'a line in another currency than its contract',
      registrations.some((each) =>
        each.solutionDetails?.some(
          (line) => line.currency !== undefined && line.currency !== each.contract?.currency,
        ),
      ),
    ],
    ['incentives', lines.some((each) => (each.incentives?.length ?? 0) > 1)],
    [
      'marketplace transactions',
      lines.some((each) => each.marketplaceTransactionDetails?.isMarketplaceTransacted),
    ],
    ['a registration state of no API page', registrations.some((each) => each.status === 'Closed')],
    ['a source that is not documented', text.includes('"referralSource":"CommercialMarketplace"')],
  ])('the population has %s', (_what, isSeen) => expect(isSeen).toBe(true))

  test('co-sell referrals share an engagement, and one of them is for Microsoft', () => {
    const shared = groupBy(referrals, (each) => each.engagementId)
    const pairs = [...shared.values()].filter((each) => each.length > 1)
    expect(pairs.length).toBeGreaterThan(300)
    const forMicrosoft = pairs.filter((pair) =>
      pair.some((each) => Array.isArray(each.target) && each.target[0]?.id === 'msft'),
    )
    expect(forMicrosoft.length).toBeGreaterThan(pairs.length * 0.8)
  })

  test('more referrals than fit on a page have the same updatedDateTime', () => {
    const sameTime = groupBy(referrals, (each) => each.updatedDateTime)
    expect(Math.max(...[...sameTime.values()].map((each) => each.length))).toBeGreaterThan(100)
  })
})

// Microsoft's sellers are known by their domain, so theirs is a part of it that does not exist.
test('every address is at example.com or example.microsoft.com', () => {
  const addresses = text.match(/[^"\s,]+@[^"\s,\\]+/g) ?? []
  expect(addresses.length).toBeGreaterThan(1000)
  expect(addresses.filter((each) => !/@example(\.microsoft)?\.com$/.test(each))).toEqual([])
})

test('no event is after the base clock or out of order', () => {
  for (const each of referrals) {
    const [created = '', updated = ''] = [each.createdDateTime ?? '', each.updatedDateTime ?? '']
    expect(updated < '2026-06-30T06:00:00').toBe(true)
    expect(Date.parse(updated) - Date.parse(created)).toBeGreaterThan(-1000)
    expect(parseInt(each.eTag?.split('-').at(-1)?.slice(0, 8) ?? '', 16)).toBe(
      Math.floor(Date.parse(updated) / 1000),
    )
  }
})

test('statuses and substatuses form the documented pairs', () => {
  const pairs = new Set(referrals.map((each) => `${each.status}/${each.substatus}`))
  expect([...pairs].sort()).toEqual([
    'Active/Accepted',
    'Closed/Declined',
    'Closed/Error',
    'Closed/Expired',
    'Closed/Lost',
    'Closed/Won',
    'New/Pending',
    'New/Received',
    'None/None',
  ])
})

function groupBy(list: Referral[], keyOf: (each: Referral) => unknown) {
  const groups = new Map<unknown, Referral[]>()
  for (const each of list) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each])
  return groups
}
