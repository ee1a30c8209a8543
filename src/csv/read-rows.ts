import type { CellResult } from './cell/cell.ts'
import type { Fault, Problem } from './cell/problem.ts'
import { cellReader } from './cell/read-cell.ts'
import { cleanCell, postalCodeFault } from './cell/spreadsheet.ts'
import type { Column, LayoutName } from './layout/column.ts'
import type { BoundColumn } from './layout/recognise.ts'
import { type PartialReferral, type Places, ReferralDraft, ReferralShape } from './referral.ts'
import type { ScannedFile } from './scan-file.ts'
import { cellEnd, rowEnd } from './source/spool.ts'

/** One row of a file, typed. What a cell means does not depend on how the file was saved. */
export interface ImportedRow {
  readonly layout: LayoutName
  readonly file: string
  /** SHA-256 of the file. */
  readonly digest: string
  /** Line on which the row begins. */
  readonly line: number
  /** Id of the referral; null for a row that is quarantined for it. */
  readonly referralId: string | null
  /**
   * Cells with a value by canonical column name: dates as YYYY-MM-DD, amounts as plain decimals,
   * flags as Yes and No, other text as it is.
   */
  readonly cells: Readonly<Record<string, string>>
  /** Cells that only `pii` may hold: people, free text, unknown columns, and unreadable cells. */
  readonly restricted: Readonly<Record<string, string>>
  /** Messages of an upload that the row carries. */
  readonly errors: readonly string[]
  /** Null for a row that is quarantined. */
  readonly referral: PartialReferral | null
  readonly problems: readonly Problem[]
}

/** Yields the rows of a file in their order; can be called again. */
export async function* readRows(file: ScannedFile): AsyncGenerator<ImportedRow> {
  const readers = readersOf(file)
  let rows = 0
  for await (const pieces of file.spool.pieces(rowEnd)) {
    for (const piece of pieces) {
      rows++
      const record = piece.split(cellEnd)
      const line = Number(record.pop())
      const row = new TypedRow(file, readers, line)
      row.read(record)
      if (rows === file.rows && file.isCutOff) row.quarantine(cutOff(file.width, record.length))
      row.finish()
      yield row
    }
  }
}

/** Columns of a file with what reads their cells, and the place of the customer's country. */
interface Readers {
  readonly columns: readonly ColumnReader[]
  readonly countryAt: number
  readonly shape: ReferralShape
  /** Places of the columns that hold people or free text, and of the others. */
  readonly restricted: readonly number[]
  readonly open: readonly number[]
}

interface ColumnReader extends BoundColumn {
  readonly read: (cell: string) => CellResult
  readonly places: Places
}

function readersOf({ columns, conventions }: ScannedFile): Readers {
  const { dateOrder, decimals } = conventions
  const shape = new ReferralShape()
  const placesOf = (isRestricted: boolean) =>
    columns.flatMap(({ column }, at) => (column.isRestricted === isRestricted ? [at] : []))
  return {
    shape,
    restricted: placesOf(true),
    open: placesOf(false),
    columns: columns.map((bound) => {
      const decimal = decimals.get(bound.name) ?? 'point'
      const read = cellReader(bound.column, { dateOrder, decimal })
      return { ...bound, read, places: shape.placesOf(bound.column) }
    }),
    countryAt: columns.find(({ name }) => name === 'Customer Country')?.index ?? -1,
  }
}

const noProblems: readonly Problem[] = []

/** Row that keeps its cells as a list: a third of all rows' time went into objects of them. */
class TypedRow implements ImportedRow {
  referralId: string | null = null
  referral: PartialReferral | null = null
  private readonly texts: (string | undefined)[]
  /** Cells that could not be read, and those of unknown columns. */
  private apart: Record<string, string> | null = null
  private readonly draft: ReferralDraft
  private faults: Problem[] | null = null
  private isQuarantined = false

  constructor(
    private readonly source: ScannedFile,
    private readonly readers: Readers,
    readonly line: number,
  ) {
    this.draft = new ReferralDraft(readers.shape)
    this.texts = new Array(readers.columns.length)
  }

  get layout(): LayoutName {
    return this.source.layout.name
  }

  get file(): string {
    return this.source.name
  }

  get digest(): string {
    return this.source.digest
  }

  get problems(): readonly Problem[] {
    return this.faults ?? noProblems
  }

  get cells(): Readonly<Record<string, string>> {
    return this.textsOf(this.readers.open)
  }

  get restricted(): Readonly<Record<string, string>> {
    const cells = this.textsOf(this.readers.restricted)
    return this.apart === null ? cells : Object.assign(cells, this.apart)
  }

  get errors(): readonly string[] {
    return messagesOf(this.restricted.Errors)
  }

  read(record: readonly string[]): void {
    const { columns, countryAt } = this.readers
    for (let at = 0; at < columns.length; at++) {
      const reader = columns[at] as ColumnReader
      const raw = record[reader.index]
      const cell = raw === undefined || raw === '' ? '' : cleanCell(raw)
      if (cell !== '') this.take(reader, at, cell, record[countryAt])
      else if (reader.column.isRequired) this.fail(reader.column, reader.name, missing)
    }
    for (const { index, name } of this.source.extras) {
      const cell = cleanCell(record[index] ?? '')
      if (cell !== '') this.keepApart(name, cell)
    }
    const { width } = this.source
    if (record.length <= width) return
    const beyond = record.slice(width).filter((cell) => cell.trim() !== '').length
    if (beyond > 0) this.quarantine(tooManyCells(width, width + beyond))
  }

  finish(): void {
    for (const column of this.draft.unpaired()) this.fail(column, column.name, unpaired)
    if (!this.isQuarantined) this.referral = this.draft.finish(this.source.layout, this)
  }

  quarantine(fault: Fault): void {
    this.report(fault, '', 'quarantined')
  }

  private take(reader: ColumnReader, at: number, cell: string, country = ''): void {
    const { column, name, places } = reader
    const read = reader.read(cell)
    if (typeof read === 'string' && column.kind !== 'postalCode') {
      this.texts[at] = read
      this.draft.add(places, read, read)
      if (column.isRequired) this.referralId = read
      return
    }
    const { text, value, fault } =
      typeof read === 'string' ? { text: read, value: read, fault: null } : read
    const ofCountry = column.kind === 'postalCode' ? postalCodeFault(text, country.trim()) : null
    if (fault !== null || ofCountry !== null) {
      this.fail(column, name, fault ?? (ofCountry as Fault))
      this.keepApart(name, cell)
    } else {
      this.texts[at] = text
    }
    if (value === null || ofCountry !== null) return
    this.draft.add(places, text, value)
    if (column.isRequired) this.referralId = text
  }

  private keepApart(name: string, cell: string): void {
    this.apart ??= {}
    this.apart[name] = cell
  }

  private textsOf(places: readonly number[]): Record<string, string> {
    const cells: Record<string, string> = {}
    for (const at of places) {
      const text = this.texts[at]
      if (text !== undefined) cells[(this.readers.columns[at] as ColumnReader).name] = text
    }
    return cells
  }

  private fail({ isRequired }: Column, column: string, fault: Fault): void {
    this.report(fault, column, isRequired ? 'quarantined' : 'loaded_without_value')
  }

  private report(fault: Fault, column: string, effect: Problem['effect']): void {
    if (effect === 'quarantined') this.isQuarantined = true
    this.faults ??= []
    this.faults.push({ ...fault, file: this.file, line: this.line, column, effect })
  }
}

const noMessages: readonly string[] = []

function messagesOf(errors: string | undefined): readonly string[] {
  if (errors === undefined) return noMessages
  return errors
    .split(';')
    .map((message) => message.trim())
    .filter((message) => message !== '')
}

const missing: Fault = {
  code: 'missing',
  expected: 'an id such as f7eaae47-0b84-4ac4-b4ea-5b2587d42cee',
  got: 'nothing',
  remedy: 'give it its id or remove the row, then import the file again',
}

const unpaired: Fault = {
  code: 'invalid',
  expected: 'as many values as in the column before it',
  got: 'another number',
  remedy: 'correct the cell, then import the file again',
}

function tooManyCells(width: number, cells: number): Fault {
  return {
    code: 'too_many_cells',
    expected: `${width} cells, as in the header`,
    got: `${cells}`,
    remedy: 'put cells with separators into quotes, then import the file again',
  }
}

function cutOff(width: number, cells: number): Fault {
  return {
    code: 'cut_off',
    expected: `${width} cells, as in the header`,
    got: `${cells} at the end of the file, which has no line end`,
    remedy: 'download the file again, as it seems to be cut off',
  }
}
