import type { ForcedConventions } from '../../src/csv/conventions.ts'
import { type ImportedRow, readRows } from '../../src/csv/read-rows.ts'
import { type ScannedFile, scanFile } from '../../src/csv/scan-file.ts'
import type { ImportSource } from '../../src/csv/source/import-source.ts'

/** Form in which a file is written; what it holds does not depend on it. */
export interface Dialect {
  readonly encoding: 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16le-bom' | 'windows-1252'
  readonly separator: ',' | ';' | '\t'
  readonly lineEnd: '\r\n' | '\n' | '\r'
  readonly quotes: 'where needed' | 'always'
}

export const downloaded: Dialect = {
  encoding: 'utf-8',
  separator: ',',
  lineEnd: '\r\n',
  quotes: 'where needed',
}

/** Returns the bytes of a file with these lines of cells. */
export function csvBytes(lines: readonly (readonly string[])[], dialect = downloaded): Buffer {
  const { separator, lineEnd, quotes } = dialect
  const cellText = (cell: string) =>
    quotes === 'always' || /[",;\t\r\n]|^\s|\s$/.test(cell)
      ? `"${cell.replaceAll('"', '""')}"`
      : cell
  const text = lines.map((line) => line.map(cellText).join(separator) + lineEnd).join('')
  return encode(text, dialect.encoding)
}

export function encode(text: string, encoding: Dialect['encoding']): Buffer {
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (encoding === 'utf-16le-bom') return Buffer.from(`\ufeff${text}`, 'utf16le')
  if (encoding === 'windows-1252') return Buffer.from([...text].map(windowsByte))
  return Buffer.from(encoding === 'utf-8-bom' ? `\ufeff${text}` : text)
}

/** Characters of Windows-1252 that Latin-1 has elsewhere, with their bytes. */
const windowsBytes = new Map([
  ['€', 0x80],
  ['„', 0x84],
  ['Š', 0x8a],
  ['’', 0x92],
  ['–', 0x96],
  ['Ÿ', 0x9f],
])

function windowsByte(character: string): number {
  const code = windowsBytes.get(character) ?? character.charCodeAt(0)
  if (code > 0xff) throw new Error(`${character} is not in Windows-1252`)
  return code
}

/** Returns a file that arrives in chunks of this many bytes. */
export function sourceOf(bytes: Uint8Array, chunkBytes = 65_536, name = 'deals.csv'): ImportSource {
  return {
    name,
    open: async () =>
      (async function* () {
        for (let at = 0; at < bytes.length; at += chunkBytes) {
          yield bytes.subarray(at, at + chunkBytes)
        }
      })(),
  }
}

/** Scans a file and reads its rows. */
export async function importBytes(
  bytes: Uint8Array,
  forced: ForcedConventions = {},
  chunkBytes?: number,
): Promise<{ file: ScannedFile; rows: ImportedRow[] }> {
  const file = await scanFile(sourceOf(bytes, chunkBytes), forced)
  try {
    const rows: ImportedRow[] = []
    for await (const row of readRows(file)) rows.push(row)
    return { file, rows }
  } finally {
    await file.spool.close()
  }
}

/** Lines of a file with a header and rows that give some of its cells by name. */
export function linesOf(
  header: readonly string[],
  rows: readonly Readonly<Record<string, string>>[],
): string[][] {
  for (const name of rows.flatMap((row) => Object.keys(row))) {
    if (!header.includes(name)) throw new Error(`the header has no column ${name}`)
  }
  return [[...header], ...rows.map((row) => header.map((name) => row[name] ?? ''))]
}
