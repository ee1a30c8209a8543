/**
 * Reads one file, as a process of its own whose time and memory are measured: by csv-parse alone,
 * every cell, or by the import's reader, typed and as referrals. Prints one line of JSON.
 */
import { createReadStream } from 'node:fs'
import { Parser } from 'csv-parse'
import { readRows } from '../src/csv/read-rows.ts'
import { scanFile } from '../src/csv/scan-file.ts'

const [stage, path = ''] = process.argv.slice(2)
const started = performance.now()
const { rows, letters } = stage === 'csv-parse' ? await parseAlone(path) : await readAsImport(path)
const ms = Math.round(performance.now() - started)
process.stdout.write(`${JSON.stringify({ rows, letters, ms })}\n`)

/** Rows of the file, but for the header, and the letters of their cells. */
async function parseAlone(file: string) {
  const counted = { rows: -1, letters: 0 }
  const parser = new Parser({ bom: true, record_delimiter: ['\r\n', '\n', '\r'] })
  for await (const record of createReadStream(file).pipe(parser)) {
    counted.rows += 1
    for (const cell of record as string[]) counted.letters += cell.length
  }
  return counted
}

/** Rows of the file with what a landing takes of each: the referral, and the cells beside it. */
async function readAsImport(file: string) {
  const counted = { rows: 0, letters: 0 }
  const scanned = await scanFile({ name: file, open: async () => createReadStream(file) })
  try {
    for await (const { referral, restricted } of readRows(scanned)) {
      if (referral === null) continue
      counted.rows += 1
      for (const name in restricted) counted.letters += restricted[name]?.length ?? 0
    }
  } finally {
    await scanned.spool.close()
  }
  return counted
}
