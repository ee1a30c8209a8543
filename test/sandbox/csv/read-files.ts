import { parse } from 'csv-parse/sync'
import type { DownloadFile } from '../../../src/sandbox/csv/file/downloads.ts'

/** One row by the names of its columns. */
export type ParsedRow = Readonly<Record<string, string>>

/** Parses a file as Partner Center writes it. */
export function readDownload({ bytes }: Pick<DownloadFile, 'bytes'>): ParsedRow[] {
  return parseRows(new TextDecoder('utf-8', { fatal: true }).decode(bytes), ',')
}

/** Parses a file as a German Excel saves it, in the encoding that its name says. */
export function readSavedAgain({ path, bytes }: Pick<DownloadFile, 'path' | 'bytes'>): ParsedRow[] {
  const text = path.endsWith('-utf-8.csv')
    ? new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    : fromWindows1252(bytes)
  return parseRows(text, ';')
}

/** Code points of the bytes 128 to 159 in hexadecimal, as the code page has them. */
const codePoints = `20ac 81 201a 192 201e 2026 2020 2021 2c6 2030 160 2039 152 8d 17d 8f
  90 2018 2019 201c 201d 2022 2013 2014 2dc 2122 161 203a 153 9d 17e 178`
  .split(/\s+/)
  .map((code) => Number.parseInt(code, 16))

/** Decodes Windows-1252, which `TextDecoder` gets wrong in some releases of Node.js. */
export function fromWindows1252(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(codePoints[byte - 128] ?? byte)).join('')
}

function parseRows(text: string, delimiter: string): ParsedRow[] {
  return parse(text, { columns: true, delimiter, record_delimiter: '\r\n' })
}

/** Returns `Name 1`, `Name 2`, … of a row, without the empty ones. */
export function members(row: ParsedRow, name: string): string[] {
  return Object.entries(row)
    .filter(([column, cell]) => column.replace(/ \d+$/, '') === name && cell !== '')
    .map(([, cell]) => cell)
}
