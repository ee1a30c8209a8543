import { describe, expect, test } from 'vitest'
import { downloads } from '../../../src/sandbox/csv/file/downloads.ts'
import { germanCell } from '../../../src/sandbox/csv/file/german-excel.ts'
import { inWindows1252, isInWindows1252 } from '../../../src/sandbox/csv/file/windows-1252.ts'
import { layouts } from '../../../src/sandbox/csv/layout/layouts.ts'
import { aPopulation } from './population.ts'
import { fromWindows1252, type ParsedRow, readDownload, readSavedAgain } from './read-files.ts'

const files = [...downloads(aPopulation(2000))]

/** Reads the cells of a German row as the download writes them, by the kinds of their columns. */
function inEnglish(row: ParsedRow, kinds: Kinds, isPadded: boolean) {
  return mapRow(row, (name, cell) => {
    const kind = kinds.get(name)
    if (cell === '' || kind === undefined || kind === 'text') return cell
    if (kind === 'amount') return shortest(cell.replaceAll('.', '').replace(',', '.'))
    const [day = '', month = '', year] = cell.split('.')
    const short = (digits: string) => (isPadded ? digits : digits.replace(/^0/, ''))
    return `${short(month)}/${short(day)}/${year}`
  })
}

/** Returns the cells of a download without what no German Excel keeps: superfluous zeros. */
function keptByExcel(row: ParsedRow, kinds: Kinds) {
  return mapRow(row, (name, cell) => {
    if (kinds.get(name) === 'amount') return shortest(cell)
    return /postal code/i.test(name) ? cell.replace(/^0+(?=\d+$)/, '') : cell
  })
}

type Kinds = ReadonlyMap<string, string>

function mapRow(row: ParsedRow, map: (name: string, cell: string) => string): ParsedRow {
  return Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, map(name, cell)]))
}

function shortest(amount: string): string {
  return amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount
}

describe('a file saved again by a German Excel', () => {
  test.each(layouts.map((layout) => [layout.title, layout] as const))(
    'the file of %s holds the values of the download, but for zeros that Excel eats',
    (_, layout) => {
      const kinds = new Map(layout.columns.map(({ name, kind }) => [name, kind]))
      const own = files.filter((file) => file.layout === layout)
      const first = own
        .filter(({ path }) => path.startsWith('partner-center/'))
        .flatMap(readDownload)
      const again = own
        .filter(({ path }) => path.startsWith('german-excel/'))
        .flatMap(readSavedAgain)
        .map((row) => inEnglish(row, kinds, layout.isPadded))
      const byId = new Map(again.map((row) => [row['Referral ID'], row]))
      expect(again).toHaveLength(first.length)
      for (const row of first) {
        expect(byId.get(row['Referral ID'] ?? '')).toEqual(keptByExcel(row, kinds))
      }
    },
  )

  test('rows are in Windows-1252, and in UTF-8 for letters that Windows-1252 lacks', () => {
    const saved = files.filter(({ path }) =>
      path.includes('german-excel/co-sell-opportunities-2023'),
    )
    const [ansi, unicode] = saved.map((file) => readSavedAgain(file))
    expect(saved.map(({ path }) => path.slice(-9))).toEqual(['23-01.csv', 'utf-8.csv'])
    const cities = (rows: ParsedRow[] = []) => rows.map((row) => row['Customer City'])
    expect(cities(ansi)).toEqual(expect.arrayContaining(['Köln', 'Saint-Étienne', 'Nagoya']))
    expect(cities(ansi)).not.toContain('Łódź')
    expect(cities(unicode)).toEqual(expect.arrayContaining(['Łódź', 'Nagoya', 'Albany']))
  })
})

describe('a cell in a German Excel', () => {
  test.each([
    { kind: 'day', cell: '2020-01-30', shown: '30.01.2020' },
    { kind: 'day', cell: '', shown: '' },
    { kind: 'day', cell: '02/30/2024', shown: '02/30/2024' },
    { kind: 'amount', cell: '1234567.5', shown: '1.234.567,50' },
    { kind: 'amount', cell: '999', shown: '999,00' },
    { kind: 'amount', cell: '1000', shown: '1.000,00' },
    { kind: 'amount', cell: '12.345', shown: '12,345' },
    { kind: 'amount', cell: '-4200.25', shown: '-4.200,25' },
    { kind: 'amount', cell: 'twelve thousand', shown: 'twelve thousand' },
    { kind: 'text', cell: '081466849', shown: '81466849' },
    { kind: 'text', cell: '0', shown: '0' },
    { kind: 'text', cell: '12345678901', shown: '12345678901' },
    { kind: 'text', cell: '34234324000123', shown: '3,42343E+13' },
    { kind: 'text', cell: '100000000000', shown: '1E+11' },
    { kind: 'text', cell: 'SOL-1234-PQRS, USD, 10.5, 100', shown: 'SOL-1234-PQRS, USD, 10.5, 100' },
    { kind: 'text', cell: 'OPP-000123', shown: 'OPP-000123' },
  ] as const)('a cell with $kind "$cell" is shown as "$shown"', ({ kind, cell, shown }) => {
    expect(germanCell(cell, kind)).toBe(shown)
  })
})

describe('Windows-1252', () => {
  test('Windows-1252 encodes each of its characters', () => {
    const empty = [0x81, 0x8d, 0x8f, 0x90, 0x9d]
    const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter(
      (byte) => !empty.includes(byte),
    )
    expect([...inWindows1252(fromWindows1252(Uint8Array.from(bytes)))]).toEqual(bytes)
    expect([...inWindows1252('Köln €–„')]).toEqual([75, 246, 108, 110, 32, 128, 150, 132])
  })

  test('Windows-1252 lacks the letters of Polish and Japanese, and emoji', () => {
    for (const text of ['Łódź', '株式会社', '\u{1F914}', '\u0081']) {
      expect(isInWindows1252(text)).toBe(false)
      expect(() => inWindows1252(text)).toThrow(RangeError)
    }
    expect(isInWindows1252('Saint-Étienne')).toBe(true)
  })
})
