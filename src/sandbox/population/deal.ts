import { dealName, type Person, partnerOrganizations, person } from '../data/names.ts'
import { currencyOf } from '../data/places.ts'
import * as values from '../data/values.ts'
import { baseClock, dayMs, historyStart, hourMs } from '../instants.ts'
import { Random, Rotation } from '../random.ts'
import type { ReferralRequirements } from '../referral.ts'
import { amount } from './contract.ts'
import { type Customer, Customers } from './customers.ts'
import { RequirementRotation, requirements } from './requirements.ts'

export type DealKind =
  | 'coSell'
  | 'partnerLed'
  | 'private'
  | 'incomingCoSell'
  | 'partnerToPartner'
  | 'marketplaceLead'
  | 'marketingLead'

const kinds: readonly (readonly [DealKind, number])[] = [
  ['coSell', 42],
  ['partnerLed', 16],
  ['private', 11],
  ['incomingCoSell', 11],
  ['partnerToPartner', 6],
  ['marketplaceLead', 9],
  ['marketingLead', 5],
]

/** Facts that all referrals of one engagement have in common. */
export interface Deal {
  readonly index: number
  readonly kind: DealKind
  readonly engagementId: string
  readonly customer: Customer
  readonly createdMs: number
  readonly name: string | null
  readonly currency: string
  readonly worth: number
  readonly dealValue: number
  readonly requirements: ReferralRequirements
  readonly seller: Person
  readonly partner: (typeof partnerOrganizations)[number]
}

/** Context of all deals: customers, staff and the values to draw from. */
export class World {
  readonly customers: Customers
  readonly requirementRotation = new RequirementRotation()
  readonly staff: readonly Person[]
  constructor(
    readonly seed: number,
    referrals: number,
  ) {
    const count = Math.max(20, Math.round(referrals * 0.2))
    this.customers = new Customers(seed, count, new Rotation(values.customerSizes))
    const random = new Random(seed, 1)
    this.staff = Array.from({ length: 14 }, () => person(random))
  }
}

/** Invents a deal of the seeded history, or one entered at `enteredMs`. */
export function inventDeal(world: World, random: Random, index: number, enteredMs?: number): Deal {
  const kind = random.weighted(kinds)
  const customer = world.customers.draw(random)
  const createdMs = enteredMs ?? creation(random, kind)
  const currency = random.chance(0.15) ? 'USD' : customer.place.currency
  const isLead = kind === 'marketplaceLead' || kind === 'marketingLead'
  const dollars = Math.exp((isLead ? 9.6 : 11.2) + 1.05 * random.normal())
  const worth = Math.min(Math.max(dollars, 900), 9_000_000) * currencyOf(currency).perDollar
  return {
    index,
    kind,
    engagementId: random.guid(),
    customer,
    createdMs,
    name: dealName(random, customer.name),
    currency,
    worth,
    dealValue: amount(random, worth, currency),
    requirements: requirements(random, world.requirementRotation, createdMs, currency),
    seller: random.pick(world.staff, 1.5),
    partner: random.pick(partnerOrganizations),
  }
}

/**
 * Draws the time when a deal was entered: more each year, mostly in working hours. Bulk uploads at the
 * start of a quarter give many deals the same instant, to the last digit.
 */
function creation(random: Random, kind: DealKind): number {
  const ms = historyStart + (baseClock - historyStart) * random.unit() ** 0.72
  if ((kind === 'partnerLed' || kind === 'private') && random.chance(0.25)) {
    const date = new Date(ms)
    const quarter = Math.floor(date.getUTCMonth() / 3) * 3
    return Date.UTC(date.getUTCFullYear(), quarter, 1, 9)
  }
  const day = Math.floor(ms / dayMs) * dayMs
  const inWorkingHours = day + Math.floor(random.between(6 * hourMs, 19 * hourMs))
  return Math.min(random.chance(0.85) ? inWorkingHours : Math.floor(ms), baseClock - 1000)
}

/** Returns true when Microsoft brought the deal, so that it waits for an answer. */
export function isInvited(deal: Deal): boolean {
  return deal.kind.endsWith('Lead') || deal.kind === 'incomingCoSell'
}
