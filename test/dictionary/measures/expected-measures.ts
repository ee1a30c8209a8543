import { sql } from 'kysely'
import type { Measure } from '../../../src/dictionary/measures/measure.ts'
import type { MeasureName } from '../../../src/dictionary/measures/measures.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { Exact, dayOf as numberOf } from '../../support/exact-oracle.ts'
import {
  attributesOf,
  closedDay,
  countryOf,
  createdDay,
  currencyOf,
  dayOf,
  dealValueOf,
  figuresBy,
  fiscalQuarter,
  fiscalYear,
  isDecided,
  isOpen,
  isWon,
  linesOf,
  medianOf,
  pickedDay,
  primariesOf,
  registrationsOf,
  type SourceLine,
  type SourceReferral,
  sumOf,
  tagsOf,
  yearly,
  yearsOf,
} from '../../support/expected-marts.ts'
import type { MartsFixture } from '../../support/marts-fixture.ts'

type Figure = InstanceType<typeof Exact> | number | null

/** What a measure has to answer over the marts fixture, from the payloads alone. */
export interface Expectation {
  /** Groups of the answer, as an expression of SQL over the measure's rows. */
  readonly by: string
  /** Rows that the answer is asked for; all when absent. */
  readonly among?: string
  /** Lines as `figuresBy` writes them. */
  expected(world: MartsFixture): string[]
}

/** Units of the reporting currency for one of another, on every day: exact at any scale. */
export const planted = {
  rates: { USD: 1, EUR: 2, INR: 3 } as Readonly<Record<string, number>>,
  /** When the last run was published. */
  publishedAt: new Date(Date.now() - 5.2 * 3_600_000).toISOString(),
}

/** Prepares what the fixture lacks: rates, expiry around today, findings, an old publish. */
export async function plantFigures(world: MartsFixture): Promise<void> {
  const { db, source } = world
  for (const [currency, rate] of Object.entries(planted.rates)) {
    if (currency === 'USD') continue
    await sql`
      insert into dw.fx_rate
        (currency_code, rate_date, rate_to_reporting, reporting_units, currency_units, observed_date,
          rate_source)
      select ${currency}, date_day, ${rate}, ${rate}, 1, date_day, 'invented'
      from dw.dim_date
      where date_day between '2010-01-01' and current_date`.execute(db)
  }
  const planned = [...expiryDays(world)]
  await sql`
    update dw.fact_referral fact
    set expiration_date = (now() at time zone 'utc')::date + planned.days
    from dw.dim_referral referral
    join unnest(${planned.map(([id]) => id)}::text[], ${planned.map(([, days]) => days)}::integer[])
      as planned (referral_id, days) using (referral_id)
    where fact.referral_key = referral.referral_key`.execute(db)
  await sql`update dw.fact_run set published_at = ${planted.publishedAt} where run_status = 'published'`.execute(
    db,
  )
  const [one, other] = source.map(({ id }) => id)
  for (const [id, item, severity] of [
    [one, 'first', 'error'],
    [one, 'second', 'warn'],
    [other, 'first', 'error'],
  ]) {
    await sql`
      insert into dw.fact_finding
        (partner_account_key, referral_id, rule_code, item_ref, severity, detail, first_seen_run_id,
          last_seen_run_id)
      values (1, ${id}, 'planted', ${item}, ${severity}, 'planted', 1, 1)`.execute(db)
  }
  await sql`
    insert into etl.quarantine
      (partner_account_key, resource_type, resource_id, version_no, reason_code, item_path, detail,
        first_run_id, last_run_id, attempts)
    values (1, 'referral', ${one}, 99, 'unreadable', '', 'planted', 1, 1, 1)`.execute(db)
  await sql`update dw.fact_run set quarantined_entry_count = 1 where run_status = 'published'`.execute(
    db,
  )
}

/** Groups items that the source has, and computes one figure of each group. */
function figures<T>(
  by: string,
  items: (world: MartsFixture) => readonly T[],
  keyOf: (item: T) => string,
  figureOf: (group: readonly T[]) => Figure,
  among?: string,
): Expectation {
  const expected = (world: MartsFixture) =>
    figuresBy(items(world), keyOf, (group) => [figureOf(group)])
  return among === undefined ? { by, expected } : { by, among, expected }
}

/** Groups in which nothing happened are left out on both sides; the zero of a ratio is a figure. */
export function hasFigure(line: string, { formula }: Measure): boolean {
  return !(formula.kind === 'ratio' ? /: null$/ : /: (?:null|0)$/).test(line)
}

const count = (items: readonly unknown[]) => items.length

// Deals, each once.

/** Primary referrals that the marts show, with their versions. */
function dealsOf(world: MartsFixture): SourceReferral[] {
  const isGone = (id: string) => world.missing.has(id)
  const latest = world.source.map((one) => one.latest)
  const primary = new Set(primariesOf(latest, isGone).map(({ id }) => id))
  return world.shown.filter(({ id }) => primary.has(id))
}

const rateOf = (currency: string) => planted.rates[currency] ?? null
const amountOf = ({ latest }: SourceReferral) => dealValueOf(latest)
const hasValue = ({ latest }: SourceReferral) => latest.details?.dealValue != null
const convertedOf = (one: SourceReferral) =>
  dealValueOf(one.latest).times(rateOf(currencyOf(one.latest)) ?? 0)
const sumOrNull =
  <T>(of: (item: T) => InstanceType<typeof Exact>) =>
  (group: readonly T[]): Figure =>
    group.length === 0 ? null : sumOf(group, of)

const quarterOf = (one: SourceReferral) => fiscalQuarter(closedDay(one) ?? '')
const byCountry = "concat_ws('|', coalesce(country_code, '-'), currency_code)"
const countryKey = ({ latest }: SourceReferral) => `${countryOf(latest)}|${currencyOf(latest)}`
const byClosing = "concat_ws('|', closed_fiscal_quarter, currency_code)"
const closingKey = (one: SourceReferral) => `${quarterOf(one)}|${currencyOf(one.latest)}`

const open = (world: MartsFixture) => dealsOf(world).filter(({ latest }) => isOpen(latest))
const won = (world: MartsFixture) => dealsOf(world).filter(({ latest }) => isWon(latest))
const decided = (world: MartsFixture) => dealsOf(world).filter(({ latest }) => isDecided(latest))
const closed = (world: MartsFixture) => dealsOf(world).filter((one) => closedDay(one) !== null)

function share<T>(
  isAbove: (item: T) => boolean,
  isBelow: (item: T) => boolean,
  of: (item: T) => InstanceType<typeof Exact>,
) {
  return (group: readonly T[]): Figure => {
    const below = sumOf(group.filter(isBelow), of)
    if (below.isZero()) return null
    return sumOf(group.filter(isAbove), of).div(below).toDecimalPlaces(6)
  }
}
const one = () => new Exact(1)

// Referrals, as often as there are.

const monthOf = ({ latest }: SourceReferral) => createdDay(latest).slice(0, 7)
const byMonth = "to_char(created_date, 'YYYY-MM')"
const shown = (world: MartsFixture) => world.shown
const isAccepted = ({ latest }: SourceReferral) => latest.acceptedDateTime != null
const isRegistered = ({ latest }: SourceReferral) => (latest.registrations ?? []).length > 0
const isReferralWon = ({ latest }: SourceReferral) => isWon(latest)
const isWonAndRegistered = (one: SourceReferral) => isReferralWon(one) && isRegistered(one)
const isReferralApproved = ({ latest }: SourceReferral) =>
  !(latest.registrations ?? []).some(({ status }) =>
    ['ReviewPending', 'ActionRequired', 'Failed'].includes(status ?? ''),
  ) &&
  (latest.registrations ?? []).some(
    ({ statusHistory }) => statusHistory?.approvedDateTime || statusHistory?.passedDateTime,
  )
const perMonth = (isIn: (one: SourceReferral) => boolean) =>
  figures(byMonth, (world) => world.shown.filter(isIn), monthOf, count)
const monthlyShare = (
  isAbove: (one: SourceReferral) => boolean,
  isBelow: (one: SourceReferral) => boolean,
) => figures(byMonth, shown, monthOf, share(isAbove, isBelow, one))
const daysBetween = (from: string, to: string) =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 86_400_000)
const medianDays = (endOf: (one: SourceReferral) => string | null | undefined) =>
  figures(byMonth, shown, monthOf, (group) =>
    medianOf(
      group.flatMap((item) => {
        const end = endOf(item)
        return end == null ? [] : [daysBetween(createdDay(item.latest), dayOf(end))]
      }),
    ),
  )

// The pipeline of days before.

/** The state in which each referral ended an observed day; absent before it was seen. */
function statesOn(world: MartsFixture, day: string): Referral[] {
  const versions = world.source.flatMap(({ versions: all }) => {
    const version = all.findLast(({ updatedDateTime }) => dayOf(updatedDateTime ?? '') <= day)
    return version === undefined ? [] : [version]
  })
  return primariesOf(versions, () => false).filter(isOpen)
}
const observed = (world: MartsFixture) =>
  world.days.flatMap((day) => statesOn(world, day).map((deal) => ({ day, deal })))

const months = Array.from({ length: 12 }, (_, back) =>
  new Date(Date.UTC(2026, 5 - back, 0)).toISOString().slice(0, 10),
)

/** Deals open at month ends before the first observation, by the first version of each referral. */
function openAtMonthEnds(world: MartsFixture): { day: string; deal: Referral }[] {
  return months.flatMap((day) => {
    const states = world.source.flatMap(({ id, versions: [first] }): Referral[] => {
      if (first === undefined || createdDay(first) > day || first.status === 'None') return []
      const end = closedDay({ id, versions: [first], latest: first })
      const wasOpen = end === null || (end < createdDay(first) ? createdDay(first) : end) > day
      return [wasOpen ? { ...first, status: 'Active', substatus: 'Accepted' } : first]
    })
    return primariesOf(states, () => false)
      .filter(isOpen)
      .map((deal) => ({ day, deal }))
  })
}
type DayDeal = ReturnType<typeof observed>[number]
const dayKey = ({ day, deal }: DayDeal) => `${day}|${currencyOf(deal)}`
const byDay = "concat_ws('|', snapshot_date, currency_code)"
const atMonthEnds = `snapshot_date between '${months.at(-1)}' and '${months[0]}'`

// Contracts.

const allLines = (world: MartsFixture) => world.source.flatMap(linesOf)
const valuedLines = (world: MartsFixture) =>
  allLines(world).filter(({ line, contract }) => line.value != null && contract !== null)
const signYear = ({ signed }: SourceLine) => (signed === null ? '-' : fiscalYear(signed))
const bySigning = "concat_ws('|', coalesce(sign_fiscal_year, '-'), currency_code)"
const signKey = (line: SourceLine) => `${signYear(line)}|${line.currency}`
const acvOf = ({ acv }: SourceLine) => acv
const isApprovedState = (status: string | null | undefined) =>
  ['Approved', 'Passed'].includes(status ?? '')
const perSigning = (isIn: (line: SourceLine) => boolean) =>
  figures(bySigning, (world) => valuedLines(world).filter(isIn), signKey, sumOrNull(acvOf))
const transacted = ({ line }: SourceLine) =>
  line.marketplaceTransactionDetails?.isMarketplaceTransacted
const convertedAcvOf = (line: SourceLine) => line.acv.times(rateOf(line.currency) ?? 0)
const hasRate = ({ currency }: SourceLine) => rateOf(currency) !== null

interface Contract {
  readonly currency: string
  readonly signed: string | null
  readonly acv: InstanceType<typeof Exact>
}
const contracts = (world: MartsFixture): Contract[] =>
  world.source.flatMap(registrationsOf).flatMap(({ registration }) => {
    const { contract } = registration
    const [line] = linesOf({
      id: '',
      versions: [],
      latest: { registrations: [{ ...registration, solutionDetails: [{}] }] },
    })
    if (contract?.value == null || line?.contract == null) return []
    const currency = contract.currency ?? 'XXX'
    const acv = yearly(contract.value, registration, currency)
    return [{ currency, signed: pickedDay(contract.signDateTime), acv }]
  })
const contractKey = ({ signed, currency }: Contract) =>
  `${signed === null ? '-' : signed.slice(0, 4)}|${currency}`
const byContractYear =
  "concat_ws('|', coalesce(to_char(contract_sign_date, 'YYYY'), '-'), currency_code)"

const today = () => numberOf(new Date().toISOString().slice(0, 10))
const runsToday = ({ contract }: SourceLine) =>
  contract !== null && contract.start <= today() && today() < contract.endExclusive
/** A contract without lines counts with its contract ACV. */
const inForce = (world: MartsFixture): { currency: string; acv: InstanceType<typeof Exact> }[] => [
  ...valuedLines(world).filter(runsToday),
  ...world.source.flatMap(registrationsOf).flatMap(({ deal, registration }) => {
    if ((registration.solutionDetails ?? []).length > 0) return []
    const [line] = linesOf({
      id: '',
      versions: [],
      latest: { ...deal, registrations: [{ ...registration, solutionDetails: [{}] }] },
    })
    const value = registration.contract?.value
    if (line === undefined || value == null || !runsToday(line)) return []
    const currency = registration.contract?.currency ?? 'XXX'
    return [{ currency, acv: yearly(value, registration, currency) }]
  }),
]

const scheduled = (world: MartsFixture) =>
  allLines(world)
    .filter(({ line }) => line.value != null)
    .flatMap((line) => yearsOf(line).map((year) => ({ ...year, line })))
type Scheduled = ReturnType<typeof scheduled>[number]
const bySchedule = "concat_ws('|', coalesce(period_start_fiscal_year, '-'), currency_code)"
const scheduleKey = ({ start, line }: Scheduled) =>
  `${start === '-' ? '-' : fiscalYear(start)}|${line.currency}`

// Registrations.

const registrations = (world: MartsFixture) =>
  world.source.flatMap(registrationsOf).map(({ registration }) => registration)
type Registered = ReturnType<typeof registrations>[number]
const byRegistration = 'registered_fiscal_quarter'
const registrationKey = ({ registrationDateTime }: Registered) =>
  fiscalQuarter(dayOf(registrationDateTime ?? ''))
const perRegistration = (isIn: (registration: Registered) => boolean) =>
  figures(byRegistration, (world) => registrations(world).filter(isIn), registrationKey, count)
const perRegistrationMedian = (daysOf: (registration: Registered) => number | null) =>
  figures(byRegistration, registrations, registrationKey, (group) =>
    medianOf(group.map(daysOf).filter((days) => days !== null)),
  )

/** Days, with two decimals, to the approval that no later step of the review took back. */
function approvalDays({ statusHistory: history, registrationDateTime, status }: Registered) {
  if (['ReviewPending', 'ActionRequired', 'Failed'].includes(status ?? '')) return null
  const reopened = [
    history?.actionRequiredDateTime,
    history?.failedDateTime,
    history?.reviewPendingDateTime,
  ].flatMap((instant) => (instant == null ? [] : [Date.parse(instant)]))
  const [approved] = [history?.approvedDateTime, history?.passedDateTime]
    .flatMap((instant) => (instant == null ? [] : [Date.parse(instant)]))
    .filter((instant) => reopened.every((other) => instant >= other))
    .sort((a, b) => a - b)
  if (approved === undefined) return null
  const ms = approved - Date.parse(registrationDateTime ?? '')
  return new Exact(ms).div(86_400_000).toDecimalPlaces(2).toNumber()
}

function daysFromSigning({ contract, registrationDateTime }: Registered): number | null {
  const signed = pickedDay(contract?.signDateTime)
  return signed === null ? null : daysBetween(signed, dayOf(registrationDateTime ?? ''))
}

// Expiring, tags, quality.

/** Days of expiry around today, planted for the referrals that have one: from -10 to 20. */
function expiryDays({ source }: MartsFixture): Map<string, number> {
  const expiring = source.filter(({ latest }) => latest.expirationDateTime != null)
  return new Map(expiring.map(({ id }, index) => [id, ((index * 7) % 31) - 10]))
}
const daysLeft = (world: MartsFixture, { id }: SourceReferral) => expiryDays(world).get(id) ?? null
const expiring = (isIn: (days: number) => boolean) => (world: MartsFixture) =>
  open(world).filter((deal) => {
    const days = daysLeft(world, deal)
    return days !== null && isIn(days)
  })
const soon = expiring((days) => days >= 0 && days <= 14)

/** Millionths that add up to a million; the first tags, by name, get what does not divide. */
function weightOf(tag: string, tags: readonly string[]) {
  const part = Math.floor(1_000_000 / tags.length)
  const isLarger = [...tags].sort().indexOf(tag) < 1_000_000 % tags.length
  return new Exact(part + (isLarger ? 1 : 0)).div(1_000_000)
}
const perTag = (column: string, list: 'industries' | 'products' | 'services') =>
  figures(
    `concat_ws('|', ${column}, currency_code)`,
    (world) =>
      open(world).flatMap((deal) => {
        const tags = tagsOf(deal.latest, list)
        return tags.map((tag) => ({ deal, tag, weight: weightOf(tag, tags) }))
      }),
    ({ tag, deal }) => `${tag}|${currencyOf(deal.latest)}`,
    sumOrNull(({ deal, weight }) => amountOf(deal).times(weight)),
  )

const playsOf = (deal: SourceReferral) => {
  const plays = attributesOf(deal.latest, 'SolutionPlay')
  return plays.length === 0 ? ['(Not provided)'] : plays
}
const parts = (isIn: (deal: Referral) => boolean) => (world: MartsFixture) =>
  closed(world)
    .filter(({ latest }) => isIn(latest))
    .flatMap((deal) =>
      playsOf(deal).map((play) => ({ play, part: new Exact(1).div(playsOf(deal).length), deal })),
    )
type Part = ReturnType<ReturnType<typeof parts>>[number]
const partOf = ({ part }: Part) => part
const playKey = ({ play }: Part) => play

const plantedOnly = "rule_code = 'planted'"
const hand = (by: string, lines: readonly string[], among?: string): Expectation =>
  among === undefined
    ? { by, expected: () => [...lines] }
    : { by, among, expected: () => [...lines] }

/** Expected answer of each measure; one without does not compile. */
export const expectedMeasures: Readonly<Record<MeasureName, Expectation>> = {
  'Open pipeline': figures(byCountry, open, countryKey, sumOrNull(amountOf)),
  'Open pipeline, converted': figures(byCountry, open, countryKey, sumOrNull(convertedOf)),
  'Open deals': figures(byCountry, open, countryKey, count),
  'Value with a rate': figures(
    byCountry,
    (world) => dealsOf(world).filter(({ latest }) => rateOf(currencyOf(latest)) !== null),
    countryKey,
    sumOrNull(amountOf),
  ),
  'Deal value': figures(byCountry, dealsOf, countryKey, sumOrNull(amountOf)),
  'Share of value converted': figures(
    'currency_code',
    dealsOf,
    ({ latest }) => currencyOf(latest),
    share(({ latest }) => rateOf(currencyOf(latest)) !== null, hasValue, amountOf),
  ),
  'Pipeline at month end': figures(
    byDay,
    openAtMonthEnds,
    dayKey,
    sumOrNull(({ deal }) => dealValueOf(deal)),
    atMonthEnds,
  ),
  'Pipeline at month end, converted': figures(
    byDay,
    openAtMonthEnds,
    dayKey,
    sumOrNull(({ deal }) => dealValueOf(deal).times(rateOf(currencyOf(deal)) ?? 0)),
    atMonthEnds,
  ),
  'Open deals at month end': figures(byDay, openAtMonthEnds, dayKey, count, atMonthEnds),
  'Pipeline on a day': figures(
    byDay,
    observed,
    dayKey,
    sumOrNull(({ deal }) => dealValueOf(deal)),
    'snapshot_date = any(:days)',
  ),
  'Open deals on a day': figures(byDay, observed, dayKey, count, 'snapshot_date = any(:days)'),
  'Won value': figures(byClosing, won, closingKey, sumOrNull(amountOf)),
  'Won value, converted': figures(byClosing, won, closingKey, sumOrNull(convertedOf)),
  'Won deals': figures(byClosing, won, closingKey, count),
  'Decided value': figures(byClosing, decided, closingKey, sumOrNull(amountOf)),
  'Decided deals': figures(byClosing, decided, closingKey, count),
  'Win rate': figures(
    'closed_fiscal_quarter',
    closed,
    quarterOf,
    share(isReferralWon, ({ latest }) => isDecided(latest), one),
    'closed_date is not null',
  ),
  'Win rate by value': figures(
    byClosing,
    closed,
    closingKey,
    share(isReferralWon, ({ latest }) => isDecided(latest), amountOf),
    'closed_date is not null',
  ),
  'Average deal won': figures(byClosing, won, closingKey, (group) =>
    group.some(hasValue) ? sumOf(group, amountOf).div(group.length).toDecimalPlaces(6) : null,
  ),
  'Weight won by play': figures('solution_play', parts(isWon), playKey, sumOrNull(partOf)),
  'Weight decided by play': figures('solution_play', parts(isDecided), playKey, sumOrNull(partOf)),
  'Win rate by play': figures(
    'solution_play',
    parts(isDecided),
    playKey,
    share(
      ({ deal }) => isWon(deal.latest),
      () => true,
      partOf,
    ),
  ),
  'Referrals created': perMonth(() => true),
  'Referrals accepted': perMonth(isAccepted),
  'Referrals won': perMonth(isReferralWon),
  'Referrals registered': perMonth(isRegistered),
  'Referrals won and registered': perMonth(isWonAndRegistered),
  'Referrals approved': perMonth(isReferralApproved),
  'Acceptance rate': monthlyShare(isAccepted, () => true),
  'Conversion to won': monthlyShare(isReferralWon, () => true),
  'Conversion to registered': monthlyShare(isWonAndRegistered, isReferralWon),
  'Conversion to approved': monthlyShare(isReferralApproved, isRegistered),
  'Median days to accept': medianDays(({ latest }) => latest.acceptedDateTime),
  'Median days to close': medianDays(closedDay),
  'Solution ACV': perSigning(() => true),
  'Solution ACV, converted': figures(
    bySigning,
    (world) => valuedLines(world).filter(hasRate),
    signKey,
    sumOrNull(convertedAcvOf),
  ),
  'Approved solution ACV': perSigning(({ registration }) => isApprovedState(registration.status)),
  'Contract ACV': figures(
    byContractYear,
    contracts,
    contractKey,
    sumOrNull(({ acv }) => acv),
  ),
  'Contract ACV, converted': figures(
    byContractYear,
    contracts,
    contractKey,
    sumOrNull(({ acv, currency }) => acv.times(rateOf(currency) ?? 0)),
  ),
  'Incentive ACV': perSigning(({ line }) => (line.incentives ?? []).length > 0),
  'ACV in force': figures(
    'currency_code',
    inForce,
    ({ currency }) => currency,
    sumOrNull(({ acv }) => acv),
  ),
  'Solution ACV in force, converted': figures(
    'currency_code',
    (world) => valuedLines(world).filter((line) => runsToday(line) && hasRate(line)),
    ({ currency }) => currency,
    sumOrNull(convertedAcvOf),
  ),
  'Scheduled value': figures(
    bySchedule,
    scheduled,
    scheduleKey,
    sumOrNull(({ amount }) => amount),
  ),
  'Scheduled value, converted': figures(
    bySchedule,
    scheduled,
    scheduleKey,
    sumOrNull(({ amount, line }) => amount.times(rateOf(line.currency) ?? 0)),
  ),
  'ACV on the marketplace': perSigning((line) => transacted(line) === true),
  'ACV stated for the marketplace': perSigning((line) => transacted(line) != null),
  'Marketplace share': figures(
    bySigning,
    valuedLines,
    signKey,
    share(
      (line) => transacted(line) === true,
      (line) => transacted(line) != null,
      acvOf,
    ),
  ),
  Registrations: perRegistration(() => true),
  'Approved registrations': perRegistration(({ status }) => isApprovedState(status)),
  'Waiting registrations': perRegistration(({ status }) =>
    ['ActionRequired', 'ReviewPending'].includes(status ?? ''),
  ),
  'Registrations sent back': perRegistration(
    ({ statusHistory }) => statusHistory?.actionRequiredDateTime != null,
  ),
  'Approval rate': figures(
    byRegistration,
    registrations,
    registrationKey,
    share(
      ({ status }) => isApprovedState(status),
      () => true,
      one,
    ),
  ),
  'Median days to approval': perRegistrationMedian(approvalDays),
  'Median days from signing to registration': perRegistrationMedian(daysFromSigning),
  'Deals expiring within 14 days': figures(byCountry, soon, countryKey, count),
  'Value expiring within 14 days': figures(byCountry, soon, countryKey, sumOrNull(amountOf)),
  'Overdue deals': figures(
    byCountry,
    expiring((days) => days < 0),
    countryKey,
    count,
  ),
  'Open pipeline by industry': perTag('industry', 'industries'),
  'Open pipeline by product': perTag('product', 'products'),
  'Open pipeline by service': perTag('service', 'services'),
  Findings: hand('severity', ['error: 2', 'warn: 1'], plantedOnly),
  'Findings that are errors': hand('severity', ['error: 2'], plantedOnly),
  'Referrals with findings': hand('rule_code', ['planted: 2'], plantedOnly),
  'Data as of': {
    by: 'last_run_status',
    expected: () => [`published: ${Math.floor(Date.parse(planted.publishedAt) / 1000)}`],
  },
  'Hours since the last load': hand('last_run_status', ['published: 5']),
  'Referrals in quarantine': hand('last_run_status', ['published: 1']),
}
