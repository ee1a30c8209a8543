import { type Money, roundedShare, roundingStep } from '../values/money.ts'

/**
 * Parts of `total` in proportion to the weights, in their order; they add up to `total` exactly.
 * The parts are equal when all weights are zero or when their signs differ. No weights, no parts.
 */
export function allocate(total: Money, weights: readonly bigint[], minorUnit: number): Money[] {
  if (weights.length === 1) return [total]
  const usable = usableWeights(weights)
  const sum = usable.reduce((left, right) => left + right, 0n)
  const step = roundingStep(total, minorUnit)
  let weighed = 0n
  let before = 0n
  return usable.map((weight) => {
    weighed += weight
    const reached = roundedShare(total, weighed, sum, step)
    const part = reached - before
    before = reached
    return part
  })
}

/** The weights, or equal ones when all are zero or when their signs differ. */
export function usableWeights(weights: readonly bigint[]): readonly bigint[] {
  return haveOneSign(weights) ? weights : weights.map(() => 1n)
}

// With both signs a part may exceed the total, without bound as the sum of the weights nears zero:
// 100 and -99 would give a hundred times the contract, past what the column holds. Credits alone
// (all weights negative) are in proportion to each other like charges.
function haveOneSign(weights: readonly bigint[]): boolean {
  const hasPositive = weights.some((weight) => weight > 0n)
  const hasNegative = weights.some((weight) => weight < 0n)
  return hasPositive !== hasNegative
}

/** Weights of lists of usual length, made when first asked for. */
const usualWeights: (readonly string[])[] = []
const usualCountMax = 20

/** Weights with six decimals that add up to exactly 1; the first ones get what does not divide. */
export function equalWeights(count: number): readonly string[] {
  if (count > usualCountMax) return weightsOf(count)
  const known = usualWeights[count] ?? weightsOf(count)
  usualWeights[count] = known
  return known
}

function weightsOf(count: number): readonly string[] {
  const share = Math.floor(1_000_000 / count)
  const larger = 1_000_000 - share * count
  const weights = Array.from({ length: count }, (_, index) =>
    weightText(share + (index < larger ? 1 : 0)),
  )
  return Object.freeze(weights)
}

function weightText(millionths: number): string {
  return millionths === 1_000_000 ? '1.000000' : `0.${String(millionths).padStart(6, '0')}`
}
