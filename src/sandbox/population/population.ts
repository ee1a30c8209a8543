import { currencyOf } from '../data/places.ts'
import type { Referral } from '../referral.ts'
import { type Deal, inventDeal, isInvited, type World } from './deal.ts'
import { baseClock, secondMs } from './instants.ts'
import { type Life, live } from './lifecycle.ts'
import { Random } from './random.ts'
import { type Role, shapeReferral } from './referral-shape.ts'
import { registerDeal } from './registration.ts'

/**
 * When the service moved deals from its predecessor: it rewrote a third of what was closed by
 * then with one and the same `updatedDateTime`, more referrals than fit on a page.
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
      yield referralOf(random, deal, role, baseClock - secondMs)
    }
  }
}

/** A referral that arrives later, entered at `enteredMs` and answered by nobody yet. */
export function arrival(world: World, number: number, enteredMs: number): Referral {
  const random = new Random(world.seed, 4, number)
  const deal = inventDeal(world, random, firstArrival + number, enteredMs)
  return referralOf(random, deal, 'own', enteredMs + 1)
}

/** Keeps the numbers in the CRM ids of later deals apart from those of the seeded ones. */
const firstArrival = 900_000

/** A deal is one referral, or one for each party that shares the engagement. */
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
  const lived = isOddity(deal, role)
    ? oddLife(createdMs)
    : live(random, createdMs, isIncoming, latestMs)
  const registered = register(random, deal, role, lived, latestMs)
  const updatedMs = Math.max(lived.updatedMs, registered?.updatedMs ?? 0)
  const isMigrated = lived.closedMs !== null && updatedMs < migrationMs && random.chance(0.35)
  return shapeReferral(random, {
    deal,
    role,
    life: { ...lived, updatedMs: isMigrated ? migrationMs : updatedMs },
    registration: registered?.registration ?? null,
    updatedText: isMigrated ? migrationText : null,
  })
}

/** The documented pair None/None comes up now and then, for reasons that nobody documents. */
function isOddity(deal: Deal, role: Role): boolean {
  return role === 'own' && deal.index % 389 === 17
}

function oddLife(createdMs: number): Life {
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

/** Most of our own won deals are registered when Microsoft may know of them and they are large. */
function register(random: Random, deal: Deal, role: Role, life: Life, nowMs: number) {
  const isOwnWin = role === 'own' && life.substatus === 'Won'
  const isKnown = deal.kind !== 'private' && !deal.kind.endsWith('Lead')
  const dollars = deal.worth / currencyOf(deal.currency).perDollar
  const isEligible = isOwnWin && isKnown && dollars > 20_000
  if (!isEligible || life.closedMs === null || !random.chance(0.8)) return null
  const { createdMs, worth, currency, requirements } = deal
  return registerDeal(
    random,
    {
      createdMs,
      closedMs: life.closedMs,
      zone: deal.customer.place,
      currency,
      worth,
      solutions: requirements.solutions ?? [],
    },
    nowMs,
  )
}
