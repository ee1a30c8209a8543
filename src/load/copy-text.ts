import { hash } from 'node:crypto'

/** What a staged column may hold: everything exact is text already. */
export type CopyValue = string | number | bigint | boolean | null | undefined

const special = /[\\\t\n\r]/
const specials = /[\\\t\n\r]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** One value in PostgreSQL's COPY text format. */
export function copyValue(value: CopyValue): string {
  if (value === null || value === undefined) return '\\N'
  if (typeof value === 'string') {
    return special.test(value) ? value.replace(specials, (found) => escapes[found] ?? found) : value
  }
  if (typeof value === 'boolean') return value ? 't' : 'f'
  return String(value)
}

/** How the rows of one staging table are written. */
export interface RowFormat {
  /** Columns that the hash does not cover, for example the number of the referral in its batch. */
  readonly unhashed: readonly string[]
  readonly hashed: readonly string[]
  readonly hasRowHash: boolean
}

/**
 * One row as a COPY text line with its `row_hash` last: the first 8 bytes of sha-256 over the COPY
 * text of the hashed columns, as a signed number. Column order is `unhashed`, `hashed`, `row_hash`.
 */
export function copyLine(row: object, format: RowFormat): string {
  const values = row as Readonly<Record<string, CopyValue>>
  let line = ''
  for (const column of format.unhashed) line += `${copyValue(values[column])}\t`
  let content = ''
  for (const column of format.hashed) content += `${copyValue(values[column])}\t`
  if (!format.hasRowHash) return `${line}${content.slice(0, -1)}\n`
  return `${line}${content}${hash64(content)}\n`
}

function hash64(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigInt64BE(0)
}
