import { CosellError } from '../errors.ts'
import { amountEvidence, type DecimalSign } from './cell/amounts.ts'
import { type DateOrder, dateEvidence } from './cell/dates.ts'
import { shown } from './cell/problem.ts'
import { cleanCell } from './cell/spreadsheet.ts'
import type { BoundColumn } from './layout/recognise.ts'
import type { Separator } from './source/dialect.ts'

/** What a person decides about a file; its own cells are then no proof. */
export interface ForcedConventions {
  readonly dateOrder?: DateOrder | undefined
}

/** How dates and amounts of a file are read. */
export interface Conventions {
  readonly dateOrder: DateOrder
  /** Decimal sign by the canonical name of each column of amounts. */
  readonly decimals: ReadonlyMap<string, DecimalSign>
  /** Sentences for people about what no cell proves. */
  readonly notices: readonly string[]
}

interface Place {
  readonly line: number
  readonly column: string
  readonly cell: string
}

/** First cell that proves each of two conventions, and how many can be read in both. */
class Proof<Convention extends string> {
  readonly first = new Map<Convention, Place>()
  either = 0

  note(evidence: Convention | 'either' | 'none', place: () => Place): void {
    if (evidence === 'none') return
    if (evidence === 'either') this.either++
    else if (!this.first.has(evidence)) this.first.set(evidence, place())
  }

  /** The only convention that is proven. */
  get proven(): Convention | undefined {
    return this.first.size === 1 ? [...this.first.keys()][0] : undefined
  }
}

const orderNames: Readonly<Record<DateOrder, string>> = {
  mdy: 'month/day/year',
  dmy: 'day/month/year',
}
const signNames: Readonly<Record<DecimalSign, string>> = {
  point: 'a decimal point',
  comma: 'a decimal comma',
}

/**
 * Search for the order of dates and the decimal signs of amounts over all rows of a file. One order
 * holds for all columns of dates, one sign for each column of amounts.
 */
export class ConventionSearch {
  private readonly dates: readonly BoundColumn[]
  private readonly amounts: readonly { readonly bound: BoundColumn; readonly proof: AmountProof }[]
  private readonly dateProof = new Proof<DateOrder>()

  constructor(
    private readonly file: string,
    columns: readonly BoundColumn[],
  ) {
    this.dates = columns.filter(({ column }) => column.kind === 'date')
    this.amounts = columns
      .filter(({ column }) => column.kind === 'amount')
      .map((bound) => ({ bound, proof: new Proof<DecimalSign>() }))
  }

  take(record: readonly string[], line: number): void {
    for (const { index, name } of this.dates) {
      const raw = record[index]
      if (raw === undefined || raw === '') continue
      const cell = cleanCell(raw)
      this.dateProof.note(dateEvidence(cell), () => ({ line, column: name, cell }))
    }
    for (const { bound, proof } of this.amounts) {
      const raw = record[bound.index]
      if (raw === undefined || raw === '') continue
      const cell = cleanCell(raw)
      proof.note(amountEvidence(cell), () => ({ line, column: bound.name, cell }))
    }
  }

  /**
   * Returns the conventions: the forced ones, those that a cell proves, or the documented ones. A
   * column of amounts without proof follows the other columns of the file, then its separator.
   *
   * @throws CosellError `checkFailed` when the cells prove both.
   */
  decide(separator: Separator, forced: ForcedConventions): Conventions {
    const notices: string[] = []
    const dateOrder = forced.dateOrder ?? this.dateOrder(notices)
    return { dateOrder, decimals: this.decimals(separator, notices), notices }
  }

  private dateOrder(notices: string[]): DateOrder {
    const { first, proven, either } = this.dateProof
    const [mdy, dmy] = [first.get('mdy'), first.get('dmy')]
    if (mdy !== undefined && dmy !== undefined) {
      throw twoConventions(
        this.file,
        'dates in one order',
        [`${orderNames.mdy} in ${placeOf(mdy)}`, `${orderNames.dmy} in ${placeOf(dmy)}`],
        'correct one of them or give --date-order',
      )
    }
    if (proven !== undefined) return proven
    if (either > 0) {
      notices.push(
        `${this.file}: no date proves the order of day and month. ${either} were read as ` +
          `documented, ${orderNames.mdy}; give --date-order dmy if they are ${orderNames.dmy}.`,
      )
    }
    return 'mdy'
  }

  private decimals(separator: Separator, notices: string[]): ReadonlyMap<string, DecimalSign> {
    for (const { proof } of this.amounts) this.rejectBoth(proof)
    const proven = new Set(this.amounts.flatMap(({ proof }) => proof.proven ?? []))
    const [only] = proven.size === 1 ? proven : []
    // A spreadsheet separates cells by semicolons where the comma is its decimal sign.
    const usual = separator === ';' ? 'comma' : 'point'
    return new Map(
      this.amounts.map(({ bound: { name }, proof }): [string, DecimalSign] => {
        if (proof.proven !== undefined) return [name, proof.proven]
        const sign = only ?? usual
        if (proof.either > 0) notices.push(this.amountNotice(name, proof.either, sign, only))
        return [name, sign]
      }),
    )
  }

  private rejectBoth({ first }: AmountProof): void {
    const [point, comma] = [first.get('point'), first.get('comma')]
    if (point === undefined || comma === undefined) return
    throw twoConventions(
      this.file,
      'amounts of a column with one decimal sign',
      [`${signNames.point} in ${placeOf(point)}`, `${signNames.comma} in ${placeOf(comma)}`],
      'correct one of them',
    )
  }

  private amountNotice(name: string, either: number, sign: DecimalSign, only: unknown): string {
    const reason = only === undefined ? 'as usual with its separator' : 'as other columns have it'
    return (
      `${this.file}: no amount of ${name} proves its decimal sign. ` +
      `${either} were read with ${signNames[sign]}, ${reason}.`
    )
  }
}

type AmountProof = Proof<DecimalSign>

function placeOf({ line, column, cell }: Place): string {
  return `line ${line} ${column} (${shown(cell)})`
}

function twoConventions(
  file: string,
  expected: string,
  got: readonly string[],
  remedy: string,
): CosellError {
  const text =
    `${file}: expected ${expected}, got ${got.join(' and ')}. ` +
    `Nothing was loaded; ${remedy}, then run again.`
  return new CosellError('import.two_conventions', text)
}
