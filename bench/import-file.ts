import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { usualConvention } from '../src/sandbox/csv/cell/annual-value.ts'
import { toRows } from '../src/sandbox/csv/file/downloads.ts'
import { record } from '../src/sandbox/csv/file/lines.ts'
import { byteOrderMark, downloadedRow } from '../src/sandbox/csv/file/partner-center.ts'
import { type Table, toTable } from '../src/sandbox/csv/file/table.ts'
import { coSell2023 } from '../src/sandbox/csv/layout/co-sell.ts'
import { Simulation } from '../src/sandbox/population/simulation.ts'

// A large download of co-sell opportunities, for the benchmark of the import. Partner Center gives
// 5,000 rows at most; a person who glues files together has more.

/** Referrals of which all rows are copies: enough for every kind of row, few enough to keep. */
const templateSize = 2_000
/** Rows that are written at once. */
const rowsAtOnce = 500

/**
 * Writes a file of co-sell opportunities with `rows` rows, each with a referral, an engagement and a
 * customer's name of its own. Memory does not depend on the number of rows; equal numbers give equal
 * bytes.
 */
export async function writeImportFile(path: string, rows: number): Promise<void> {
  await pipeline(Readable.from(importFile(rows)), createWriteStream(path))
}

/** Yields the text of the file, some rows at once. */
export function* importFile(rows: number): Generator<string> {
  const table = template()
  const place = placesOf(table)
  yield byteOrderMark +
    record(
      table.columns.map(({ name }) => name),
      ',',
    )
  for (let start = 0; start < rows; start += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - start)
    const lines = Array.from({ length: count }, (_, no) => {
      const row = copy(table, place, start + no)
      return downloadedRow(row, table.columns, coSell2023.isPadded)
    })
    yield lines.join('')
  }
}

function template(): Table {
  const referrals = new Simulation(templateSize, 1, 0).referrals()
  const rows = toRows(referrals, usualConvention)
  return toTable(
    coSell2023,
    rows.filter(({ referral }) => coSell2023.includes(referral)),
  )
}

interface Places {
  readonly referral: number
  readonly engagement: number
  readonly customer: number
}

function placesOf({ columns }: Table): Places {
  const place = (wanted: string) => columns.findIndex(({ name }) => name === wanted)
  return {
    referral: place('Referral ID'),
    engagement: place('Engagement ID'),
    customer: place('Customer Name'),
  }
}

/** Returns a row of the template for a number; each turn of the template has ids of its own. */
function copy({ rows }: Table, place: Places, number: number): string[] {
  const row = [...(rows[number % rows.length] ?? [])]
  const turn = Math.floor(number / rows.length)
  for (const index of [place.referral, place.engagement]) {
    // The first group of a GUID counts the turns, so that referrals of a deal stay together.
    row[index] = turn.toString(16).padStart(8, '0') + (row[index] ?? '').slice(8)
  }
  row[place.customer] = `${row[place.customer]} ${turn}`
  return row
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path, rows = '500000'] = process.argv.slice(2)
  if (path === undefined || !/^\d+$/.test(rows)) {
    process.stderr.write('usage: tsx bench/import-file.ts FILE [ROWS]\n')
    process.exitCode = 2
  } else {
    await writeImportFile(path, Number(rows))
  }
}
