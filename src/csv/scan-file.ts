import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, type Options, Parser } from 'csv-parse'
import { CosellError } from '../errors.ts'
import { LatestDaySearch } from './as-of.ts'
import type { DateOrder } from './cell/dates.ts'
import { ConventionSearch, type Conventions, type ForcedConventions } from './conventions.ts'
import { type Recognition, recognise } from './layout/recognise.ts'
import { unknownLayout } from './layout/unknown-layout.ts'
import { type Encoding, FileDecoder } from './source/decode.ts'
import { type Dialect, findDialect, type Separator } from './source/dialect.ts'
import type { ImportSource } from './source/import-source.ts'
import { cellEnd, rowEnd, Spool } from './source/spool.ts'

type Known = Extract<Recognition, { isKnown: true }>

/** A file as its first pass found it; its rows wait in a spool. */
export interface ScannedFile extends Known {
  readonly name: string
  /** SHA-256 of the bytes, as hexadecimal digits. */
  readonly digest: string
  readonly encoding: Encoding
  readonly separator: Separator
  readonly conventions: Conventions
  /** Latest day that Partner Center itself wrote, as YYYY-MM-DD; null when there is none. */
  readonly latestDay: string | null
  /** Rows with a value. */
  readonly rows: number
  /** Sentences for people: columns that no layout has, and conventions that no cell proves. */
  readonly notices: readonly string[]
  /** Whether the last row alone lacks cells and a line end, as of a file that was cut off. */
  readonly isCutOff: boolean
  readonly spool: Spool
}

/** Longest row: a hundred cells of a spreadsheet's 32,767 letters. */
const rowBytesMax = 4 * 1024 * 1024
/** Longest beginning in which the first line has to end. */
const headLengthMax = 256 * 1024
const nameLengthMax = 60

/**
 * Reads a file once: finds encoding, separator, layout and conventions, and spools its rows. Memory
 * does not grow with the file.
 *
 * @throws CosellError `checkFailed` for an unknown header, bytes that are no text, quotes out of
 * place, and for dates or amounts in two conventions.
 */
export async function scanFile(
  source: ImportSource,
  forced: ForcedConventions = {},
): Promise<ScannedFile> {
  const spool = await Spool.open()
  try {
    return await scan(source, forced, spool)
  } catch (error) {
    await spool.close()
    throw error
  }
}

async function scan(
  source: ImportSource,
  forced: ForcedConventions,
  spool: Spool,
): Promise<ScannedFile> {
  const text = new DecodedFile(source)
  const { separator, skip } = await text.findDialect()
  const rows = new RowScan(source.name, spool, separator, forced, skip > 0 ? 2 : 1)
  const parser = new RowParser((record) => rows.take(record), {
    delimiter: separator,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    trim: true,
    max_record_size: rowBytesMax,
  })
  // No row comes out, but the end does.
  parser.resume()
  try {
    await pipeline(Readable.from(rows.spooled(text.chunks(skip))), parser)
  } catch (error) {
    throw error instanceof CsvError ? invalidCsv(error, source.name, rows.line) : error
  }
  const known = rows.known ?? unknownHeader(source.name, 1, [])
  await spool.flush()
  const conventions = rows.conventions()
  return {
    ...known,
    name: source.name,
    digest: text.digest(),
    encoding: text.encoding,
    separator,
    conventions,
    latestDay: rows.latestDay(conventions.dateOrder),
    notices: [...extrasNotice(source.name, known), ...conventions.notices],
    rows: rows.count,
    isCutOff: text.hasOpenEnd && rows.isLastAloneShort,
    spool,
  }
}

/**
 * Parser that hands each record over before it parses the next one, so that a failure finds the line
 * of its row. The option `on_record` does so too, at a tenth more time for what it says about each.
 */
class RowParser extends Parser {
  constructor(
    private readonly takeRecord: (record: readonly string[]) => void,
    options: Options,
  ) {
    super(options)
  }

  override push(record: readonly string[] | null): boolean {
    if (record === null) return super.push(null)
    if (this.destroyed) return false
    try {
      this.takeRecord(record)
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    return true
  }
}

/** Text of a file, of which the first line can be looked at before it is read. */
class DecodedFile {
  hasOpenEnd = false
  private readonly hash = createHash('sha256')
  private readonly decoder: FileDecoder
  private readonly decoded: AsyncGenerator<string | Buffer>
  private head = ''

  constructor(source: ImportSource) {
    this.decoder = new FileDecoder(source.name)
    this.decoded = this.decode(source)
  }

  get encoding(): Encoding {
    return this.decoder.encoding
  }

  /** Digest of all bytes, once they were read. */
  digest(): string {
    return this.hash.digest('hex')
  }

  async findDialect(): Promise<Dialect> {
    for (;;) {
      const { value, done } = await this.decoded.next()
      if (!done) this.head += value.toString()
      const isEnd = done === true || this.head.length > headLengthMax
      const dialect = findDialect(this.head, isEnd)
      if (dialect !== null) return dialect
    }
  }

  /** The text behind the first `skip` characters. */
  async *chunks(skip: number): AsyncGenerator<string | Buffer> {
    yield this.head.slice(skip)
    yield* this.decoded
  }

  private async *decode(source: ImportSource): AsyncGenerator<string | Buffer> {
    for await (const chunk of await source.open()) {
      this.hash.update(chunk)
      yield* this.noted(this.decoder.write(chunk))
    }
    yield* this.noted(this.decoder.end())
  }

  private *noted(text: string | Buffer): Generator<string | Buffer> {
    if (text.length === 0) return
    this.hasOpenEnd = !/[\r\n]$/.test(text.slice(-1).toString())
    yield text
  }
}

const lineEnds = /\r\n|\r|\n/g

/** Rows of the first pass: the header, what dates and amounts prove, and the spool. */
class RowScan {
  known: Known | undefined
  count = 0
  private shortRows = 0
  private isLastShort = false
  private search: ConventionSearch | undefined
  private days: LatestDaySearch | undefined

  constructor(
    private readonly file: string,
    private readonly spool: Spool,
    private readonly separator: Separator,
    private readonly forced: ForcedConventions,
    /** Line on which the next record begins. */
    public line: number,
  ) {}

  /** The text, with a pause after each piece for the rows that it held. */
  async *spooled(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<string | Buffer> {
    for await (const chunk of chunks) {
      yield chunk
      await this.spool.flushWhenLarge()
    }
  }

  take(record: readonly string[]): void {
    const text = record.join(cellEnd)
    // No cell has text when there is nothing but separators.
    if (text.length >= record.length) this.takeRow(record, text)
    // The parser's own count takes a CRLF inside of quotes for two lines.
    const inside = text.includes('\n') || text.includes('\r') ? text.match(lineEnds) : null
    this.line += 1 + (inside?.length ?? 0)
  }

  private takeRow(record: readonly string[], text: string): void {
    if (this.search === undefined) {
      const recognition = recognise(record)
      this.known = recognition.isKnown
        ? recognition
        : unknownHeader(this.file, this.line, record, recognition)
      this.search = new ConventionSearch(this.file, this.known.columns)
      this.days = new LatestDaySearch(this.known.layout, this.known.columns)
      return
    }
    this.count++
    this.isLastShort = record.length < (this.known?.width ?? 0)
    if (this.isLastShort) this.shortRows++
    this.search.take(record, this.line)
    this.days?.take(record)
    this.spool.appendText(`${text}${cellEnd}${this.line}${rowEnd}`)
  }

  get isLastAloneShort(): boolean {
    return this.isLastShort && this.shortRows === 1
  }

  conventions(): Conventions {
    if (this.search === undefined) throw new Error('the header was not read')
    return this.search.decide(this.separator, this.forced)
  }

  latestDay(order: DateOrder): string | null {
    return this.days?.decide(order) ?? null
  }
}

function unknownHeader(
  file: string,
  line: number,
  header: readonly string[],
  recognition = recognise(header),
): never {
  if (recognition.isKnown) throw new Error('the header is known')
  throw unknownLayout(file, line, header, recognition)
}

function extrasNotice(file: string, { extras, layout }: Known): string[] {
  if (extras.length === 0) return []
  const names = extras.map(({ name }) => JSON.stringify(name.slice(0, nameLengthMax)))
  return [
    `${file}: ${names.length === 1 ? 'a column is' : `${names.length} columns are`} not of the ` +
      `layout ${layout.title} and kept with the rows alone: ${names.join(', ')}.`,
  ]
}

function invalidCsv(error: CsvError, file: string, line: number): CosellError {
  const got =
    error.code === 'CSV_MAX_RECORD_SIZE' || error.code === 'CSV_QUOTE_NOT_CLOSED'
      ? 'a quote that is never closed'
      : `a quote out of its place (${error.code})`
  const text =
    `${file}:${line}: expected cells of CSV text, got ${got} in the row that begins here. ` +
    'Nothing was loaded; correct the row or download the file again, then run again.'
  return new CosellError('import.invalid', text, { cause: error })
}
