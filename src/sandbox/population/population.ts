import { currencyOf } from '../data/places.ts'
import { baseClock, entityTag, secondMs, wireInstant } from '../instants.ts'
import { Random } from '../random.ts'
import type { Referral } from '../referral.ts'
import { type Deal, inventDeal, isInvited, type World } from './deal.ts'
import { type Lifecycle, simulateLifecycle } from './lifecycle.ts'
import { type Role, shapeReferral } from './referral-shape.ts'
import { registerDeal, reviewAgain } from './registration.ts'

/**
 * Time when the service moved deals from its predecessor: it rewrote a third of the closed ones
 * with one and the same `updatedDateTime`, more referrals than fit on a page.
 */
const migrationMs = Date.UTC(2023, 1, 4, 2)
const migrationText = '2023-02-04T02:00:00Z'

/**
 * Yields exactly `count` referrals of years of business up to the sandbox's base clock. A pure
 * function of its arguments: the same count and seed give the same bytes, now and next year.
 */
export function* population(world: World, count: number): Generator<Referral> {
  for (let index = 0, made = 0; made < count; index++) {
    const random = new Random(world.seed, 3, index)
    const deal = inventDeal(world, random, index)
    for (const role of roles(random, deal)) {
      if (made++ === count) return
      const referral = referralOf(random, deal, role, baseClock - secondMs)
      // A stream of its own, so that a second review changes no other referral.
      yield reviewedAgain(referral, world.seed, made)
    }
  }
}

function reviewedAgain(referral: Referral, seed: number, number: number): Referral {
  const [registration] = referral.registrations ?? []
  if (registration === undefined || referral.updatedDateTime === migrationText) return referral
  const random = new Random(seed, 8, number)
  const ms = reviewAgain(random, registration, baseClock - secondMs)
  if (ms === null) return referral
  referral.registrationStatus = registration.status ?? null
  referral.updatedDateTime = wireInstant(random, ms)
  referral.eTag = entityTag(random, ms)
  return referral
}

/** Returns a referral that arrives later, entered at `enteredMs` and not answered yet. */
export function arrival(world: World, number: number, enteredMs: number): Referral {
  const random = new Random(world.seed, 4, number)
  const deal = inventDeal(world, random, firstArrival + number, enteredMs)
  return referralOf(random, deal, 'own', enteredMs + 1)
}

/** Returns a referral of the past that the caller was not shown before: its times are old. */
export function lateReferral(world: World, number: number): Referral {
  const random = new Random(world.seed, 7, number)
  const deal = inventDeal(world, random, firstLate + number)
  return referralOf(random, deal, 'own', baseClock - secondMs)
}

/** Keeps the numbers in the CRM ids of later deals apart from those of the seeded ones. */
const firstArrival = 900_000
const firstLate = 950_000

/** Draws the parties of a deal: each has a referral of the same engagement. */
function roles(random: Random, deal: Deal): readonly Role[] {
  if (deal.kind === 'coSell') return ['own', 'microsoft']
  if (deal.kind === 'partnerToPartner') return ['own', 'partner', 'microsoft']
  if (deal.kind === 'incomingCoSell') return random.chance(0.6) ? ['own', 'microsoft'] : ['own']
  return ['own']
}

function referralOf(random: Random, deal: Deal, role: Role, latestMs: number): Referral {
  const isIncoming = role === 'own' ? isInvited(deal) : true
  const lagMs = role === 'own' ? 0 : random.integer(200, 4000)
  const createdMs = Math.min(deal.createdMs + lagMs, latestMs)
  const lifecycle = hasNoStatus(deal, role)
    ? lifecycleWithoutStatus(createdMs)
    : simulateLifecycle(random, createdMs, isIncoming, latestMs)
  const registered = register(random, deal, role, lifecycle, latestMs)
  const updatedMs = Math.max(lifecycle.updatedMs, registered?.updatedMs ?? 0)
  const isMigrated = lifecycle.closedMs !== null && updatedMs < migrationMs && random.chance(0.35)
  return shapeReferral(random, {
    deal,
    role,
    lifecycle: { ...lifecycle, updatedMs: isMigrated ? migrationMs : updatedMs },
    registration: registered?.registration ?? null,
    updatedText: isMigrated ? migrationText : null,
  })
}

/** Returns true for the few referrals with the documented pair None/None, whose reason is unknown. */
function hasNoStatus(deal: Deal, role: Role): boolean {
  return role === 'own' && deal.index % 389 === 17
}

function lifecycleWithoutStatus(createdMs: number): Lifecycle {
  return {
    createdMs,
    acceptedMs: null,
    closedMs: null,
    expirationMs: null,
    updatedMs: createdMs,
    status: 'None',
    substatus: 'None',
  }
}

/** Registers most of our own won deals when Microsoft may know of them and they are large. */
function register(random: Random, deal: Deal, role: Role, lifecycle: Lifecycle, nowMs: number) {
  const isOwnWin = role === 'own' && lifecycle.substatus === 'Won'
  const isKnown = deal.kind !== 'private' && !deal.kind.endsWith('Lead')
  const dollars = deal.worth / currencyOf(deal.currency).perDollar
  const isEligible = isOwnWin && isKnown && dollars > 20_000
  if (!isEligible || lifecycle.closedMs === null || !random.chance(0.8)) return null
  const { createdMs, worth, currency, requirements } = deal
  return registerDeal(
    random,
    {
      createdMs,
      closedMs: lifecycle.closedMs,
      zone: deal.customer.place,
      currency,
      worth,
      solutions: requirements.solutions ?? [],
    },
    nowMs,
  )
}
