import { dayOfFile } from '../../csv/as-of.ts'
import type { DateOrder } from '../../csv/cell/dates.ts'
import type { LayoutName } from '../../csv/layout/column.ts'
import { readRows } from '../../csv/read-rows.ts'
import { type ScannedFile, scanFile } from '../../csv/scan-file.ts'
import { expandSources } from '../../csv/source/sources.ts'
import { CosellError } from '../../errors.ts'
import { applyReportingCurrency } from '../../exchange-rates/store.ts'
import { beginWindow } from '../../load/landing/land-page.ts'
import { checkReferralsAreNew, checkSource } from '../../load/runs/account-source.ts'
import { enterAccount } from '../../load/runs/accounts.ts'
import type { Lease } from '../../load/runs/lease.ts'
import { markExtracted } from '../../load/runs/ledger.ts'
import { readReference } from '../../load/runs/reference.ts'
import { countListed } from '../../load/staging/stage.ts'
import { analyzeGrown } from '../../warehouse/connection/analyze.ts'
import { withLease, withRun } from '../account-run.ts'
import { requireOnePlace } from '../accounts/accounts-in-force.ts'
import { refuseBesideDemo } from '../accounts/demo-account.ts'
import { forEachAccount } from '../accounts/for-each-account.ts'
import type { RunContext } from '../run-context.ts'
import { notAsked, type RunResult, type RunSummary, summarize } from '../run-summary.ts'
import { transformAndPublish } from '../transform-and-publish.ts'
import { type ImportAccount, importAccount } from './import-account.ts'
import { type LandedFiles, landFiles } from './land-files.ts'

export interface ImportRequest {
  /** Files, folders, zip archives, and `-` for standard input. */
  readonly paths: readonly string[]
  readonly standardInput: AsyncIterable<Uint8Array>
  /** Name of the account; the only one of the settings when left out. */
  readonly account?: string | undefined
  readonly dateOrder?: DateOrder | undefined
  /** Day on which the files were downloaded, as YYYY-MM-DD. */
  readonly asOf?: string | undefined
  /** Whether the files show all referrals of the account. */
  readonly isComplete?: boolean | undefined
}

/** What a file was taken for, and what became of its rows. */
export interface ImportedFile {
  readonly file: string
  readonly layout: LayoutName
  readonly title: string
  readonly encoding: string
  readonly separator: string
  readonly rows: number
  /** Rows whose content was not landed before. */
  readonly new_rows: number
  readonly quarantined_rows: number
  /** Cells that their rows were loaded without. */
  readonly bad_cells: number
}

/** Result of an import; `--json` ends with it. */
export interface ImportResult extends RunResult {
  readonly files: readonly ImportedFile[]
  readonly rows: number
  readonly new_rows: number
  readonly quarantined_rows: number
  readonly bad_cells: number
  /** Referrals of which only a part is known, such as a registration; they wait for the others. */
  readonly waiting: number
}

/** The first referrals of new files that are compared with those of other accounts. */
const comparedMax = 200
/** Start and end of the span in the ledger: files have none. */
const beginningOfTime = '2000-01-01T00:00:00Z'

/**
 * Loads files that were downloaded from Partner Center. All are recognised before anything is
 * written; then their rows are landed in one transaction, and published. The same files again, in any
 * order and number, write nothing.
 *
 * @throws CosellError `checkFailed` for a file that belongs to no layout, `usage` for one that cannot
 * be opened.
 */
export async function importFiles(
  context: RunContext,
  request: ImportRequest,
): Promise<ImportResult> {
  const { config, warehouse } = context
  await requireOnePlace(context)
  const account = importAccount(config, request.account)
  await refuseBesideDemo(warehouse.query, account)
  const files = await scanFiles(context, request)
  try {
    await applyReportingCurrency(warehouse.query, config.reportingCurrency)
    const key = await openAccount(context, account, files)
    let landed: LandedFiles | undefined
    const result = await forEachAccount(context, [account], (_, ofAccount) =>
      withLease(ofAccount, key, async (lease) => {
        const loaded = await loadFiles(ofAccount, lease, request, files)
        landed = loaded.landed
        return loaded.summary
      }),
    )
    return toResult(result, files, landed)
  } finally {
    for (const { spool } of files) await spool.close()
  }
}

/** Recognises all files, and says what each was taken for. */
async function scanFiles(
  { log, signal }: RunContext,
  { paths, standardInput, dateOrder, asOf }: ImportRequest,
): Promise<ScannedFile[]> {
  const files: ScannedFile[] = []
  try {
    for await (const source of expandSources(paths, standardInput)) {
      signal.throwIfAborted()
      log.progress({ phase: 'reading', part: source.name })
      const file = await scanFile(source, { dateOrder })
      files.push(file)
      dayOfFile(file, asOf)
      const { name, layout, rows, encoding, separator } = file
      const text = `${name}: ${layout.title}, ${rows} ${rows === 1 ? 'row' : 'rows'}`
      log.logger.info({ layout: layout.name, encoding, separator }, text)
      for (const notice of file.notices) log.logger.warn(notice)
    }
    if (files.length > 0) return files
    const text = `Expected a file to import, got none in ${paths.join(', ')}. Name the downloads.`
    throw new CosellError('import.nothing', text)
  } catch (error) {
    for (const { spool } of files) await spool.close()
    throw error
  }
}

/** Returns the key of the account; one that is new must not have another one's referrals. */
async function openAccount(
  { warehouse: { query } }: RunContext,
  account: ImportAccount,
  files: readonly ScannedFile[],
): Promise<number> {
  const stored = await checkSource(query, account.name, account.source)
  if (stored?.isLoaded !== true) {
    await checkReferralsAreNew(query, account.name, await firstReferrals(files))
  }
  return stored?.key ?? (await enterAccount(query, account, account.source, false))
}

async function firstReferrals(files: readonly ScannedFile[]): Promise<string[]> {
  const ids: string[] = []
  for (const file of files) {
    for await (const { referralId } of readRows(file)) {
      if (referralId !== null) ids.push(referralId)
      if (ids.length >= comparedMax) return ids
    }
  }
  return ids
}

interface Loaded {
  readonly summary: RunSummary
  readonly landed: LandedFiles
}

async function loadFiles(
  context: RunContext,
  lease: Lease,
  { asOf, isComplete = false }: ImportRequest,
  files: readonly ScannedFile[],
): Promise<Loaded> {
  const { query } = context.warehouse
  const { partnerAccountKey } = lease
  const reference = await readReference(query)
  const request = { lease, reference, mode: 'import', since: null, to: null } as const
  let landed: LandedFiles = { counts: [], written: 0 }
  const summary = await withRun(context, request, async (run) => {
    const { runId, startedAt } = run
    await beginWindow(query, { runId, windowNo: 1, from: beginningOfTime, to: startedAt })
    const given = { files: files.map((file) => ({ file, asOf })), isComplete }
    landed = await landFiles(run, given)
    const rows = landed.counts.reduce((sum, one) => sum + one.rows, 0)
    const newRows = landed.counts.reduce((sum, one) => sum + one.newRows, 0)
    await analyzeGrown(query, [
      ['raw.payload', newRows],
      ['pii.payload', newRows],
    ])
    const seen = await countListed(query, partnerAccountKey, runId)
    const none = { requests: 0, throttled: 0, listedTotal: null, knownTotal: null }
    const read = { ...none, seen, isComplete: false, principal: null }
    await markExtracted(query, runId, read)
    run.stopwatch.lap('extract_ms')
    const published = await transformAndPublish(run, {
      scope: 'unpublished',
      rowsRead: rows,
      watermark: null,
    })
    const counts = { ...notAsked, seen, landedRows: landed.written }
    return summarize(run, counts, published)
  })
  return { summary, landed }
}

function toResult(
  result: RunResult,
  files: readonly ScannedFile[],
  landed: LandedFiles | undefined,
): ImportResult {
  const imported = files.map(({ name, layout, encoding, separator }, at): ImportedFile => {
    const counts = landed?.counts[at]
    return {
      ...{ file: name, layout: layout.name, title: layout.title, encoding, separator },
      rows: counts?.rows ?? 0,
      new_rows: counts?.newRows ?? 0,
      quarantined_rows: counts?.quarantinedRows ?? 0,
      bad_cells: counts?.badCells ?? 0,
    }
  })
  const total = (name: 'rows' | 'new_rows' | 'quarantined_rows' | 'bad_cells') =>
    imported.reduce((sum, file) => sum + file[name], 0)
  return {
    files: imported,
    rows: total('rows'),
    new_rows: total('new_rows'),
    quarantined_rows: total('quarantined_rows'),
    bad_cells: total('bad_cells'),
    waiting: result.reconciliation.waiting,
    ...result,
  }
}
