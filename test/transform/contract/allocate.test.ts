import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocate, equalWeights } from '../../../src/transform/contract/allocate.ts'
import { roundingStep } from '../../../src/transform/values/money.ts'
import {
  randomMoney,
  roundLike,
  seededRandom,
  toDecimal,
  toMoney,
} from '../../support/exact-oracle.ts'

describe('allocating a total to lines', () => {
  test.each([
    {
      total: 1_000_000n,
      weights: [3n, 1n],
      unit: 2,
      parts: [750_000n, 250_000n],
      why: 'in proportion',
    },
    { total: 1_000_000n, weights: [7n], unit: 2, parts: [1_000_000n], why: 'one line takes all' },
    { total: 1_000_000n, weights: [], unit: 2, parts: [], why: 'no line, nothing' },
    {
      total: 1_000_000n,
      weights: [1n, 1n, 1n],
      unit: 2,
      parts: [333_300n, 333_400n, 333_300n],
      why: 'the cent falls where the total reaches it',
    },
    {
      total: 1_000_000n,
      weights: [1n, 1n, 1n],
      unit: 0,
      parts: [330_000n, 340_000n, 330_000n],
      why: 'whole yen',
    },
    {
      total: 1_000_001n,
      weights: [1n, 1n, 1n],
      unit: 2,
      parts: [333_334n, 333_333n, 333_334n],
      why: 'as fine as the total',
    },
    {
      total: 1_000_000n,
      weights: [0n, 0n],
      unit: 2,
      parts: [500_000n, 500_000n],
      why: 'all zero or missing: equal',
    },
    {
      total: 1_000_000n,
      weights: [0n, 5n, 0n],
      unit: 2,
      parts: [0n, 1_000_000n, 0n],
      why: 'one missing among others: nothing',
    },
    {
      total: 1_000_000n,
      weights: [100n, -99n],
      unit: 2,
      parts: [500_000n, 500_000n],
      why: 'mixed signs: equal, not a hundredfold',
    },
    {
      total: 1_000_000n,
      weights: [5n, -5n],
      unit: 2,
      parts: [500_000n, 500_000n],
      why: 'signs that cancel: equal',
    },
    {
      total: -1_000_000n,
      weights: [-3n, -1n],
      unit: 2,
      parts: [-750_000n, -250_000n],
      why: 'credits in proportion',
    },
    {
      total: -1_000_000n,
      weights: [3n, 1n],
      unit: 2,
      parts: [-750_000n, -250_000n],
      why: 'a credit over charges',
    },
    { total: 0n, weights: [3n, 1n], unit: 2, parts: [0n, 0n], why: 'nothing to share out' },
    {
      total: 9_999_999_999_999_999_999n,
      weights: [9_999_999_999_999_999_999n, 1n],
      unit: 2,
      parts: [9_999_999_999_999_999_998n, 1n],
      why: 'nineteen digits',
    },
  ])('allocate: $why', ({ total, weights, unit, parts }) =>
    expect(allocate(total, weights, unit)).toEqual(parts),
  )

  test('allocate gives exact sums within one step of each share, 100,000 times', () => {
    const random = seededRandom(4)
    const failures: unknown[] = []
    for (let count = 0; count < 100_000 && failures.length === 0; count++) {
      const minorUnit = [0, 2, 3][Math.floor(random() * 3)] ?? 2
      const total = randomMoney(random, minorUnit)
      const length = 1 + Math.floor(random() * 6)
      const weights = Array.from({ length }, () => randomWeight(random))
      const parts = allocate(total, weights, minorUnit)
      const sum = parts.reduce((left, right) => left + right, 0n)
      if (sum !== total || !isFair(total, weights, parts, minorUnit)) {
        failures.push({ total, weights, parts, minorUnit })
      }
    }
    expect(failures).toEqual([])
  })

  test('allocate in another order moves at most single steps', () => {
    const weights = fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), {
      minLength: 2,
      maxLength: 8,
    })
    const total = fc.bigInt({ min: 0n, max: 10n ** 15n })
    fc.assert(
      fc.property(total, weights, (amount, inOrder) => {
        const step = roundingStep(amount, 2)
        const forwards = allocate(amount, inOrder, 2)
        const backwards = allocate(amount, inOrder.toReversed(), 2).toReversed()
        expect(allocate(amount, inOrder, 2)).toEqual(forwards)
        for (const [index, part] of forwards.entries()) {
          const difference = part - (backwards[index] ?? 0n)
          expect(difference <= step && difference >= -step).toBe(true)
        }
      }),
    )
  })
})

describe('equal weights', () => {
  test.each([
    { count: 0, weights: [] },
    { count: 1, weights: ['1.000000'] },
    { count: 2, weights: ['0.500000', '0.500000'] },
    { count: 3, weights: ['0.333334', '0.333333', '0.333333'] },
    { count: 6, weights: ['0.166667', '0.166667', '0.166667', '0.166667', '0.166666', '0.166666'] },
  ])('equalWeights of $count', ({ count, weights }) => expect(equalWeights(count)).toEqual(weights))

  test('equalWeights add up to exactly 1, the larger ones first', () => {
    for (let count = 1; count <= 2_000; count++) {
      const millionths = equalWeights(count).map((weight) => Number(weight.replace('.', '')))
      expect(millionths.reduce((left, right) => left + right, 0)).toBe(1_000_000)
      expect(millionths).toEqual(millionths.toSorted((left, right) => right - left))
      expect((millionths[0] ?? 0) - (millionths.at(-1) ?? 0)).toBeLessThanOrEqual(1)
    }
  })
})

function randomWeight(random: () => number): bigint {
  const kind = random()
  if (kind < 0.15) return 0n
  const weight = randomMoney(random, 2)
  return kind < 0.8 && weight < 0n ? -weight : weight
}

/** Running totals are the rounded exact shares; a part alone is then within one step of its own. */
function isFair(total: bigint, weights: bigint[], parts: bigint[], minorUnit: number): boolean {
  const signs = new Set(weights.filter((weight) => weight !== 0n).map((weight) => weight > 0n))
  const shares = weights.map((weight) => toDecimal(signs.size === 1 ? weight : 1n))
  const whole = shares.reduce((left, right) => left.plus(right))
  const exact = toDecimal(total)
  let weighed = exact.times(0)
  let before = 0n
  return shares.every((share, index) => {
    weighed = weighed.plus(share)
    const reached = toMoney(roundLike(exact, exact.times(weighed).div(whole), minorUnit))
    const isExpected = parts[index] === reached - before
    before = reached
    return isExpected
  })
}
