import { describe, expect, test } from 'vitest'
import { readAhead } from '../../../src/load/landing/read-ahead.ts'

/** A source of the numbers 1 to `count`, and what it has done so far. */
function aSource(count: number, failsAt = Number.POSITIVE_INFINITY) {
  const did: string[] = []
  async function* items() {
    try {
      for (let no = 1; no <= count; no++) {
        await Promise.resolve()
        if (no === failsAt) throw new Error(`no ${no}`)
        did.push(`made ${no}`)
        yield no
      }
    } finally {
      did.push('closed')
    }
  }
  return { items: items(), did }
}

const aTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('readAhead', () => {
  test('readAhead yields every item in order, and asks for the next one while the last is worked on', async () => {
    const { items, did } = aSource(3)
    const seen: string[][] = []
    for await (const no of readAhead(items)) {
      await aTurn()
      seen.push([String(no), ...did])
    }
    expect(seen[0]).toEqual(['1', 'made 1', 'made 2'])
    expect(seen.map(([no]) => no)).toEqual(['1', '2', '3'])
  })

  test('readAhead throws the error of the source in the place of its item', async () => {
    const seen: number[] = []
    const reading = async () => {
      for await (const no of readAhead(aSource(3, 3).items)) seen.push(no)
    }
    await expect(reading()).rejects.toThrow('no 3')
    expect(seen).toEqual([1, 2])
  })

  test('readAhead closes the source when its reader stops', async () => {
    const { items, did } = aSource(9)
    for await (const no of readAhead(items)) if (no === 2) break
    await aTurn()
    expect(did.at(-1)).toBe('closed')
    expect(did).not.toContain('made 4')
  })
})
