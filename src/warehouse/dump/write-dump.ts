import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { to as copyTo } from 'pg-copy-streams'
import { CosellError } from '../../errors.ts'
import { appVersion } from '../../version.ts'
import type { Warehouse } from '../connection/database.ts'
import {
  copyText,
  type DumpHeader,
  type DumpTrailer,
  endOfRows,
  readDumpedTables,
  readMigrations,
} from './dump-format.ts'

/** Rows by table of a dump or a restore, and what it made of them. */
export interface MovedRows {
  readonly tables: number
  readonly rows: number
}

/**
 * Writes everything that the warehouse holds into a file that only this account may read, as of one
 * moment. The file is renamed into place, so it is whole or not there.
 *
 * @throws CosellError `warehouse.dump_not_written` when the file cannot be written.
 */
export async function writeDump(
  { query, pool }: Pick<Warehouse, 'query' | 'pool'>,
  file: string,
  onTable: (table: string) => void,
): Promise<MovedRows> {
  const tables = await readDumpedTables(query)
  const header: DumpHeader = {
    cosell_dump: 1,
    made_at: new Date().toISOString(),
    version: appVersion,
    migrations: await readMigrations(query),
    tables,
  }
  const counts: Record<string, number> = {}
  const client = await pool.connect()
  const draft = `${file}.${process.pid}.draft`
  async function* lines(): AsyncGenerator<string | Buffer> {
    yield `${JSON.stringify(header)}\n`
    for (const table of tables) {
      onTable(table.table)
      yield `${copyText(table)} from stdin;\n`
      const copied = client.query(copyTo(`${copyText(table)} to stdout`))
      for await (const chunk of copied) yield chunk as Buffer
      counts[table.table] = copied.rowCount
      yield `${endOfRows}\n`
    }
    const trailer: DumpTrailer = { rows: counts }
    yield `${JSON.stringify(trailer)}\n`
  }
  let isDone = false
  try {
    await client.query('begin isolation level repeatable read read only')
    await client.query('set local statement_timeout = 0')
    // 'wx': a file that somebody else put there is not followed.
    const target = createWriteStream(draft, { flags: 'wx', mode: 0o600 })
    await once(target, 'open').catch(notWritten(file))
    await pipeline(Readable.from(lines()), createGzip(), target).catch(notWritten(file))
    await rename(draft, file).catch(notWritten(file))
    await client.query('commit')
    isDone = true
  } finally {
    client.release(!isDone)
    if (!isDone) await rm(draft, { force: true })
  }
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { tables: tables.length, rows }
}

/** Errors of the file system; those of the server go on as they are. */
function notWritten(file: string) {
  return (error: unknown): never => {
    if (!(error instanceof Error && 'syscall' in error && 'path' in error)) throw error
    const text =
      `Cannot write the dump to ${file}: ${error.message}. Name a file in a folder that this account may ` +
      'write, with room left.'
    throw new CosellError('warehouse.dump_not_written', text, { cause: error })
  }
}
