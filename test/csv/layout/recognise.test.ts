import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LayoutName } from '../../../src/csv/layout/column.ts'
import { recognise } from '../../../src/csv/layout/recognise.ts'
import { documentedHeaders } from '../../support/csv-headers.ts'

const headers = Object.entries(documentedHeaders) as [LayoutName, readonly string[]][]

function known(header: readonly string[]) {
  const recognition = recognise(header)
  if (!recognition.isKnown) throw new Error(`unknown: ${JSON.stringify(recognition.difference)}`)
  return recognition
}

function difference(header: readonly string[]) {
  const recognition = recognise(header)
  if (recognition.isKnown) throw new Error(`known as ${recognition.layout.name}`)
  return { nearest: recognition.nearest.name, ...recognition.difference }
}

describe('recognise', () => {
  test.each(headers)('the documented header of %s is recognised without extras', (name, header) => {
    const { layout, columns, extras } = known(header)
    expect(layout.name).toBe(name)
    expect(columns).toHaveLength(header.length)
    expect(extras).toEqual([])
  })

  test('order, case, blanks, punctuation and region suffixes of a header do not matter', () => {
    const variants = (name: string) =>
      fc
        .constantFrom<(name: string) => string>(
          (it) => it.toUpperCase(),
          (it) => it.toLowerCase(),
          (it) => ` ${it.replaceAll(' ', '  ')}\u00a0`,
          (it) => it.replaceAll(' ', ''),
          (it) => it.replaceAll('?', '').replaceAll('-', ''),
          (it) => it.replace(/Country$/, 'Country/Region'),
          (it) => `\ufeff${it}`,
        )
        .map((change) => change(name))
    fc.assert(
      fc.property(
        fc.constantFrom(...headers).chain(([name, header]) =>
          fc.record({
            name: fc.constant(name),
            header: fc
              .shuffledSubarray([...header], { minLength: header.length })
              .chain((shuffled) => fc.tuple(...shuffled.map(variants))),
          }),
        ),
        ({ name, header }) => {
          expect(known(header).layout.name).toBe(name)
        },
      ),
    )
  })

  test.each([
    ['Customer Country', 'Customer Country/region'],
    ['Customer State', 'Customer State/Region'],
    ['Declined/Lost/Error reason', 'Declined/Lost reason'],
    ['PartnerID (formerly MPN ID)', 'PartnerID'],
    ['PartnerID (formerly MPN ID)', 'MPN ID'],
    ['Customer D-U-N-S ID', 'Customer DUNS ID'],
    ['Customer Postal code', 'Customer Postal Code'],
    ['Final Matched Customer Account', 'Final account match'],
  ])('column %s is recognised as %s too', (documented, other) => {
    const header = documentedHeaders.cosell_2023.map((name) => (name === documented ? other : name))
    expect(header).toContain(other)
    expect(known(header).extras).toEqual([])
  })

  test('groups come in any number, and are ordered by it', () => {
    const header = documentedHeaders.cosell_2023.filter((name) => !/Solution|eam member/.test(name))
    const groups = ['Solution 10', 'Solution 2', 'Team member 3', 'Microsoft team member 01']
    const { columns } = known([...groups, ...header])
    const names = columns.map(({ name }) => name)
    expect(names.filter((name) => /Solution|eam member/.test(name))).toEqual([
      'Solution 2',
      'Solution 10',
      'Team member 3',
      'Microsoft team member 1',
    ])
    expect(known(header).columns).toHaveLength(header.length)
  })

  test('unknown columns are extras under their own names, also when two are equal', () => {
    const header = ['Owner', ...documentedHeaders.insights_leads, 'Owner', '', 'Region', '', '']
    const { extras, width } = known(header)
    expect(extras.map(({ name }) => name)).toEqual(['Owner', 'Owner (2)', 'column 22', 'Region'])
    expect(width).toBe(23)
  })

  test.each(headers)(
    'a header of %s with a column less is unknown, and it is named',
    (name, header) => {
      for (const [at, column] of header.entries()) {
        if (/^Errors$|\d$|DUNS Account|Final Matched/.test(column) && !/Line/.test(column)) continue
        const expected = { nearest: name, missing: [expect.any(String)], extra: [], misspelt: [] }
        expect(difference(header.toSpliced(at, 1)), column).toMatchObject(expected)
      }
    },
  )

  test('a misspelt column is named beside the one that it stands for', () => {
    const header = documentedHeaders.registrations.map((name) =>
      name === 'Contract Sign Date' ? 'Contract Singed Date' : name,
    )
    expect(difference([...header, 'Owner'])).toEqual({
      nearest: 'registrations',
      missing: [],
      extra: ['Owner'],
      misspelt: [{ got: 'Contract Singed Date', expected: 'Contract Sign Date' }],
      repeated: [],
    })
  })

  test('a column that comes twice makes a header unknown', () => {
    const header = [...documentedHeaders.insights_cosell, 'contract value']
    expect(difference(header)).toMatchObject({ repeated: ['Contract Value'], missing: [] })
  })

  test('a column less of 2023 is not taken for a file of 2021', () => {
    const header = documentedHeaders.cosell_2023.filter((name) => name !== 'Silicon Type')
    expect(difference(header)).toMatchObject({ nearest: 'cosell_2023', missing: ['Silicon Type'] })
  })
})
