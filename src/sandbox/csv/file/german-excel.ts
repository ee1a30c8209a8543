import { record } from './lines.ts'
import { byteOrderMark } from './partner-center.ts'
import type { PhysicalColumn, Table } from './table.ts'
import { inWindows1252, isInWindows1252 } from './windows-1252.ts'

/** One file that a German Excel saves. */
export interface SavedAgain {
  readonly encoding: 'windows-1252' | 'utf-8'
  readonly rows: number
  readonly bytes: Buffer
}

/**
 * Returns a table as a German Excel saves it: semicolons, CRLF, DD.MM.YYYY, amounts in a column
 * formatted `#.##0,00` as people like to read them. Its "CSV" is in Windows-1252, where each letter
 * that the encoding lacks would become a question mark: rows with such letters are saved as
 * "CSV UTF-8", with a byte order mark. A file without rows is left out.
 */
export function savedByGermanExcel({ columns, rows }: Table): SavedAgain[] {
  const names = record(
    columns.map(({ name }) => name),
    ';',
  )
  const [ansi, unicode]: [string[], string[]] = [[], []]
  for (const row of rows) {
    const line = record(
      row.map((cell, index) => germanCell(cell, columns[index]?.kind)),
      ';',
    )
    if (isInWindows1252(line)) ansi.push(line)
    else unicode.push(line)
  }
  const files: SavedAgain[] = [
    {
      encoding: 'windows-1252',
      rows: ansi.length,
      bytes: inWindows1252([names, ...ansi].join('')),
    },
    {
      encoding: 'utf-8',
      rows: unicode.length,
      bytes: Buffer.from([byteOrderMark, names, ...unicode].join('')),
    },
  ]
  return files.filter((file) => file.rows > 0)
}

/** Returns one cell as shown: only what looks like a day or an amount is taken for one. */
export function germanCell(cell: string, kind: PhysicalColumn['kind'] = 'text'): string {
  if (kind === 'day' && /^\d{4}-\d\d-\d\d$/.test(cell)) return cell.split('-').reverse().join('.')
  if (kind === 'amount' && /^-?\d+(\.\d+)?$/.test(cell)) return germanAmount(cell)
  return generalFormat(cell)
}

/** Returns `1234567.5` as `1.234.567,50`; further decimals stay. */
function germanAmount(amount: string): string {
  const [whole = '', decimals = ''] = amount.split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, '.')
  return `${grouped},${decimals.padEnd(2, '0')}`
}

/** Digits that a number in a cell without a format shows before it turns scientific. */
const generalDigits = 11

/** Returns text that consists of digits as the number that Excel takes it for. */
function generalFormat(cell: string): string {
  if (!/^\d+$/.test(cell)) return cell
  const digits = cell.replace(/^0+(?=\d)/, '')
  if (digits.length <= generalDigits) return digits
  // 34234324000123 is shown as 3,42343E+13.
  const [mantissa = '', exponent = ''] = Number(digits).toExponential(5).split('e+')
  const shown = mantissa.replace(/\.?0+$/, '').replace('.', ',')
  return `${shown}E+${exponent.padStart(2, '0')}`
}
