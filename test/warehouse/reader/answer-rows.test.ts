import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rowObjects } from '../../../src/warehouse/reader/answer-rows.ts'

function objectOf(columns: readonly { name: string; type: string }[], row: readonly string[]) {
  return rowObjects({ columns, rows: [row], cutBy: null })[0]
}

function named(...names: readonly string[]) {
  return objectOf(
    names.map((name) => ({ name, type: 'integer' })),
    names.map((_, index) => String(index)),
  )
}

describe('rows of an answer as objects', () => {
  test.each([
    { names: ['a', 'a', 'a'], keys: { a: 0, a_2: 1, a_3: 2 } },
    { names: ['a', 'a', 'a_2'], keys: { a: 0, a_3: 1, a_2: 2 } },
    { names: ['a_2', 'a', 'a'], keys: { a_2: 0, a: 1, a_3: 2 } },
  ])('columns $names keep each value under a name of its own', ({ names, keys }) => {
    expect(named(...names)).toEqual(keys)
  })

  test('no value is lost, whatever the names are', () => {
    const name = fc.constantFrom('a', 'a_2', 'a_2_2', 'a_3', 'b')
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const values = Object.values(named(...names) ?? {})
        expect(values.map(Number).sort((left, right) => left - right)).toEqual(
          names.map((_, at) => at),
        )
      }),
    )
  })

  test.each([
    {
      type: 'timestamp with time zone',
      text: '2026-01-05 02:00:00+00',
      value: '2026-01-05T02:00:00Z',
    },
    {
      type: 'timestamp(3) with time zone',
      text: '2026-01-05 02:00:00.5+00',
      value: '2026-01-05T02:00:00.5Z',
    },
    { type: 'numeric(19,4)', text: '1.5000', value: '1.5000' },
    { type: 'bigint', text: '9007199254740993', value: '9007199254740993' },
  ])('$text of type $type is $value', ({ type, text, value }) => {
    expect(objectOf([{ name: 'one', type }], [text])).toEqual({ one: value })
  })
})
