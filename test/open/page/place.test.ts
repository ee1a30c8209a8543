import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choiceParameters } from '../../../src/open/choice-parameters.ts'
import {
  choose,
  chooseDays,
  firstPage,
  listQuery,
  openedAt,
  type Place,
  readPlace,
  views,
  writePlace,
} from '../../../src/open/page/state/place.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })

/** Any place that the page can be in. */
const anyPlace: fc.Arbitrary<Place> = fc.record({
  view: fc.constantFrom(...views),
  choice: fc
    .array(fc.tuple(fc.constantFrom(...choiceParameters), text))
    .map((pairs) => new URLSearchParams(pairs)),
  list: fc.option(
    fc
      .record({
        rows: fc.array(fc.tuple(text, text)).map((pairs) => `${new URLSearchParams(pairs)}`),
        sort: text,
        isDescending: fc.boolean(),
        search: text,
        page: fc.integer({ min: 1, max: 1000 }),
      })
      // An order that nothing is sorted by has no direction.
      .map((list) => ({ ...list, isDescending: list.isDescending && list.sort !== '' })),
  ),
  referral: fc.option(text),
})

const plain = ({ choice, ...place }: Place) => ({ ...place, choice: [...choice] })

describe('the address of a place', () => {
  test('every place is read back from its address as it was', () => {
    fc.assert(
      fc.property(anyPlace, (place) => {
        expect(plain(readPlace(writePlace(place)))).toEqual(plain(place))
      }),
    )
  })

  test('an address without a query is the pipeline with everything in it', () => {
    const { view, choice, list, referral } = readPlace('')
    expect({ view, choice: `${choice}`, list, referral }).toEqual({
      view: 'pipeline',
      choice: '',
      list: null,
      referral: null,
    })
  })

  test.each([
    ['?view=nonsense', 'pipeline'],
    ['?view=won&utm_source=mail', 'won'],
  ])('an address %s keeps what it means, and the rest of it is left out', (query, view) => {
    const place = readPlace(query)
    expect(place.view).toBe(view)
    expect(`${place.choice}`).toBe('')
  })

  test.each(['0', '-1', '1.5', 'x', '1e99'])('page %s of a list is its first', (page) => {
    expect(readPlace(`?rows=set%3Dopen&page=${page}`).list?.page).toBe(1)
  })
})

describe('the query of a list', () => {
  const place = readPlace(
    '?view=won&account=contoso&rows=set%3Dopen%26stage%3DReceived&sort=age_days&descending=true&search=a%26b&page=3',
  )
  const { list } = place
  if (list === null) throw new Error('the address has a list')

  test('the query has choice, rows, order, search and page, and nothing of the page itself', () => {
    expect([...new URLSearchParams(listQuery({ ...place, list }, true))]).toEqual([
      ['account', 'contoso'],
      ['set', 'open'],
      ['stage', 'Received'],
      ['sort', 'age_days'],
      ['descending', 'true'],
      ['search', 'a&b'],
      ['page', '3'],
    ])
  })

  test('the query of the download has no page, since it holds all of them', () => {
    expect(listQuery({ ...place, list }, false)).not.toContain('page')
  })
})

describe('steps from a place', () => {
  test('choosing replaces the values of one filter and keeps the others', () => {
    const choice = new URLSearchParams('area=Azure&country=DE&area=Security')
    expect(`${choose(choice, 'area', ['Modern Work'])}`).toBe('country=DE&area=Modern+Work')
    expect(`${choose(choice, 'area', [])}`).toBe('country=DE')
    expect(`${choice}`).toBe('area=Azure&country=DE&area=Security')
  })

  test('a day that was picked stays in the address, and the other one follows its preset', () => {
    const choice = new URLSearchParams('area=Azure&compare=2026-06-23')
    expect(`${chooseDays(choice, '2026-06-30', null)}`).toBe('area=Azure&as_of=2026-06-30')
    expect(`${chooseDays(choice, null, '2026-05-31')}`).toBe('area=Azure&compare=2026-05-31')
  })

  test('another choice begins the list at its first page', () => {
    const place = readPlace('?rows=set%3Dopen&page=7')
    expect(firstPage(place).list?.page).toBe(1)
    expect(firstPage(readPlace('?view=won')).list).toBeNull()
  })

  test('the name of what is open is the same for every order of its list, and another for every number', () => {
    const at = (query: string) => openedAt(readPlace(query))
    expect(at('?rows=set%3Dopen&sort=age_days&page=2')).toBe(at('?rows=set%3Dopen'))
    const others = ['?view=won', '?rows=set%3Dopen', '?rows=set%3Dwon', '?referral=id%3D7']
    expect(new Set(others.map(at)).size).toBe(others.length)
  })
})
