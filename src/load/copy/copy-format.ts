import { hash } from 'node:crypto'

/** Value of a staged column. Exact numbers are text already. */
export type CopyValue = string | number | bigint | boolean | null | undefined

// A loop over the characters takes three times as long as the regular expression.
const special = /[\\\t\n\r]/
const specials = /[\\\t\n\r]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

const unescapes: Record<string, string> = { t: '\t', n: '\n', r: '\r' }

function escaped(text: string): string {
  return text.replace(specials, (found) => escapes[found] ?? found)
}

/** One value in PostgreSQL's COPY text format. */
export function copyValue(value: CopyValue): string {
  if (typeof value === 'string') return special.test(value) ? escaped(value) : value
  if (value === null || value === undefined) return '\\N'
  if (typeof value === 'boolean') return value ? 't' : 'f'
  return String(value)
}

/** Text before `copyValue` escaped it. */
export function copiedText(copied: string): string {
  return copied.replace(/\\(.)/g, (_, sign: string) => unescapes[sign] ?? sign)
}

/**
 * Layout of the rows of a staging table, there and in the published table that it is the twin of.
 */
export interface RowFormat {
  /** Columns that the hash does not cover, for example the number of the referral in its batch. */
  readonly unhashed: readonly string[]
  /** Natural keys, hashed and only staged: the target has surrogate keys instead. */
  readonly natural: readonly string[]
  readonly shared: readonly string[]
  readonly hasRowHash: boolean
}

/** The columns of `copyLine`, in its order. */
export function stagedColumns({ unhashed, natural, shared, hasRowHash }: RowFormat): string[] {
  return [...unhashed, ...natural, ...shared, ...(hasRowHash ? ['row_hash'] : [])]
}

/**
 * One row as a COPY text line with its `row_hash` last: the first 8 bytes of sha-256 over the COPY
 * text of the natural keys and the shared columns, as a signed number.
 */
export function copyLine(row: object, format: RowFormat): string {
  const values = row as Readonly<Record<string, CopyValue>>
  const line = joined(values, format.unhashed)
  const content = joined(values, format.natural) + joined(values, format.shared)
  if (!format.hasRowHash) return `${line}${content.slice(0, -1)}\n`
  return `${line}${content}${hash64(content)}\n`
}

/**
 * One row as a COPY text line of the target: `keys`, the shared columns, the `row_hash` of
 * `copyLine`, and `audit`. Both are COPY text already; keys end with a tab, audit begins with one.
 */
export function targetLine(row: object, format: RowFormat, keys: string, audit: string): string {
  const values = row as Readonly<Record<string, CopyValue>>
  const content = joined(values, format.shared)
  if (!format.hasRowHash) return `${keys}${content.slice(0, -1)}${audit}\n`
  return `${keys}${content}${hash64(joined(values, format.natural) + content)}${audit}\n`
}

function joined(values: Readonly<Record<string, CopyValue>>, columns: readonly string[]): string {
  let text = ''
  for (let index = 0; index < columns.length; index++) {
    text += copyValue(values[columns[index] ?? ''])
    text += '\t'
  }
  return text
}

const firstBytes = Buffer.alloc(8)

// A text of 32 characters costs half of a Buffer of 32 bytes.
function hash64(text: string): bigint {
  firstBytes.write(hash('sha256', text, 'binary'), 0, 8, 'latin1')
  return firstBytes.readBigInt64BE(0)
}
