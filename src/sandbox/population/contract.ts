import { currencyOf } from '../data/places.ts'
import { type CatalogSolution, catalog, publisherOf } from '../data/solution-catalog.ts'
import { addMonths, calendarDate, dayMs, dayOf, greenwich, type Zone } from '../instants.ts'
import type { Random } from '../random.ts'
import type { RegistrationContract, SolutionDetails, SolutionTag } from '../referral.ts'

/** Facts of a deal that its registration depends on. */
export interface WonDeal {
  readonly createdMs: number
  readonly closedMs: number
  readonly zone: Zone
  readonly currency: string
  /** The deal's worth, in units of its currency. */
  readonly worth: number
  readonly solutions: readonly SolutionTag[]
}

const incentiveSets = [
  ['MSFT Internal Azure IP Co-Sell'],
  ['MSFT Internal Azure IP Co-Sell', 'Azure IP Co-Sell Eligible'],
  ['Azure IP Co-Sell Eligible', 'Marketplace Rewards', 'MSFT Internal Azure IP Co-Sell'],
] as const

/** Rounds `worth` to the currency's minor unit, or as people round estimates. */
export function amount(random: Random, worth: number, currency: string): number {
  const { minorDigits, perDollar } = currencyOf(currency)
  const step = random.weighted([
    [1000 * perDollar, 55],
    [1, 25],
    [0, 20],
  ])
  const rounded = step === 0 ? worth : Math.max(step, Math.round(worth / step) * step)
  return toMinorUnit(rounded, minorDigits)
}

function toMinorUnit(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** Invents the contract and its lines, signed shortly before the deal was closed. */
export function contractAndLines(
  random: Random,
  deal: WonDeal,
): { contract: RegistrationContract; solutionDetails: SolutionDetails[] } {
  const isPayAsYouGo = random.chance(0.08)
  const value = amount(random, deal.worth * random.between(0.85, 1.2), deal.currency)
  return {
    contract: inventContract(random, deal, value, isPayAsYouGo),
    solutionDetails: lines(random, deal, value, isPayAsYouGo),
  }
}

function inventContract(
  random: Random,
  deal: WonDeal,
  value: number,
  isPayAsYouGo: boolean,
): RegistrationContract {
  // Four in ten pick the date in a UTC calendar; the rest stores their own midnight.
  const zone = random.chance(0.4) ? greenwich : deal.zone
  const weeksBefore = dayOf(deal.closedMs) - random.integer(0, 30) * dayMs
  const signed = Math.max(weeksBefore, dayOf(deal.createdMs))
  const start = isPayAsYouGo ? signed : startDay(random, signed)
  const term = isPayAsYouGo
    ? 'Finite'
    : random.weighted<string | null>([
        ['Finite', 79],
        ['Perpetual', 19],
        [null, 2],
      ])
  const end = endDay(random, start, isPayAsYouGo)
  const isOpenEnded = term === 'Perpetual' ? !random.chance(0.04) : random.chance(0.015)
  return {
    value,
    currency: deal.currency,
    startDateTime: calendarDate(start, zone),
    ...(isOpenEnded
      ? random.pick([{ endDateTime: null }, {}])
      : { endDateTime: calendarDate(end, zone) }),
    signDateTime: calendarDate(signed, zone),
    term,
  }
}

/** Returns a start from 90 days before the signature to two months after, often a first of a month. */
function startDay(random: Random, signed: number): number {
  const near = signed + random.integer(-60, 60) * dayMs
  if (random.chance(0.45)) return near
  const date = new Date(near)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), random.chance(0.03) ? 31 : 1)
}

/** Returns the end as typed: the anniversary or the day before it; pay-as-you-go may last one day. */
function endDay(random: Random, start: number, isPayAsYouGo: boolean): number {
  if (isPayAsYouGo) {
    return random.weighted([
      [start, 4],
      [start + random.integer(20, 400) * dayMs, 6],
    ])
  }
  const months = random.weighted([
    [12, 34],
    [36, 28],
    [24, 12],
    [60, 6],
    [7, 4],
    [13, 4],
    [18, 5],
    [25, 3],
    [1, 1],
  ])
  if (random.chance(0.06)) return start + random.integer(45, 1500) * dayMs
  return addMonths(start, months) - (random.chance(0.6) ? dayMs : 0)
}

/** Invents one to four lines that add up to the contract, less one-off fees in one of three deals. */
function lines(
  random: Random,
  deal: WonDeal,
  contractValue: number,
  isPayAsYouGo: boolean,
): SolutionDetails[] {
  const sold = soldSolutions(random, deal)
  const digits = currencyOf(deal.currency).minorDigits
  const recurring = contractValue * (random.chance(0.35) ? random.between(0.6, 0.95) : 1)
  let rest = toMinorUnit(recurring, digits)
  return sold.map((solution, index) => {
    const isLast = index === sold.length - 1
    const value = isLast ? rest : toMinorUnit(rest * random.between(0.3, 0.7), digits)
    rest = toMinorUnit(rest - value, digits)
    return line(random, solution, deal, value, isPayAsYouGo)
  })
}

function soldSolutions(random: Random, deal: WonDeal): CatalogSolution[] {
  const wanted = catalog.filter((each) => deal.solutions.some((tag) => tag.id === each.id))
  const own = catalog.filter((each) => each.own && !wanted.includes(each))
  return [...wanted, ...random.sample(own, wanted.length === 0 ? 1 : random.integer(0, 1))]
}

function line(
  random: Random,
  solution: CatalogSolution,
  deal: WonDeal,
  value: number,
  isPayAsYouGo: boolean,
): SolutionDetails {
  const eligible = solution.own && random.chance(0.8)
  const isTransacted = random.chance(0.3)
  // Only some generations of the service have these keys.
  const isRecent = random.chance(0.8)
  return {
    id: solution.id,
    name: random.chance(0.9) ? solution.name : null,
    ...(isRecent
      ? {
          type: 'Name',
          solutionType: solution.solutionType,
          price: random.pick([null, '', String(value)]),
          // A line in another currency than its contract is rare but seen in portals.
          currency: random.chance(0.02) ? 'USD' : deal.currency,
          quantity: random.pick([null, 1, 1, 50]),
        }
      : {}),
    publisherName: publisherOf(solution),
    value,
    ...(eligible
      ? { incentives: [...random.pick(incentiveSets, 2)] }
      : random.pick([{ incentives: [] }, { incentives: null }, {}])),
    isDeployedOnAzure: random.weighted<boolean | null>([
      [true, 90],
      [false, 7],
      [null, 3],
    ]),
    primaryDeploymentOn: random.pick(['Customer', 'Partner']),
    pricingModel: isPayAsYouGo ? 'PayAsYouGo' : 'Other',
    ...marketplace(random, deal, isTransacted),
  }
}

function marketplace(random: Random, deal: WonDeal, isMarketplaceTransacted: boolean) {
  if (!isMarketplaceTransacted && random.chance(0.3)) {
    return random.pick([{ marketplaceTransactionDetails: null }, {}])
  }
  const day = dayOf(deal.closedMs) + random.integer(-20, 20) * dayMs
  const marketplaceTransactionDateTime = isMarketplaceTransacted
    ? calendarDate(day, deal.zone)
    : null
  return {
    marketplaceTransactionDetails: { isMarketplaceTransacted, marketplaceTransactionDateTime },
  }
}
