import { sql } from 'kysely'
import { describeProblem, type Problem } from '../../csv/cell/problem.ts'
import { type ImportedRow, readRows } from '../../csv/read-rows.ts'
import { CosellError } from '../../errors.ts'
import { landAbsentFrom } from '../../load/landing/complete-set.ts'
import { type LandedCsvRow, landRows } from '../../load/landing/land-rows.ts'
import { storeMicrosoftAcv } from '../../load/landing/microsoft-acv.ts'
import { readAhead } from '../../load/landing/read-ahead.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import { Eraser } from '../../transform/pii/erased.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { keyedDigest } from '../land-pages.ts'
import type { Run } from '../run-context.ts'
import { type FileToLand, landingOf } from './to-landing.ts'

/** Files of one import, all recognised. */
export interface FilesToLand {
  readonly files: readonly FileToLand[]
  /** Whether the files show all referrals of the account. */
  readonly isComplete: boolean
}

/** What became of the rows of one file, or of all. */
export interface RowCounts {
  rows: number
  /** Rows that were not landed before. */
  newRows: number
  quarantinedRows: number
  /** Cells that their rows were loaded without. */
  badCells: number
}

export interface LandedFiles {
  /** By file, in their order. */
  readonly counts: readonly RowCounts[]
  /** Rows written to the landing zone. */
  readonly written: number
}

/** A row with its cells, as it was read and as it is landed. */
interface RowToLand {
  readonly row: ImportedRow
  readonly cells: ImportedRow['cells']
  readonly landing: LandedCsvRow
}

const rowsPerBatch = 500
/** Bad cells that are logged one by one. */
const problemsLoggedMax = 100

/**
 * Lands all files in one transaction, so that a killed import leaves nothing of them. Rows that are
 * there already are not landed again.
 *
 * @throws CosellError `checkFailed` when too many rows are unreadable, or too many referrals missing
 * from a complete set.
 */
export async function landFiles(run: Run, given: FilesToLand): Promise<LandedFiles> {
  const { warehouse, lease, runId } = run
  let complete: LandedFiles | undefined
  const land = async (transaction: Transaction<Database>) => {
    complete = await new FileLanding(run, transaction, given).land()
    return complete
  }
  // The window counts batches, and a file has a row at least.
  const findCommitted = async (transaction: Transaction<Database>) => {
    const window = await transaction
      .selectFrom('etl.extract_window')
      .select('page_count')
      .where('run_id', '=', runId)
      .executeTakeFirst()
    return (window?.page_count ?? 0) > 0 ? complete : undefined
  }
  return fencedTransaction(warehouse.query, lease, land, findCommitted)
}

class FileLanding {
  private readonly digest: (text: string) => string
  private readonly problems: Problem[] = []
  private problemCount = 0
  private written = 0
  private done = 0

  constructor(
    private readonly run: Run,
    private readonly transaction: Transaction<Database>,
    private readonly given: FilesToLand,
  ) {
    this.digest = keyedDigest(run.reference.secret)
  }

  async land(): Promise<LandedFiles> {
    const { transaction, given } = this
    // The only plan for a row is a probe of the primary key, whatever the statistics are.
    await sql`set local enable_seqscan = off`.execute(transaction)
    await sql`set local enable_bitmapscan = off`.execute(transaction)
    const counts: RowCounts[] = []
    for (const file of given.files) counts.push(await this.landFile(file))
    this.logProblems()
    checkReadable(counts, this.run.reference.settings)
    if (given.isComplete) this.written += await this.landAbsences()
    return { counts, written: this.written }
  }

  private async landFile(given: FileToLand): Promise<RowCounts> {
    const counts: RowCounts = { rows: 0, newRows: 0, quarantinedRows: 0, badCells: 0 }
    // The next rows are read while PostgreSQL takes the last ones.
    for await (const batch of readAhead(this.batchesOf(given))) {
      await this.landBatch(given, batch, counts)
    }
    return counts
  }

  private async *batchesOf(given: FileToLand): AsyncGenerator<readonly RowToLand[]> {
    const { erased } = this.run.reference
    const toLanding = landingOf(given, this.digest, new Eraser(erased, this.digest))
    let batch: RowToLand[] = []
    for await (const row of readRows(given.file)) {
      const { cells } = row
      batch.push({ row, cells, landing: toLanding(row, cells) })
      if (batch.length < rowsPerBatch) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  private async landBatch(
    { file, asOf }: FileToLand,
    batch: readonly RowToLand[],
    counts: RowCounts,
  ): Promise<void> {
    const { lease, runId, startedAt, signal, log } = this.run
    const { partnerAccountKey } = lease
    signal.throwIfAborted()
    for (const { row } of batch) this.note(row, counts)
    const landed = await landRows(this.transaction, {
      partnerAccountKey,
      runId,
      observedAt: startedAt,
      landings: batch.map(({ landing }) => landing),
    })
    counts.newRows += landed
    this.written += 2 * landed
    if (file.layout.name === 'insights_cosell') {
      const day = asOf ?? file.latestDay
      const rows = batch.flatMap(({ row, cells, landing }) => {
        const { referral, referralId } = row
        if (referral === null || referralId === null) return []
        return [{ referralId, cells, asOf: day, sourceRef: landing.source_ref }]
      })
      this.written += await storeMicrosoftAcv(this.transaction, { partnerAccountKey, runId, rows })
    }
    this.done += batch.length
    const total = this.given.files.reduce((sum, one) => sum + one.file.rows, 0)
    log.progress({ phase: 'landing', part: file.name, done: this.done, total, unit: 'rows' })
  }

  private note(row: ImportedRow, counts: RowCounts): void {
    counts.rows += 1
    if (row.referral === null) counts.quarantinedRows += 1
    for (const problem of row.problems) {
      if (problem.effect === 'loaded_without_value') counts.badCells += 1
      this.problemCount += 1
      if (this.problems.length < problemsLoggedMax) this.problems.push(problem)
    }
  }

  private logProblems(): void {
    const { logger } = this.run.log
    for (const problem of this.problems)
      logger.warn({ code: problem.code }, describeProblem(problem))
    const more = this.problemCount - this.problems.length
    if (more > 0) logger.warn({ count: more }, `${more} more cells or rows cannot be read`)
  }

  private landAbsences(): Promise<number> {
    const { lease, runId, reference } = this.run
    const days = this.given.files.map(({ file, asOf }) => asOf ?? file.latestDay ?? '')
    const day = days.reduce((latest, one) => (one > latest ? one : latest), '') || null
    const { partnerAccountKey } = lease
    return landAbsentFrom(this.transaction, {
      ...reference.settings,
      ...{ partnerAccountKey, runId, day },
    })
  }
}

function checkReadable(counts: readonly RowCounts[], limits: Run['reference']['settings']): void {
  const rows = counts.reduce((sum, one) => sum + one.rows, 0)
  const bad = counts.reduce((sum, one) => sum + one.quarantinedRows, 0)
  if (bad === 0) return
  const percent = (100 * bad) / rows
  const { quarantineCountMax, quarantinePercentMax } = limits
  const isAll = bad === rows && quarantinePercentMax < 100
  if (!isAll && (bad <= quarantineCountMax || percent <= quarantinePercentMax)) return
  const text =
    `${bad} of ${rows} rows cannot be read (${percent.toFixed(1)} %; at most ` +
    `${quarantinePercentMax} % or ${quarantineCountMax} are quarantined), so nothing was loaded. ` +
    'Correct the rows named above, then import the files again.'
  throw new CosellError('import.too_many_unreadable', text)
}
