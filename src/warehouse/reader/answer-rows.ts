import type { Answer } from './ask.ts'

/** Value of a row in JSON. Amounts and large numbers are text, so that no digit is lost. */
export type JsonValue = string | number | boolean | null

/** Keys and counts stay below 2^53 with so many digits. */
const exactDigitsMax = 15

/**
 * Returns the rows of an answer by the name of the column; a name that is taken has the next free number
 * behind it, such as `count_2`. Whole numbers of up to 15 digits are numbers, every other number is text.
 * Instants are ISO text in UTC.
 */
export function rowObjects({ columns, rows }: Answer): Readonly<Record<string, JsonValue>>[] {
  const names = namesOf(columns.map(({ name }) => name))
  const readers = columns.map(({ type }) => readerOf(type))
  return rows.map((row) =>
    Object.fromEntries(
      row.map((value, index) => [
        names[index] ?? '',
        value === null ? null : (readers[index]?.(value) ?? value),
      ]),
    ),
  )
}

function namesOf(given: readonly string[]): string[] {
  // A name that the statement itself gives stays with its column.
  const taken = new Set(given)
  const seen = new Set<string>()
  return given.map((name) => {
    if (!seen.has(name)) {
      seen.add(name)
      return name
    }
    let no = 2
    while (taken.has(`${name}_${no}`)) no += 1
    const free = `${name}_${no}`
    taken.add(free)
    return free
  })
}

/** Type without its precision: `timestamp(3) with time zone` is `timestamp with time zone`. */
function baseName(type: string): string {
  return type.replace(/\(\d+(,\d+)?\)/, '')
}

function readerOf(type: string): (text: string) => JsonValue {
  switch (baseName(type)) {
    case 'boolean':
      return (text) => text === 't'
    case 'smallint':
    case 'integer':
    case 'bigint':
      return (text) => (text.length > exactDigitsMax ? text : Number(text))
    case 'timestamp with time zone':
      return (text) =>
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/.test(text)
          ? `${text.slice(0, 10)}T${text.slice(11, -3)}Z`
          : text
    default:
      return (text) => text
  }
}
