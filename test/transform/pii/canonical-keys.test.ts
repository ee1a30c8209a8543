import { expect, test } from 'vitest'
import { SortedKeys } from '../../../src/transform/pii/canonical-keys.ts'

const keysOf = (known: SortedKeys, source: object) => known.of(source).map(({ key }) => key)

test('SortedKeys returns keys in order, whatever their order in the object', () => {
  const known = new SortedKeys(() => true)
  expect(keysOf(known, { b: 1, a: 2, c: 3 })).toEqual(['a', 'b', 'c'])
  expect(keysOf(known, { c: 1, b: 2, a: 3 })).toEqual(['a', 'b', 'c'])
  expect(keysOf(known, { b: 1 })).toEqual(['b'])
  expect(keysOf(known, {})).toEqual([])
})

test('SortedKeys returns one cached list for objects of one kind', () => {
  const known = new SortedKeys(() => true)
  expect(known.of({ b: 1, a: 2 })).toBe(known.of({ b: 3, a: 4 }))
})

test('SortedKeys leaves out keys that do not count', () => {
  const known = new SortedKeys((key) => !key.startsWith('@'))
  expect(keysOf(known, { '@id': 1, b: 2, a: 3 })).toEqual(['a', 'b'])
})

test('SortedKeys empties its cache past the limit and stays right', () => {
  const known = new SortedKeys(() => true)
  const before = known.of({ b: 1, a: 2 })
  known.of({ ['k'.repeat(60_000)]: 1 })
  const after = known.of({ b: 1, a: 2 })
  expect(after).toEqual(before)
  expect(after).not.toBe(before)
})

test('SortedKeys treats __proto__ as a key', () => {
  const known = new SortedKeys(() => true)
  expect(keysOf(known, JSON.parse('{"b": 1, "__proto__": 2}'))).toEqual(['__proto__', 'b'])
})
