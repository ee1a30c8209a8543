import { type Column, type ColumnKind, lettersAndDigits } from '../layout/column.ts'
import { type DecimalSign, readAmount } from './amounts.ts'
import type { CellResult, Json, ReadCell } from './cell.ts'
import { type DateOrder, readDate } from './dates.ts'
import { readPerson, readSolution } from './packed.ts'
import { type Fault, shown } from './problem.ts'
import { formulaError, leadingZeros, readFlag, scientificNotation } from './spreadsheet.ts'

/** What the whole file decides about its cells. */
export interface CellReading {
  readonly dateOrder: DateOrder
  readonly decimal: DecimalSign
}

const correct = 'correct the cell, then import the file again'

/** Kinds whose cells hold few different texts. */
const recurring: ReadonlySet<ColumnKind> = new Set([
  'word',
  'code',
  'flag',
  'currency',
  'date',
  'solution',
  'person',
])
const cellsMax = 2_000

/** Returns `readCell` for a column. Texts that recur in a column are read once. */
export function cellReader(column: Column, reading: CellReading): (cell: string) => CellResult {
  if (!recurring.has(column.kind)) return (cell) => readCell(column, cell, reading)
  const known = new Map<string, CellResult>()
  return (cell) => {
    const before = known.get(cell)
    if (before !== undefined) return before
    const read = readCell(column, cell, reading)
    if (known.size < cellsMax) known.set(cell, read)
    return read
  }
}

/** Returns the value of a clean cell that is not empty. */
function readCell(column: Column, cell: string, reading: CellReading): CellResult {
  const error = formulaError(cell)
  if (error !== null) return bad(error)
  switch (column.kind) {
    case 'text':
    case 'errors':
      return cell
    case 'word':
      return plain(column.values.get(lettersAndDigits(cell)) ?? cell)
    case 'id':
      return idCell(cell, column.isRestricted)
    case 'referralId':
      return referralIdCell(cell)
    case 'duns':
      return dunsCell(cell)
    case 'postalCode':
      return postalCodeCell(cell)
    case 'amount':
      return amountCell(cell, reading.decimal)
    case 'currency':
      return currencyCell(cell)
    case 'date':
      return dateCell(cell, reading.dateOrder)
    case 'flag':
      return flagCell(column, cell)
    case 'code':
      return codeCell(column, cell)
    case 'solution':
      return readSolution(cell)
    case 'person':
      return readPerson(cell)
    case 'list':
      return listCell(cell)
  }
}

function plain(text: string, value: Json = text): CellResult {
  return value === text ? text : { text, value, fault: null }
}

function bad(fault: Fault): ReadCell {
  return { text: '', value: null, fault }
}

function invalid(expected: string, cell: string, remedy = correct): ReadCell {
  return bad({ code: 'invalid', expected, got: shown(cell), remedy })
}

function idCell(cell: string, isRestricted: boolean): CellResult {
  const fault = scientificNotation(cell, 'an id with all of its digits', isRestricted)
  return fault === null ? plain(cell) : bad(fault)
}

const referralIdText = /^[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}$/

function referralIdCell(cell: string): CellResult {
  const id = cell.toLowerCase().replace(/^\{(.*)\}$/, '$1')
  if (referralIdText.test(id)) return plain(id)
  const expected = 'an id such as f7eaae47-0b84-4ac4-b4ea-5b2587d42cee'
  const fault = scientificNotation(cell, expected)
  return fault === null ? invalid(expected, cell) : bad(fault)
}

const dunsDigits = 9

function dunsCell(cell: string): CellResult {
  const digits = cell.replace(/[\s-]/g, '')
  if (/^\d{9}$/.test(digits)) return plain(digits)
  const fault =
    leadingZeros(digits, dunsDigits, 'a D-U-N-S number') ??
    scientificNotation(cell, `a D-U-N-S number of ${dunsDigits} digits`)
  return fault === null ? invalid(`a D-U-N-S number of ${dunsDigits} digits`, cell) : bad(fault)
}

function postalCodeCell(cell: string): CellResult {
  const fault = scientificNotation(cell, 'a postal code with all of its digits')
  return fault === null ? plain(cell) : bad(fault)
}

function amountCell(cell: string, decimal: DecimalSign): CellResult {
  const amount = readAmount(cell, decimal)
  if (amount !== null) return plain(amount)
  const expected = `an amount such as ${decimal === 'point' ? '1234.50' : '1234,50'}`
  const fault = scientificNotation(cell, expected)
  return fault === null ? invalid(expected, cell) : bad(fault)
}

function currencyCell(cell: string): CellResult {
  const currency = cell.toUpperCase()
  if (/^[A-Z]{3}$/.test(currency)) return plain(currency)
  return invalid('a currency of three letters such as USD', cell)
}

const forms: Readonly<Record<DateOrder, string>> = { mdy: 'MM/DD/YYYY', dmy: 'DD/MM/YYYY' }

function dateCell(cell: string, order: DateOrder): CellResult {
  const date = readDate(cell, order)
  if (date !== null) return plain(date, date.length > 10 ? date : `${date}T00:00:00Z`)
  const expected = `a date of 2000 to 2099 as ${forms[order]} or YYYY-MM-DD`
  return invalid(
    expected,
    cell,
    'correct the cell or give --date-order, then import the file again',
  )
}

function flagCell(column: Column, cell: string): CellResult {
  const word = column.values.get(lettersAndDigits(cell))
  const flag = readFlag(word ?? cell)
  if (flag !== null) return plain(flag ? 'Yes' : 'No', flag)
  const others = new Set(column.values.values()).size > 0 ? 'Azure or Other' : 'Yes or No'
  return invalid(others, cell)
}

function codeCell(column: Column, cell: string): CellResult {
  const words = [...column.values.values()]
  const key = lettersAndDigits(cell)
  const word = column.values.get(cell) ?? words.find((known) => lettersAndDigits(known) === key)
  return word === undefined ? invalid(`a number from 1 to ${words.length}`, cell) : plain(word)
}

function listCell(cell: string): CellResult {
  // An empty item keeps the place of its neighbours.
  const items = cell.split(',').map((item) => item.trim())
  return plain(items.join(', '), items)
}
