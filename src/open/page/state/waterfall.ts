// Pure: where the columns of a waterfall are drawn.

export interface Step {
  /** Of an end the sum itself, else what is added to it. */
  readonly size: number
  readonly isEnd: boolean
}

interface Drawn {
  /** From where to where each column reaches. */
  readonly bars: readonly (readonly [number, number])[]
  /** Where the axis begins. */
  readonly floor: number
}

/** Share of the highest above which the lowest sum lies when the axis is cut. */
const cutAbove = 0.7

/**
 * Draws the ends from the ground and each step from where the one before it ended. Where the sums
 * hardly differ, the axis begins at a round value below them, so that the steps can be seen.
 */
export function waterfall(steps: readonly Step[]): Drawn {
  let sum = 0
  const bars = steps.map(({ size, isEnd }): [number, number] => {
    const from = isEnd ? 0 : sum
    sum = from + size
    return [from, sum]
  })
  const sums = bars.map(([, to]) => to)
  const [lowest, highest] = [Math.min(...sums), Math.max(...sums)]
  const spread = highest - lowest
  if (!(spread > 0) || lowest < highest * cutAbove) return { bars, floor: 0 }
  const step = 10 ** Math.floor(Math.log10(spread))
  return { bars, floor: Math.max(0, Math.floor((lowest - spread / 2) / step) * step) }
}
