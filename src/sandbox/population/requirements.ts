import { type CatalogSolution, catalog, publisherOf } from '../data/solution-catalog.ts'
import * as values from '../data/values.ts'
import { dayMs, historyStart } from '../instants.ts'
import { type Random, Rotation } from '../random.ts'
import type { AttributeTag, OfferTag, ReferralRequirements, SolutionTag } from '../referral.ts'

/** The first day of FY26, when solution areas and plays were replaced. */
const newTaxonomyStart = Date.UTC(2025, 6, 1)

/** Rotations over the value lists, so that each documented value occurs in a population. */
export class RequirementRotation {
  readonly industries = new Rotation(values.industries)
  readonly products = new Rotation(values.products)
  readonly services = new Rotation(values.services)
  readonly categories = new Rotation(values.solutionCategories)
  readonly roles = new Rotation(values.partnerRoles)
  /** Only deals of the last year draw from these, and there are many. */
  readonly plays = new Rotation(values.solutionPlays, 0.8)
}

/** Invents the customer's requirements: lists of tags, empty or absent as often as on the live wire. */
export function requirements(
  random: Random,
  rotations: RequirementRotation,
  createdMs: number,
  currency: string,
): ReferralRequirements {
  const isServicesDeal = random.chance(0.35)
  return {
    industries: tags(random, rotations.industries, 0.75, 2),
    products: tags(random, rotations.products, 0.8, 3),
    services: tags(random, rotations.services, isServicesDeal ? 1 : 0.6, 2),
    solutions: requestedSolutions(random, rotations, currency),
    ...(random.chance(0.75) ? { offers: offers(random) } : {}),
    salesPlays: [],
    ...(random.chance(0.85)
      ? {
          additionalRequirements: additionalRequirements(
            random,
            rotations,
            createdMs,
            isServicesDeal,
          ),
        }
      : {}),
  }
}

function tags(random: Random, rotation: Rotation<string>, filled: number, most: number) {
  if (!random.chance(filled)) return []
  const ids = Array.from({ length: random.integer(1, most) }, () => rotation.draw(random))
  return [...new Set(ids)].map((id) => ({ id }))
}

/** Returns solutions from the catalog and by category, each id once. */
function requestedSolutions(
  random: Random,
  rotations: RequirementRotation,
  currency: string,
): SolutionTag[] {
  const wanted: SolutionTag[] = random
    .sample(
      catalog,
      random.weighted([
        [0, 10],
        [1, 50],
        [2, 25],
        [3, 15],
      ]),
    )
    .map((solution) => catalogSolution(random, solution, currency))
  if (random.chance(0.35)) {
    const id = rotations.categories.draw(random)
    wanted.push({
      id,
      name: id.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' '),
      type: 'Category',
      price: null,
      quantity: null,
      currency: null,
      publisherName: null,
      solutionType: null,
      closingDateTime: null,
    })
  }
  return wanted
}

function catalogSolution(random: Random, solution: CatalogSolution, currency: string): SolutionTag {
  const priced = random.chance(0.3)
  const known = random.chance(0.8)
  return {
    id: solution.id,
    name: known ? solution.name : null,
    type: known ? 'Name' : 'None',
    price: priced ? random.pick(['1200.00', '99.5', '0', '15000', '1,250.00', '']) : null,
    quantity: priced ? random.pick([1, 10, 25, 250, 1.5]) : null,
    currency: priced ? currency : null,
    publisherName: known ? publisherOf(solution) : null,
    solutionType: known ? solution.solutionType : null,
    closingDateTime: null,
  }
}

function offers(random: Random): OfferTag[] {
  if (random.chance(0.8)) return []
  const id = `kestrel.${random.pick(['ledger-saas', 'analytics-vm', 'treasury'])}`
  return [{ id, name: 'Ledger plan', type: 'Name', offerType: '3P', publisherName: null }]
}

function additionalRequirements(
  random: Random,
  rotations: RequirementRotation,
  createdMs: number,
  isServicesDeal: boolean,
) {
  const isIot = random.chance(0.05)
  const attributes: AttributeTag[] = []
  if (random.chance(0.6)) {
    const id = random.pick(values.marketplaceIntents)
    attributes.push({ type: 'CustomerMarketplaceIntent', id })
  }
  if (isServicesDeal) attributes.push(...servicesAttributes(random, rotations, createdMs))
  return {
    iot: {
      customerLicenseAgreementNumber: isIot ? `CLA-${random.integer(1000, 9999)}` : null,
      deviceCategory: isIot ? random.pick(['Kiosk', 'Gateway', 'Camera']) : null,
      siliconType: isIot ? random.pick(['x64', 'ARM64']) : null,
      azureCertifiedDevice: isIot && random.chance(0.5),
      attachServices: isIot && random.chance(0.5),
    },
    // The attributes are younger than the API: referrals of the first years lack the key.
    ...(createdMs > historyStart + 2 * 365 * dayMs || attributes.length > 0 ? { attributes } : {}),
  }
}

/** Returns role, area and play of a services co-sell deal; old deals keep the old taxonomy. */
function servicesAttributes(
  random: Random,
  rotations: RequirementRotation,
  createdMs: number,
): AttributeTag[] {
  const taxonomy = createdMs >= newTaxonomyStart ? rotations.plays.draw(random) : null
  const { area, play } = taxonomy ?? random.pick(values.retiredSolutionPlays)
  return [
    { type: 'PartnerRole', id: rotations.roles.draw(random) },
    { type: 'SolutionArea', id: area },
    { type: 'SolutionPlay', id: play },
  ]
}
