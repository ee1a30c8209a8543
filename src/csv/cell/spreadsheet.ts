import { type Fault, shown } from './problem.ts'

// What a spreadsheet makes of cells when a file is opened and saved again.

const downloadAgain = 'download the file again and import it without opening it in a spreadsheet'

/**
 * Returns the text that a cell stands for: without white space around it, with line feeds inside,
 * and without the formula `="…"` that keeps zeros from a spreadsheet.
 */
export function cleanCell(raw: string): string {
  const last = raw.length - 1
  // Most cells begin and end with a letter or digit, which saves the search for white space.
  const isTrimmed = isWord(raw.charCodeAt(0)) && isWord(raw.charCodeAt(last))
  if (isTrimmed && !raw.includes('\r')) return raw
  let cell = raw.trim()
  if (cell.includes('\r')) cell = cell.replace(/\r\n?/g, '\n')
  if (cell.startsWith('="') && cell.endsWith('"') && cell.length > 2)
    cell = cell.slice(2, -1).trim()
  return cell
}

/** Whether a character is a letter or digit of ASCII, or a sign between them. */
function isWord(code: number): boolean {
  return code >= 0x30 && code <= 0x7a
}

/** Returns the fault of a cell that holds an error of a formula, or `####` for a narrow column. */
export function formulaError(cell: string): Fault | null {
  if (!cell.startsWith('#')) return null
  if (!/^#(?:#+|N\/A|(?:NAME|REF|VALUE|DIV\/0|NUM|NULL|SPILL|CALC)[?!]?)$/i.test(cell)) return null
  return {
    code: 'spreadsheet_error',
    expected: 'the value of the download',
    got: `${JSON.stringify(cell.slice(0, 10))}, which a spreadsheet put in its place`,
    remedy: downloadAgain,
  }
}

/** Returns the fault of a number in scientific notation, whose digits are lost. */
export function scientificNotation(
  cell: string,
  expected: string,
  isRestricted = false,
): Fault | null {
  // Spreadsheets always write a sign, so that the id 12E5 is none of theirs.
  if (!/^[-+]?\d(?:[.,]\d+)?E[+-]\d{1,3}$/i.test(cell)) return null
  return {
    code: 'scientific_notation',
    expected,
    got: `${isRestricted ? 'a number' : JSON.stringify(cell)} in scientific notation, as a spreadsheet shows it`,
    remedy: downloadAgain,
  }
}

/** Returns the fault of an id that lacks zeros at its beginning. */
export function leadingZeros(cell: string, digits: number, of: string): Fault | null {
  if (!/^\d+$/.test(cell) || cell.length >= digits) return null
  return {
    code: 'leading_zeros',
    expected: `${of} of ${digits} digits`,
    got: `${shown(cell)} without the zeros at its beginning, as a spreadsheet leaves it`,
    remedy: downloadAgain,
  }
}

/** Digits of postal codes by country, where all are digits and may begin with 0. */
const postalDigits: ReadonlyMap<string, number> = new Map(
  Object.entries({
    4: 'AM AU BG CY DK GE HU LU NO NZ PH TN ZA',
    5: 'CR DE DO DZ EE EG ES FI FR GR GT HR ID IT JO KR KW LT MA MX MY PK PE RS SA TH TR UA US UY ZM',
    6: 'CN CO KG KZ NG RO SG TJ VN',
    7: 'CL IL JP',
    8: 'BR',
  }).flatMap(([digits, countries]) =>
    countries.split(' ').map((country): [string, number] => [country, Number(digits)]),
  ),
)

/** Returns the fault of a postal code that is shorter than all of its country (ISO 3166, two letters). */
export function postalCodeFault(code: string, country: string): Fault | null {
  const digits = postalDigits.get(country.toUpperCase())
  return digits === undefined ? null : leadingZeros(code, digits, 'a postal code')
}

/** Yes and No by what cells hold: words, digits, and booleans of spreadsheets of other countries. */
const flags: ReadonlyMap<string, boolean> = new Map([
  ...'yes y true 1 wahr vrai verdadero verdadeiro vero waar prawda pravda sant sand sann tosi igaz'
    .concat(' doğru истина')
    .split(' ')
    .map((word): [string, boolean] => [word, true]),
  ...'no n false 0 falsch faux falso onwaar fałsz nepravda falskt falsk usann epätosi hamis'
    .concat(' yanlış ложь')
    .split(' ')
    .map((word): [string, boolean] => [word, false]),
])

/** Returns what a cell with yes or no means; null for other text. */
export function readFlag(cell: string): boolean | null {
  return flags.get(cell.normalize('NFC').toLowerCase()) ?? null
}
