import { type Kysely, sql } from 'kysely'
import type { Referral, Registration, SolutionDetails } from '../../src/sandbox/referral.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { anniversary, dateOf, Exact, oracleContract, roundLike } from './exact-oracle.ts'

/**
 * One referral as the source sent it, read from the landed payloads alone. The expected values of the
 * marts are computed from it, independently of the loader's code.
 */
export interface SourceReferral {
  readonly id: string
  /** As landed, in the order of their source times. */
  readonly versions: readonly Referral[]
  readonly latest: Referral
}

export async function readSource(db: Kysely<Database>): Promise<SourceReferral[]> {
  const { rows } = await sql<{ id: string; payload: Referral }>`
    select resource_id as id, payload
    from raw.payload
    where resource_type = 'referral'
    order by resource_id, source_updated_text, version_no
  `.execute(db)
  const versions = new Map<string, Referral[]>()
  for (const { id, payload } of rows) versions.set(id, [...(versions.get(id) ?? []), payload])
  return [...versions].map(([id, list]) => ({ id, versions: list, latest: lastOf(list) }))
}

function lastOf(list: readonly Referral[]): Referral {
  const last = list.at(-1)
  if (last === undefined) throw new Error('a referral without a version')
  return last
}

export const isOpen = ({ status }: Referral) => status === 'New' || status === 'Active'
export const isWon = ({ substatus }: Referral) => substatus === 'Won'
export const isDecided = ({ substatus }: Referral) => substatus === 'Won' || substatus === 'Lost'
/** Status and substatus, of which a change is a transition. */
export const pairOf = ({ status, substatus }: Referral) => `${status} - ${substatus}`

/** Stage of a referral: while it is open its status alone, which past versions have as well. */
export const stageOf = (deal: Referral) =>
  deal.status === 'New' || deal.status === 'Active' ? deal.status : pairOf(deal)

export const dayOf = (instant: string) => instant.slice(0, 10)
export const createdDay = ({ createdDateTime }: Referral) => dayOf(createdDateTime ?? '')

/** The day it was closed: as sent, else the last update of a referral that was closed when first seen. */
export function closedDay({ versions, latest }: SourceReferral): string | null {
  if (latest.status !== 'Closed') return null
  const first = versions.find((version) => version.status === 'Closed')
  return dayOf(latest.closedDateTime ?? first?.updatedDateTime ?? '')
}

export const currencyOf = ({ details }: Referral) => details?.currency ?? 'XXX'
export const countryOf = ({ customerProfile }: Referral) => customerProfile?.address?.country ?? '-'

export function dealValueOf({ details }: Referral) {
  return new Exact(details?.dealValue ?? 0)
}

export function fiscalYear(day: string): string {
  const [year = 0, month = 0] = day.split('-').map(Number)
  return `FY${(month < 7 ? year : year + 1) % 100}`
}

export function fiscalQuarter(day: string): string {
  const month = Number(day.slice(5, 7))
  return `${fiscalYear(day)} Q${((Math.ceil(month / 3) + 1) % 4) + 1}`
}

/** The day that a person picked: the midnight, of any time zone, that is nearest. */
export function pickedDay(instant: string | null | undefined): string | null {
  if (instant == null) return null
  const minutes = Date.parse(instant) / 60_000
  if (minutes % 15 !== 0) return dayOf(instant)
  return new Date(Math.round(minutes / 1440) * 86_400_000).toISOString().slice(0, 10)
}

/** The four kinds of referral of the API's introduction. */
export function categoryOf({ type, qualification, inviteContext }: Referral): string {
  const inviter = inviteContext?.invitedBy?.organizationId ?? null
  if (type === 'Independent' && qualification === 'Direct' && [null, 'msft'].includes(inviter)) {
    return 'Marketplace lead'
  }
  const isSales = qualification === 'SalesQualified'
  if (type === 'Independent' && inviter === 'msft' && qualification === 'MarketingQualified') {
    return 'Qualified lead'
  }
  if (type === 'Independent' && inviter === 'msft' && isSales) return 'Qualified lead'
  const isByPartner = inviter !== null && inviter !== 'msft'
  return isByPartner && (isSales || qualification === 'None') ? 'Co-sell opportunity' : 'Other'
}

export function dealTypeOf({ type, consent }: Referral): string {
  const isShared = consent?.consentToShareReferralWithMicrosoftSellers
  if (isShared == null) return 'Unknown'
  if (!isShared) return 'Private'
  return type === 'Shared' ? 'Co-sell' : 'Partner-led'
}

export function attributesOf(referral: Referral, type: string): string[] {
  const attributes = referral.details?.requirements?.additionalRequirements?.attributes ?? []
  const ids = attributes.filter((tag) => tag.type === type).map((tag) => tag.id ?? '')
  return [...new Set(ids)]
}

export function tagsOf(referral: Referral, list: 'industries' | 'products' | 'services'): string[] {
  const ids = (referral.details?.requirements?.[list] ?? []).map((tag) => tag.id ?? '')
  return [...new Set(ids)]
}

/** What orders the referrals of a deal, best first, by the documented rule. */
function placeOf(deal: Referral, isGone: boolean): readonly (number | string)[] {
  const state = isWon(deal)
    ? 1
    : isOpen(deal)
      ? isGone
        ? 5
        : 2
      : deal.substatus === 'Lost'
        ? 3
        : 4
  const targets = [deal.target ?? []].flat()
  const isMicrosoft = targets.some(({ id }) => id === 'msft')
  const isPartner =
    deal.direction === 'Outgoing' && targets.some(({ type }) => type === 'BusinessProfileLocation')
  return [
    state,
    Number(deal.details?.dealValue ?? 0) > 0 ? 0 : 1,
    isMicrosoft ? 2 : isPartner ? 3 : 1,
    deal.createdDateTime ?? '',
    deal.id ?? '',
  ]
}

/** Primary referrals of the deals: one for each engagement. */
export function primariesOf(
  deals: readonly Referral[],
  isGone: (id: string) => boolean,
): Referral[] {
  const byDeal = new Map<string, Referral[]>()
  for (const deal of deals) {
    const id = deal.engagementId ?? deal.id ?? ''
    byDeal.set(id, [...(byDeal.get(id) ?? []), deal])
  }
  return [...byDeal.values()].flatMap((referrals) =>
    referrals
      .map((deal) => ({ deal, place: placeOf(deal, isGone(deal.id ?? '')) }))
      .sort((one, other) => {
        const at = one.place.findIndex((term, index) => term !== other.place[index])
        return at >= 0 && (one.place[at] ?? 0) < (other.place[at] ?? 0) ? -1 : 1
      })
      .slice(0, 1)
      .map(({ deal }) => deal),
  )
}

export function registrationsOf({
  latest,
}: SourceReferral): { deal: Referral; registration: Registration }[] {
  return (latest.registrations ?? []).map((registration) => ({ deal: latest, registration }))
}

/** One solution line with its expected amounts. */
export interface SourceLine {
  readonly deal: Referral
  readonly registration: Registration
  readonly line: SolutionDetails
  readonly currency: string
  readonly signed: string | null
  readonly contract: ReturnType<typeof contractOf>
  readonly acv: InstanceType<typeof Exact>
}

export function linesOf(source: SourceReferral): SourceLine[] {
  return registrationsOf(source).flatMap(({ deal, registration }) =>
    (registration.solutionDetails ?? []).map((line) => {
      const currency = line.currency ?? registration.contract?.currency ?? 'XXX'
      const value = line.value ?? null
      return {
        deal,
        registration,
        line,
        currency,
        signed: pickedDay(registration.contract?.signDateTime),
        contract: contractOf(registration),
        acv: value === null ? new Exact(0) : yearly(value, registration, currency),
      }
    }),
  )
}

/** The contract as the oracle places it in time; null where its length is unknown. */
export function contractOf({ contract }: Registration) {
  const start = pickedDay(contract?.startDateTime)
  const end = pickedDay(contract?.endDateTime)
  const isPerpetual = contract?.term === 'Perpetual'
  if (start === null || (!isPerpetual && (end === null || end < start))) return null
  return oracleContract({ term: isPerpetual ? 'Perpetual' : 'Finite', start, end })
}

/** Value for twelve months of the contract, all of it below a year; 0 where the length is unknown. */
export function yearly(value: number | string, registration: Registration, currency: string) {
  const contract = contractOf(registration)
  if (contract === null) return new Exact(0)
  const months = new Exact(contract.numerator).div(contract.denominator)
  const amount = new Exact(value)
  if (months.lte(12)) return amount
  const year = amount.times(12 * contract.denominator).div(contract.numerator)
  return roundLike(amount, year, minorDigits(currency))
}

export function minorDigits(currency: string): number {
  return { JPY: 0, KWD: 3 }[currency] ?? 2
}

/** What of a line falls into each contract year: the difference of what is reached by its end. */
export function yearsOf({ line, contract, currency }: SourceLine) {
  const value = new Exact(line.value ?? 0)
  if (contract === null) return [{ no: 0, start: '-', amount: value }]
  const { start, endExclusive, numerator, denominator } = contract
  const years: { no: number; start: string; amount: typeof value }[] = []
  let before = new Exact(0)
  for (let no = 1; ; no++) {
    const from = anniversary(start, 12 * (no - 1))
    if (from >= endExclusive) return years
    const months = 12 * no * denominator
    const share = months >= numerator ? value : value.times(months).div(numerator)
    const reached = roundLike(value, share, minorDigits(currency))
    years.push({ no, start: dateOf(from), amount: reached.minus(before) })
    before = reached
  }
}

type Figure = InstanceType<typeof Exact> | number | null

/** One line of text for each group of `items`: its key and its figures, sorted. */
export function figuresBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  figuresOf: (group: readonly T[]) => readonly Figure[],
): string[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return [...groups].map(([key, group]) => lineOf(key, figuresOf(group))).sort()
}

export function sumOf<T>(items: readonly T[], amountOf: (item: T) => InstanceType<typeof Exact>) {
  return items.reduce((sum, item) => sum.plus(amountOf(item)), new Exact(0))
}

/** The middle, or the mean of the two middle ones, as PostgreSQL's `percentile_cont(0.5)`. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2
}

/** Rows of a query as `figuresBy` writes them: the column `key`, then figures. */
export async function answerOf(
  db: Kysely<Database>,
  query: ReturnType<typeof sql<{ key: string }>>,
): Promise<string[]> {
  const { rows } = await query.execute(db)
  return rows
    .map(({ key, ...figures }) => {
      const values = Object.values(figures) as (string | number | null)[]
      return lineOf(
        key,
        values.map((value) => (value === null ? null : new Exact(value))),
      )
    })
    .sort()
}

function lineOf(key: string, figures: readonly Figure[]): string {
  const texts = figures.map((figure) => (figure === null ? 'null' : new Exact(figure).toFixed()))
  return `${key}: ${texts.join(' ')}`
}
