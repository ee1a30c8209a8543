import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyMap } from '../../../src/load/initial/key-map.ts'

const digit = fc.constantFrom(...'0123456789abcdef')
/** Alike at the front, where the place in the table comes from, so that many contend for one. */
const hash = fc
  .tuple(
    fc.constantFrom('00000000', 'ffffffff', '00000400'),
    fc.array(digit, { minLength: 24, maxLength: 24 }),
  )
  .map(([front, rest]) => front + rest.join(''))
const keys = fc.integer({ min: 1, max: 2 ** 32 - 1 })

describe('KeyMap', () => {
  test('KeyMap returns what a Map returns, for any entries in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(hash, keys), { maxLength: 400 }),
        fc.array(hash),
        (put, asked) => {
          const map = new KeyMap()
          const oracle = new Map<string, number>()
          for (const [one, key] of put) {
            map.set(one, key)
            oracle.set(one, key)
          }
          for (const one of [...asked, ...oracle.keys()]) expect(map.get(one)).toBe(oracle.get(one))
        },
      ),
    )
  })

  test('KeyMap keeps all of 20,000 entries while it grows', () => {
    const map = new KeyMap()
    const hashOf = (no: number) =>
      Math.imul(no, 0x9e3779b1).toString(16).replace('-', '').padStart(8, '0') +
      no.toString(16).padStart(24, '0')
    for (let no = 1; no <= 20_000; no++) map.set(hashOf(no), no)
    for (let no = 1; no <= 20_000; no++) if (map.get(hashOf(no)) !== no) expect.fail(String(no))
    expect(map.get(hashOf(20_001))).toBeUndefined()
  })
})
