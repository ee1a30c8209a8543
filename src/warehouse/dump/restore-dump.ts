import { createReadStream } from 'node:fs'
import { pipeline as connect, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { from as copyFrom } from 'pg-copy-streams'
import { CosellError } from '../../errors.ts'
import type { Warehouse } from '../connection/database.ts'
import { advanceSequences } from '../migrate/sequences.ts'
import {
  copyText,
  type DumpedTable,
  type DumpHeader,
  type DumpTrailer,
  endOfRows,
  readDumpedTables,
  readMigrations,
} from './dump-format.ts'
import type { MovedRows } from './write-dump.ts'

/**
 * Fills an empty warehouse with a dump of `writeDump`, in one transaction: it has all rows afterwards, or
 * none.
 *
 * @throws CosellError `warehouse.not_empty`, `warehouse.dump_schema` when the schema has other
 *   migrations, `warehouse.dump_unreadable` for a file that is no dump, or only part of one.
 */
export async function restoreDump(
  { query, pool }: Pick<Warehouse, 'query' | 'pool'>,
  file: string,
  onTable: (table: string) => void,
): Promise<MovedRows> {
  const text = createGunzip()
  // Whoever reads the text meets the error.
  connect(createReadStream(file), text, () => undefined)
  const lines = new Lines(text, file)
  const client = await pool.connect()
  let isDone = false
  try {
    const header = parseHeader(await lines.next(), file)
    refuseOtherSchema(header, await readMigrations(query), file)
    const known = await readDumpedTables(query)
    const tables = header.tables.map((table) => checked(table, known, file))
    await client.query('begin')
    await client.query('set local statement_timeout = 0')
    await refuseRows(client)
    await client.query(`truncate ${tables.map(({ table }) => table).join(', ')} cascade`)
    // The rows held all foreign keys where they came from; tables come in the order of their names.
    await client.query("set local session_replication_role = 'replica'")
    const counts: Record<string, number> = {}
    for (const table of tables) {
      onTable(table.table)
      const statement = await lines.next()
      if (statement !== `${copyText(table)} from stdin;`) throw unreadable(file, table.table)
      const into = client.query(copyFrom(`${copyText(table)} from stdin`))
      await pipeline(Readable.from(lines.untilEnd()), into)
      counts[table.table] = into.rowCount
    }
    const { rows } = parseTrailer(await lines.next(), file)
    for (const { table } of tables) {
      if (rows[table] !== counts[table]) throw unreadable(file, table)
    }
    await client.query('commit')
    isDone = true
    await advanceSequences(query)
    await client.query(`analyze ${tables.map(({ table }) => table).join(', ')}`)
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return { tables: tables.length, rows: all }
  } finally {
    client.release(!isDone)
  }
}

/** @throws CosellError when the warehouse has an account or a run. */
async function refuseRows(client: { query(text: string): Promise<{ rows: { held: string }[] }> }) {
  const { rows } = await client.query(`
    select concat_ws(' and ',
      case when exists (select from dw.dim_partner_account) then 'accounts' end,
      case when exists (select from etl.run) then 'runs' end) as held`)
  const held = rows[0]?.held ?? ''
  if (held === '') return
  const text =
    `Expected an empty warehouse, got one with ${held}. Nothing was restored: give COSELL_HOME another ` +
    'folder, or move the present one away.'
  throw new CosellError('warehouse.not_empty', text)
}

function refuseOtherSchema(
  { migrations, version }: DumpHeader,
  own: readonly string[],
  file: string,
) {
  if (migrations.join() === own.join()) return
  const text =
    `${file}: expected a dump of a schema up to ${own.at(-1)}, got one up to ${migrations.at(-1)}, which ` +
    `cosell ${version} wrote. Restore it with that version, then upgrade; or dump again with this one.`
  throw new CosellError('warehouse.dump_schema', text)
}

/** The same migrations have the same tables; anything else is no statement of ours. */
function checked(table: DumpedTable, known: readonly DumpedTable[], file: string): DumpedTable {
  const own = known.find((one) => one.table === table.table)
  if (own === undefined || own.columns.join() !== table.columns.join()) {
    throw unreadable(file, table.table)
  }
  return own
}

function parseHeader(line: string | undefined, file: string): DumpHeader {
  const header = parsed<Partial<DumpHeader>>(line, file)
  if (header.cosell_dump !== 1 || header.migrations === undefined || header.tables === undefined) {
    throw unreadable(file, 'its first line')
  }
  return header as DumpHeader
}

function parseTrailer(line: string | undefined, file: string): DumpTrailer {
  const trailer = parsed<Partial<DumpTrailer>>(line, file)
  if (trailer.rows === undefined) throw unreadable(file, 'its last line')
  return { rows: trailer.rows }
}

function parsed<T extends object>(line: string | undefined, file: string): T {
  try {
    const value: unknown = JSON.parse(line ?? '')
    if (typeof value === 'object' && value !== null) return value as T
  } catch {
    // Falls through: the same answer for text that is no JSON and JSON that is no object.
  }
  throw unreadable(file, 'a line of JSON')
}

function unreadable(file: string, where: string, cause?: unknown): CosellError {
  const reason = cause instanceof Error ? ` (${cause.message})` : ''
  const text =
    `${file}: expected a whole dump of \`cosell warehouse --dump\`, got one that breaks at ${where}${reason}. ` +
    'Nothing was restored: copy the file again, or dump again.'
  return new CosellError('warehouse.dump_unreadable', text, { cause })
}

/** Lines of a dump, and between them the rows of a table in larger pieces. */
class Lines {
  readonly #chunks: AsyncIterator<Buffer>
  #rest = Buffer.alloc(0)

  constructor(
    chunks: AsyncIterable<Buffer>,
    private readonly file: string,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** The next line, without its end; undefined when there is none. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const at = this.#rest.indexOf('\n')
      if (at >= 0) return this.#take(at + 1).toString('utf8', 0, at)
      if (!(await this.#read())) return undefined
    }
  }

  /** The rows up to the line that ends them, which is taken too. */
  async *untilEnd(): AsyncGenerator<Buffer> {
    const end = Buffer.from(`\n${endOfRows}\n`)
    if (await this.#startsWithEnd()) return
    for (;;) {
      const at = this.#rest.indexOf(end)
      if (at >= 0) {
        yield this.#take(at + 1)
        this.#take(end.length - 1)
        return
      }
      // The end may be cut in two by the pieces that are read.
      const sure = this.#rest.length - end.length
      if (sure > 0) yield this.#take(sure)
      if (!(await this.#read())) throw unreadable(this.file, 'its end')
    }
  }

  /** Takes the end of a table without rows. */
  async #startsWithEnd(): Promise<boolean> {
    const end = Buffer.from(`${endOfRows}\n`)
    while (this.#rest.length < end.length) {
      if (!(await this.#read())) throw unreadable(this.file, 'its end')
    }
    if (!this.#rest.subarray(0, end.length).equals(end)) return false
    this.#take(end.length)
    return true
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }

  async #read(): Promise<boolean> {
    try {
      const { value, done } = await this.#chunks.next()
      if (done === true) return false
      this.#rest = Buffer.concat([this.#rest, value])
      return true
    } catch (error) {
      throw unreadable(this.file, 'its bytes', error)
    }
  }
}
