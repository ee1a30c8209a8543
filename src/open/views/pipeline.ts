import type { Compared, Figure, Movement, PipelineAnswer } from '../answers.ts'
import { drillTo } from '../choice.ts'
import type { Deal, DealEnd } from '../rows/deals.ts'
import type { Chosen } from '../rows/filters.ts'
import { type MinorUnits, rounded, Sum, type Value } from '../rows/sums.ts'
import { bySize, periodNote, ratesNote } from './figures.ts'

// Pure: sums the deals of two days under a choice.

/** Sums the open pipeline of the chosen day, and of the day to compare it with. */
export function pipelineOf(
  all: readonly Deal[],
  chosen: Chosen,
  units: MinorUnits,
): PipelineAnswer {
  const { as_of, compare } = chosen.choice
  const deals = chosenOf(all, chosen)
  const isOverdue = ({ expected_close_date: day }: DealEnd, today: string) =>
    day !== null && day < today
  const by = (
    name: string,
    groupOf: (end: DealEnd) => [label: string, position: number | string],
  ) =>
    [...groupsOf(deals, groupOf)]
      .sort(([, one], [, other]) => (one.position < other.position ? -1 : 1))
      .map(([label, group]) => toCompared(label, group, units, { [name]: label }))
  const open = groupOfAll(
    deals,
    () => true,
    () => true,
  )
  const overdue = groupOfAll(
    deals,
    (end) => isOverdue(end, as_of),
    (end) => isOverdue(end, compare),
  )
  return {
    choice: chosen.choice,
    notes: [
      ...periodNote(chosen, 'The fiscal period is that of the expected close.'),
      'Deals count once, by the referral that counts for them.',
      ...ratesNote(chosen, 'Amounts of both days are converted at the rates of the later one.'),
    ],
    open: toCompared('', open, units, {}),
    overdue: toCompared('', overdue, units, { overdue: 'true' }),
    stages: by('stage', ({ stage_label, stage_sort }) => [stage_label, stage_sort]),
    movements: movementsOf(deals, units),
    close_quarters: by('quarter', ({ close_quarter }) => [close_quarter, close_quarter]),
    areas: by('in_area', ({ area }) => [area, area]).sort(largestFirst),
    countries: by('in_country', ({ country }) => [country, country]).sort(largestFirst),
  }
}

/** A deal with its ends that are among what was chosen; the others are null. */
type ChosenDeal = Pick<Deal, 'opening' | 'closing'> & { readonly deal: Deal }

function chosenOf(deals: readonly Deal[], chosen: Chosen): ChosenDeal[] {
  const found: ChosenDeal[] = []
  for (const deal of deals) {
    const closing = isChosen(deal, deal.closing, chosen) ? deal.closing : null
    const isStill = deal.opening === deal.closing
    const isOpening = !isStill && isChosen(deal, deal.opening, chosen)
    const opening = isStill ? closing : isOpening ? deal.opening : null
    if (opening !== null || closing !== null) found.push({ deal, opening, closing })
  }
  return found
}

/** Whether a deal at an end is among what was chosen. */
export function isChosen(
  deal: Deal,
  end: DealEnd | null,
  { choice, periods }: Chosen,
): end is DealEnd {
  if (end === null) return false
  const isAmong = (values: readonly string[], value: string) =>
    values.length === 0 || values.includes(value)
  const { expected_close_date: day } = end
  return (
    isAmong(choice.account, deal.account) &&
    isAmong(choice.area, end.area) &&
    isAmong(choice.play, end.play) &&
    isAmong(choice.country, end.country) &&
    isAmong(choice.deal_type, end.deal_type) &&
    (choice.currency === null || choice.currency === end.currency_code) &&
    (periods.length === 0 ||
      (day !== null && periods.some(({ from, to }) => from <= day && day <= to)))
  )
}

interface Group {
  readonly position: number | string
  readonly now: Sum
  readonly before: Sum
}

function groupsOf(
  deals: readonly ChosenDeal[],
  groupOf: (end: DealEnd) => [label: string, position: number | string],
): Map<string, Group> {
  const groups = new Map<string, Group>()
  const add = (end: DealEnd, side: 'now' | 'before') => {
    const [label, position] = groupOf(end)
    let group = groups.get(label)
    if (group === undefined) {
      group = { position, now: new Sum(), before: new Sum() }
      groups.set(label, group)
    }
    group[side].add(end)
  }
  for (const { opening, closing } of deals) {
    if (closing !== null) add(closing, 'now')
    if (opening !== null) add(opening, 'before')
  }
  return groups
}

function groupOfAll(
  deals: readonly ChosenDeal[],
  isNow: (end: DealEnd) => boolean,
  isBefore: (end: DealEnd) => boolean,
): Group {
  const group: Group = { position: 0, now: new Sum(), before: new Sum() }
  for (const { opening, closing } of deals) {
    if (closing !== null && isNow(closing)) group.now.add(closing)
    if (opening !== null && isBefore(opening)) group.before.add(opening)
  }
  return group
}

function toCompared(
  label: string,
  { now, before }: Group,
  units: MinorUnits,
  parameters: Readonly<Record<string, string>>,
): Compared {
  const figure = (sum: Sum, side: string) =>
    figureOf(label, sum, units, drillTo('open', { ...parameters, side }))
  return { label, now: figure(now, 'now'), before: figure(before, 'before') }
}

function figureOf(label: string, sum: Sum, units: MinorUnits, drill: string): Figure {
  return { label, count: sum.count, amounts: sum.amounts(units), drill }
}

const largestFirst = (one: Compared, other: Compared) => bySize(one.now, other.now)

/** The movements in the order of the waterfall, with their words. */
const movementLabels = {
  opening: 'Opening',
  created: 'Created',
  returned: 'Returned',
  moved_in: 'Moved in',
  grew: 'Grew',
  shrank: 'Shrank',
  moved_out: 'Moved out',
  won: 'Won',
  lost: 'Lost',
  dropped: 'Dropped',
  missing: 'Went missing',
  closing: 'Closing',
  postponed: 'Later close date',
  advanced: 'Earlier close date',
} as const

export type MovementKind = keyof typeof movementLabels

export const movementKinds: readonly string[] = Object.keys(movementLabels)

function isMovementKind(text: string): text is MovementKind {
  return Object.hasOwn(movementLabels, text)
}

/** What a deal adds to a movement. */
interface Effect {
  readonly kind: MovementKind
  readonly value: Value
  readonly sign: 1n | -1n
}

/**
 * Returns what a deal does between the two days within what was chosen: a deal that leaves the choice,
 * as by a later close date where a quarter is chosen, is moved out of it.
 */
export function effectsOf(deal: Deal, chosen: Chosen): Effect[] {
  return chosenOf([deal], chosen).flatMap(effectsOfChosen)
}

function effectsOfChosen({ deal, opening, closing }: ChosenDeal): Effect[] {
  const effects: Effect[] = []
  const add = (kind: MovementKind, value: Value, sign: 1n | -1n = 1n) =>
    effects.push({ kind, value, sign })
  if (opening !== null) add('opening', opening)
  if (closing !== null) add('closing', closing)
  if (opening !== null && closing !== null) {
    if (opening.currency_code !== closing.currency_code) {
      add('moved_out', opening, -1n)
      add('moved_in', closing)
    } else if ((opening.amount ?? 0n) !== (closing.amount ?? 0n)) {
      const kind = (closing.amount ?? 0n) > (opening.amount ?? 0n) ? 'grew' : 'shrank'
      add(kind, difference(opening, closing))
    }
    const [before, after] = [opening.expected_close_date, closing.expected_close_date]
    if (before !== null && after !== null && before !== after) {
      add(before < after ? 'postponed' : 'advanced', closing)
    }
  } else if (opening !== null) {
    const left =
      deal.closing === null && isMovementKind(deal.movement) ? deal.movement : 'moved_out'
    add(left, opening, -1n)
  } else if (closing !== null) {
    const came = deal.opening === null && isMovementKind(deal.movement) ? deal.movement : 'moved_in'
    add(came, closing)
  }
  return effects
}

/** Change of a value in one currency; a missing value counts as nothing. */
function difference(opening: Value, closing: Value): Value {
  const lacksRate = [opening, closing].some(
    ({ amount, converted }) => amount !== null && converted === null,
  )
  return {
    currency_code: closing.currency_code,
    amount: (closing.amount ?? 0n) - (opening.amount ?? 0n),
    converted: lacksRate ? null : (closing.converted ?? 0n) - (opening.converted ?? 0n),
  }
}

function movementsOf(deals: readonly ChosenDeal[], units: MinorUnits): Movement[] {
  const kinds = Object.keys(movementLabels).filter(isMovementKind)
  const sums = new Map(kinds.map((kind) => [kind, new Sum()]))
  for (const deal of deals) {
    for (const { kind, value, sign } of effectsOfChosen(deal)) sums.get(kind)?.add(value, sign)
  }
  // Each step is the difference of two rounded totals, so that the rounded steps add up as well.
  let total = 0n
  return kinds.map((kind) => {
    const sum = sums.get(kind) ?? new Sum()
    const isEnd = kind === 'opening' || kind === 'closing'
    const isAdded = kind !== 'postponed' && kind !== 'advanced'
    const before = total
    if (kind === 'opening') total = sum.converted ?? 0n
    else if (!isEnd && isAdded) total += sum.converted ?? 0n
    const step =
      isEnd || !isAdded || sum.converted === null
        ? sum.converted
        : roundedTo(total, units) - roundedTo(before, units)
    const drill = drillTo('movement', { kind })
    const amounts = sum.amounts(units, step)
    const figure = { label: movementLabels[kind], count: sum.count, amounts, drill }
    return { kind, label: movementLabels[kind], figure, is_added: isAdded }
  })
}

/** Ten-thousandths of a total that is rounded to the decimals of the reporting currency. */
function roundedTo(total: bigint, { reporting }: MinorUnits): bigint {
  const text = rounded(total, reporting)
  const decimals = reporting >= 4 ? 4 : reporting
  return BigInt(text.replace('.', '')) * 10n ** BigInt(4 - decimals)
}
