import { describe, expect, test } from 'vitest'
import { BadRequest, readChoice, requireKnown } from '../../src/open/choice.ts'
import { queryOfView } from '../../src/open/view-address.ts'

const today = '2026-06-30'
const read = (query: string) => readChoice(new URLSearchParams(query), today)

describe('the choice of an address', () => {
  test('an empty one is today beside a week before, without filters', () => {
    expect(read('')).toEqual({
      account: [],
      period: [],
      area: [],
      play: [],
      country: [],
      deal_type: [],
      currency: null,
      as_of: '2026-06-30',
      compare: '2026-06-23',
    })
  })

  test('repeated values are kept once, in their order, and an empty country is a value', () => {
    const { country, account } = read('country=DE&country=&country=DE&account=b&account=a')
    expect(country).toEqual(['DE', ''])
    expect(account).toEqual(['b', 'a'])
  })

  test.each([
    ['as_of=2026-07-01', 'a day in the future'],
    ['as_of=2026-02-30', 'a day that is none'],
    ['as_of=30.06.2026', 'a day in another form'],
    ['as_of=2026-06-01&as_of=2026-06-02', 'two days'],
    ['compare=2026-07-01', 'a compared day after the day that is shown'],
    [`account=${'a'.repeat(301)}`, 'a text that is too long'],
    ['area=%00', 'a zero character'],
    [Array.from({ length: 101 }, (_, no) => `area=${no}`).join('&'), 'a hundred and one values'],
  ])('%s is refused: %s', (query) => {
    expect(() => read(query)).toThrow(BadRequest)
  })

  test('unknown parameters are refused by name', () => {
    expect(() => requireKnown(new URLSearchParams('view=won'), ['as_of'])).toThrow(
      /^view: expected/,
    )
  })
})

describe('the address of a view that a colleague sent', () => {
  test.each([
    ['http://127.0.0.1:4711/their-token/?view=won&period=FY26', '?view=won&period=FY26'],
    ['?as_of=2026-06-30', '?as_of=2026-06-30'],
    [undefined, ''],
  ])('%s keeps its choice alone', (view, query) => {
    expect(queryOfView(view)).toBe(query)
  })

  test('words are no address', () => {
    expect(() => queryOfView('won')).toThrow(/expected the address/)
  })
})
