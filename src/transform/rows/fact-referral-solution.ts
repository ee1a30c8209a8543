import { minorUnitOf, type Version } from '../context.ts'
import { allocate, equalWeights } from '../contract/allocate.ts'
import { canonicalEnumValue } from '../enum-values.ts'
import { keyLengthMax } from '../parse/invalid-payload.ts'
import type { ReadReferral } from '../parse/properties.ts'
import { inKeyOrder, notProvided, type Staged } from '../staged-rows.ts'
import {
  amountText,
  divideRounded,
  fitsMoney,
  formatMoney,
  type Money,
  parseMoney,
} from '../values/money.ts'
import { compareText } from '../values/text.ts'

// Fills dw.fact_referral_solution and dw.dim_solution; the solutions of registration lines are
// added by fact-registration-solution.ts.

export type ItemKind = 'Solution' | 'Offer'
export type SolutionRow = Staged<'stg.dim_solution'>

/**
 * Properties of a requested solution, an offer or a registration line that `dim_solution` takes.
 */
export interface Item {
  id: string | null
  name: string | null
  type: string | null
  solutionType: string | null
  publisherName: string | null
}

export const noSolution = '(none)'

/** The source's id, else one made of the name, else `(none)`. */
export function solutionIdOf(id: string | null, name: string | null): string {
  if (id !== null) return id
  return name === null ? noSolution : `name:${name.toLowerCase()}`.slice(0, keyLengthMax)
}

/**
 * The solutions and offers of one version of a referral, each once. They are added in the order of
 * the rows; the last one that has a property decides it.
 */
export class Solutions {
  private readonly rows = new Map<string, SolutionRow>()
  constructor(
    private readonly accountKey: number,
    private readonly referralNo: number,
  ) {}

  add(kind: ItemKind, solutionId: string, item: Item, matchType: string, updatedAt: string): void {
    const key = `${kind} ${solutionId}`
    const known = this.rows.get(key)
    if (known === undefined) {
      this.rows.set(key, {
        partner_account_key: this.accountKey,
        referral_no: this.referralNo,
        item_kind: kind,
        solution_id: solutionId,
        solution_name: item.name ?? notProvided,
        match_type: matchType,
        solution_type: item.solutionType ?? notProvided,
        publisher_name: item.publisherName ?? notProvided,
        source_updated_at: updatedAt,
      })
      return
    }
    known.solution_name = item.name ?? known.solution_name
    if (matchType !== notProvided) known.match_type = matchType
    known.solution_type = item.solutionType ?? known.solution_type
    known.publisher_name = item.publisherName ?? known.publisher_name
    known.source_updated_at = updatedAt
  }

  sorted(): SolutionRow[] {
    return inKeyOrder(this.rows)
  }
}

interface RequestedItem extends Item {
  kind: ItemKind
  solutionId: string
  price: string | null
  currency: string | null
  quantity: bigint | null
}

export type RequestedRow = Staged<'stg.fact_referral_solution'>

/** Requested solutions, then offers, in an order that does not depend on the API's. */
export function requestedItems(referral: ReadReferral): readonly RequestedItem[] {
  const requirements = referral.details?.requirements ?? null
  if (requirements === null) return []
  const items: RequestedItem[] = []
  for (const solution of requirements.solutions) {
    const { id, name, type, solutionType, publisherName, price, currency, quantity } = solution
    const solutionId = solutionIdOf(id, name)
    if (solutionId === noSolution && publisherName === null && price === null) continue
    items.push({
      kind: 'Solution',
      solutionId,
      id,
      name,
      type,
      solutionType,
      publisherName,
      price,
      currency,
      quantity,
    })
  }
  for (const { id, name, type, offerType, publisherName } of requirements.offers) {
    const solutionId = solutionIdOf(id, name)
    if (solutionId === noSolution && publisherName === null) continue
    items.push({
      kind: 'Offer',
      solutionId,
      id,
      name,
      type,
      solutionType: offerType,
      publisherName,
      price: null,
      currency: null,
      quantity: null,
    })
  }
  return items.length < 2 ? items : items.sort(byKindAndId)
}

function byKindAndId(left: RequestedItem, right: RequestedItem): number {
  if (left.kind !== right.kind) return left.kind === 'Solution' ? -1 : 1
  if (left.solutionId !== right.solutionId) return left.solutionId < right.solutionId ? -1 : 1
  return compareText(restOf(left), restOf(right))
}

function restOf(item: RequestedItem): string {
  const { name, type, solutionType, publisherName, price, currency, quantity } = item
  return [name, type, solutionType, publisherName, price, currency, quantity].join('\u001f')
}

/** Adds the requested items to the solutions. */
export function collectRequestedSolutions(
  { context, findings, updatedAt }: Version,
  items: readonly RequestedItem[],
  solutions: Solutions,
): void {
  for (const item of items) {
    const list = item.kind === 'Solution' ? 'solutions' : 'offers'
    const matchType = canonicalEnumValue(
      context.enums,
      findings,
      'SolutionType',
      item.type,
      `details.requirements.${list}[].type`,
    )
    solutions.add(item.kind, item.solutionId, item, matchType, updatedAt)
  }
}

/** One row an item; the deal value is allocated equally to the solutions. */
export function requestedRows(
  { context, accountKey, referralNo }: Version,
  items: readonly RequestedItem[],
  deal: { value: Money | null; currency: string },
): RequestedRow[] {
  if (items.length === 0) return []
  const sharerKind = items[0]?.kind ?? 'Solution'
  const sharers = items.filter((item) => item.kind === sharerKind).length
  const weights = equalWeights(sharers)
  const minorUnit = minorUnitOf(context, deal.currency)
  const shares =
    deal.value === null ? [] : allocate(deal.value, new Array(sharers).fill(1n), minorUnit)
  return items.map((item, index) => {
    const price = priceOf(item.price)
    const isSharer = index < sharers
    return {
      partner_account_key: accountKey,
      referral_no: referralNo,
      line_no: index + 1,
      item_kind: item.kind,
      solution_id: item.solutionId,
      price_text: item.price,
      price_amount: amountText(price),
      currency_code: item.currency?.toUpperCase() ?? deal.currency,
      quantity: amountText(item.quantity),
      line_amount: amountText(product(price, item.quantity)),
      weight: isSharer ? (weights[index] ?? '0') : '0',
      allocated_deal_value_amount:
        deal.value === null ? null : formatMoney(isSharer ? (shares[index] ?? 0n) : 0n),
    }
  })
}

/** The price as an amount; null when the text is more than a number. */
export function priceOf(text: string | null): Money | null {
  if (text === null) return null
  const price = parseMoney(text)
  return price.ok ? price.value : null
}

function product(price: Money | null, quantity: bigint | null): Money | null {
  if (price === null || quantity === null) return null
  const amount = divideRounded(price * quantity, 10_000n)
  return fitsMoney(amount) ? amount : null
}
