import { CosellError } from '../../errors.ts'
import { layouts } from './layouts.ts'
import type { Recognition } from './recognise.ts'

type Unknown = Extract<Recognition, { isKnown: false }>

const namesMax = 8
const nameLengthMax = 60

/** Failure for a file whose header belongs to no layout. */
export function unknownLayout(
  file: string,
  line: number,
  header: readonly string[],
  { nearest, matched, difference }: Unknown,
): CosellError {
  const { missing, extra, misspelt, repeated } = difference
  const known = layouts.map(({ title }) => title).join(', ')
  // The first line of a file without a header is a row, and may hold people.
  const isHeader = matched * 2 >= nearest.columns.filter(({ isOptional }) => !isOptional).length
  const parts = isHeader
    ? [
        `one that is nearest to ${nearest.title}`,
        list('missing', missing),
        list('extra', extra),
        list(
          'misspelt',
          misspelt.map(({ got, expected }) => `${quoted(got)} for ${expected}`),
          (name) => name,
        ),
        list('more than once', repeated),
      ]
    : [
        header.length === 0 ? 'nothing' : 'another line',
        `nearest is ${nearest.title}, of which ${matched} columns are there`,
        list('missing', missing),
        unsplitHint(header),
      ]
  const text =
    `${file}:${line}: expected the header of a Partner Center file (${known}), ` +
    `got ${parts.filter((part) => part !== '').join('; ')}. ` +
    'Nothing was loaded; correct the header line or download the file again, then run again.'
  return new CosellError('import.unknown_layout', text)
}

function list(what: string, names: readonly string[], show = quoted): string {
  if (names.length === 0) return ''
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : ''
  return `${what}: ${names.slice(0, namesMax).map(show).join(', ')}${more}`
}

function quoted(name: string): string {
  const shown = name.length > nameLengthMax ? `${name.slice(0, nameLengthMax)}…` : name
  return JSON.stringify(shown)
}

function unsplitHint(header: readonly string[]): string {
  const isUnsplit = header.length === 1 && /[,;\t].*[,;\t]/.test(header[0] ?? '')
  return isUnsplit
    ? 'the whole line is one quoted cell, as when a spreadsheet of another country saves a file ' +
        'that it did not split into columns'
    : ''
}
