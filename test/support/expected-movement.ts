import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { Exact } from './exact-oracle.ts'

type Amount = InstanceType<typeof Exact>

/** Movements of the pipeline in the order of the mart, with those beside the sum at the end. */
export const movements = [
  ...(['opening', 'created', 'returned', 'moved_in', 'grew', 'shrank', 'moved_out'] as const),
  ...(['won', 'lost', 'dropped', 'missing', 'closing', 'postponed', 'advanced'] as const),
] as const
export type Movement = (typeof movements)[number]

interface Version {
  readonly from: string
  readonly to: string | null
  readonly status: string
  readonly substatus: string
  readonly isMissing: boolean
  readonly currency: string
  readonly value: string | null
  readonly closes: string | null
}

interface Referral {
  readonly area: string
  readonly play: string
  readonly versions: readonly Version[]
}

interface PrimarySpan {
  readonly account: number
  readonly deal: string
  readonly referral: string
  readonly from: string
  readonly to: string | null
}

/** Rows of the star as they are: no view of `mart` has touched them. */
export interface Spans {
  readonly referrals: ReadonlyMap<string, Referral>
  readonly primaries: ReadonlyMap<string, readonly PrimarySpan[]>
  /** Reporting units and currency units by currency and day. */
  readonly rates: ReadonlyMap<string, readonly [Amount, Amount]>
}

export async function readSpans(db: Kysely<Database>): Promise<Spans> {
  const versions = await sql<Version & { referral: string; area: string; play: string }>`
    select h.referral_key::text as referral, r.solution_area as area, r.solution_play as play,
      h.valid_from_date::text as "from", h.valid_to_date::text as "to",
      s.referral_status as status, s.referral_substatus as substatus,
      h.is_missing as "isMissing", h.currency_code as currency,
      h.deal_value_amount::text as value, h.expected_close_date::text as closes
    from dw.fact_referral_history h
    join dw.dim_status s using (status_key)
    join dw.dim_referral r using (referral_key, partner_account_key)
    order by h.referral_key, h.version_no`.execute(db)
  const spellings = await sql<{ value: string; spelling: string }>`
    select enum_value as value, min(canonical_value) as spelling from etl.enum_value
    where enum_name = 'SolutionPlay' and is_documented group by enum_value`.execute(db)
  const spelling = new Map(spellings.rows.map((row) => [row.value, row.spelling]))
  const referrals = new Map<string, Referral & { versions: Version[] }>()
  for (const { referral, area, play, ...version } of versions.rows) {
    const known = referrals.get(referral) ?? {
      area,
      play: spelling.get(play) ?? play,
      versions: [],
    }
    known.versions.push(version)
    referrals.set(referral, known)
  }
  const spans = await sql<PrimarySpan>`
    select partner_account_key as account, engagement_key::text as deal,
      primary_referral_key::text as referral, valid_from_date::text as "from",
      valid_to_date::text as "to"
    from dw.fact_engagement_history`.execute(db)
  const primaries = new Map<string, PrimarySpan[]>()
  for (const span of spans.rows) {
    primaries.set(span.deal, [...(primaries.get(span.deal) ?? []), span])
  }
  const quotes = await sql<{ key: string; above: string; below: string }>`
    select currency_code || ' ' || rate_date as key, reporting_units::text as above,
      currency_units::text as below
    from dw.fx_rate`.execute(db)
  const rates = new Map(
    quotes.rows.map(({ key, above, below }) => [
      key,
      [new Exact(above), new Exact(below)] as const,
    ]),
  )
  return { referrals, primaries, rates }
}

interface State extends Version {
  readonly account: number
  readonly area: string
  readonly play: string
}

const heldOn = (day: string) => (span: { from: string; to: string | null }) =>
  span.from <= day && (span.to === null || span.to > day)

function stateOn(spans: Spans, primaries: readonly PrimarySpan[], day: string): State | null {
  const primary = primaries.find(heldOn(day))
  const referral = primary && spans.referrals.get(primary.referral)
  // The last version of a day is the one in which it ended.
  const version = referral?.versions.findLast(heldOn(day))
  if (primary === undefined || referral === undefined || version === undefined) return null
  const { area, play } = referral
  return { ...version, account: primary.account, area, play }
}

const isOpen = (state: State | null): state is State =>
  state !== null && ['New', 'Active'].includes(state.status) && !state.isMissing

const groupOf = ({ account, status, area, play, currency }: State) =>
  [account, status, area, play, currency].join('|')
const amountOf = ({ value }: State) => new Exact(value ?? 0)

/** The movement that a deal makes: how much of what, in which group. */
function effectsOf(before: State | null, after: State | null): [string, Movement, Amount][] {
  const was = isOpen(before)
  const is = isOpen(after)
  const effects: [string, Movement, Amount][] = []
  if (was) effects.push([groupOf(before), 'opening', amountOf(before)])
  if (is) effects.push([groupOf(after), 'closing', amountOf(after)])
  if (!was && is) {
    effects.push([groupOf(after), before === null ? 'created' : 'returned', amountOf(after)])
  }
  if (was && !is) effects.push([groupOf(before), endOf(after), amountOf(before).neg()])
  if (!was || !is) return effects
  const isSameCurrency = before.currency === after.currency
  if (groupOf(before) !== groupOf(after)) {
    effects.push([groupOf(before), 'moved_out', amountOf(before).neg()])
    effects.push([groupOf(after), 'moved_in', amountOf(isSameCurrency ? before : after)])
  }
  const rise = amountOf(after).minus(amountOf(before))
  if (isSameCurrency && !rise.isZero()) {
    effects.push([groupOf(after), rise.isPositive() ? 'grew' : 'shrank', rise])
  }
  if (before.closes !== null && after.closes !== null && before.closes !== after.closes) {
    const kind = after.closes > before.closes ? 'postponed' : 'advanced'
    effects.push([groupOf(after), kind, amountOf(after)])
  }
  return effects
}

function endOf(after: State | null): Movement {
  if (after?.substatus === 'Won') return 'won'
  if (after?.substatus === 'Lost') return 'lost'
  return after !== null && ['New', 'Active'].includes(after.status) ? 'missing' : 'dropped'
}

/**
 * Lines of `mart.pipeline_movement_between`: the group, then count, amount and converted amount of
 * each movement; a dash without a rate.
 */
export function expectedMovement(spans: Spans, from: string, to: string, today: string): string[] {
  const groups = new Map<string, Map<Movement, { count: number; amount: Amount }>>()
  for (const primaries of spans.primaries.values()) {
    const effects = effectsOf(stateOn(spans, primaries, from), stateOn(spans, primaries, to))
    for (const [group, movement, amount] of effects) {
      const sums = groups.get(group) ?? new Map()
      const known = sums.get(movement) ?? { count: 0, amount: new Exact(0) }
      sums.set(movement, { count: known.count + 1, amount: known.amount.plus(amount) })
      groups.set(group, sums)
    }
  }
  return [...groups]
    .map(([group, sums]) => {
      const rate = spans.rates.get(`${group.split('|').at(-1)} ${to < today ? to : today}`)
      const convert = (amount: Amount) =>
        rate === undefined ? null : amount.times(rate[0]).div(rate[1]).toDecimalPlaces(4)
      const before = [...sums].filter(
        ([movement]) => !['closing', 'postponed', 'advanced'].includes(movement),
      )
      const closing = before.reduce<Amount | null>(
        (sum, [, { amount }]) => {
          const converted = convert(amount)
          return sum === null || converted === null ? null : sum.plus(converted)
        },
        rate === undefined ? null : new Exact(0),
      )
      const figures = movements.map((movement) => {
        const { count, amount } = sums.get(movement) ?? { count: 0, amount: new Exact(0) }
        const converted = movement === 'closing' ? closing : convert(amount)
        return `${movement} ${count} ${amount.toFixed()} ${converted?.toFixed() ?? '-'}`
      })
      return [group, ...figures].join('; ')
    })
    .sort()
}

/** The same lines as a function or view of `mart` answers them. */
export async function answeredMovement(
  db: Kysely<Database>,
  rows: ReturnType<typeof sql>,
): Promise<string[]> {
  const found = await sql<Record<string, string | number | null>>`select * from ${rows} m`.execute(
    db,
  )
  const plain = (value: string | number | null | undefined) =>
    value == null ? '-' : new Exact(value).toFixed()
  return found.rows
    .map((row) => {
      const group = [
        'partner_account_key',
        'stage_label',
        'solution_area',
        'solution_play',
        'currency_code',
      ]
      const figures = movements.map((movement) =>
        [
          movement,
          ...['count', 'amount', 'reporting_amount'].map((part) =>
            plain(row[`${movement}_${part}`]),
          ),
        ].join(' '),
      )
      return [group.map((column) => row[column]).join('|'), ...figures].join('; ')
    })
    .sort()
}
