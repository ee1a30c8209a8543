import { rm } from 'node:fs/promises'
import path from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { checkAccountKnown, listAccounts } from '../load/runs/accounts.ts'
import type { Log } from '../log.ts'
import { makeFolders } from '../make-folders.ts'
import { appVersion } from '../version.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { csvWriter } from './csv-writer.ts'
import { DraftFile } from './draft-file.ts'
import {
  type ExportedAccount,
  type ExportedFile,
  type ExportFormat,
  type Manifest,
  manifestName,
} from './manifest.ts'
import { parquetWriter } from './parquet-writer.ts'
import { type ReadableTable, readTables, type TableChoice } from './readable-tables.ts'
import { decimalSums } from './sums.ts'
import { type TextRow, ValueNotStored } from './table-writer.ts'

export interface ExportRequest extends TableChoice {
  /** Folder to write to; made when it is missing. */
  readonly folder: string
  readonly format: ExportFormat
  /** Only the rows of this account; tables without accounts stay whole. */
  readonly account: string | undefined
  /** Only referrals that the source changed on this day or later; other tables stay whole. */
  readonly since: string | undefined
  /** Role to read as; undefined for the login itself. */
  readonly role: string | undefined
}

/** Rows that travel at a time. */
const fetchedRows = 2_000
const ownerOnly = 0o600
const asOfNewFiles = 0o666

/**
 * Writes one snapshot of the marts into a folder, one file a table, and a manifest beside them.
 * Files get their names when all are complete, in place of earlier ones; other files stay. Memory
 * does not grow with the rows.
 *
 * @throws CosellError `configuration` when the folder cannot be written or the role may not read,
 * `usage` for an unknown table or account, `bug` for a value that the files cannot hold.
 */
export async function exportTables(
  query: Kysely<Database>,
  request: ExportRequest,
  log: Log,
  signal: AbortSignal,
): Promise<Manifest> {
  const drafts: DraftFile[] = []
  try {
    await writing(request.folder, () => makeFolders(request.folder))
    const manifest = await query
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute((snapshot) => writeDrafts(snapshot, request, drafts, log, signal))
    await publishDrafts(request.folder, drafts, manifest)
    return manifest
  } finally {
    for (const draft of drafts) await draft.discard()
  }
}

async function writeDrafts(
  snapshot: Kysely<Database>,
  request: ExportRequest,
  drafts: DraftFile[],
  log: Log,
  signal: AbortSignal,
): Promise<Manifest> {
  if (request.role !== undefined)
    await sql`set local role ${sql.id(request.role)}`.execute(snapshot)
  // Compiling the expressions of a mart takes longer than they do.
  await sql`set local jit = off`.execute(snapshot)
  const tables = await readTables(snapshot, request)
  checkAccountKnown(request.account, await listAccounts(snapshot))
  const files: ExportedFile[] = []
  for (const [index, table] of tables.entries()) {
    const part = `${table.name}, ${index + 1} of ${tables.length}`
    files.push(
      await writeTable(snapshot, table, request, drafts, (rows) => {
        signal.throwIfAborted()
        log.progress({ phase: 'exporting', part, done: rows, unit: 'rows' })
      }),
    )
  }
  const { rows } = await sql<{ now: string }>`select now() as now`.execute(snapshot)
  return {
    cosell_version: appVersion,
    format: request.format,
    exported_at: rows[0]?.now ?? '',
    account: request.account ?? null,
    since: request.since ?? null,
    accounts: await readAccounts(snapshot, request.account),
    files,
  }
}

async function writeTable(
  snapshot: Kysely<Database>,
  table: ReadableTable,
  request: ExportRequest,
  drafts: DraftFile[],
  onRows: (rows: number) => void,
): Promise<ExportedFile> {
  const { name, columns } = table
  const file = `${name}.${request.format}`
  const target = path.join(request.folder, file)
  const mode = table.isOfPeople ? ownerOnly : asOfNewFiles
  const draft = await writing(target, () => DraftFile.open(target, mode))
  drafts.push(draft)
  const writer =
    request.format === 'csv'
      ? csvWriter(draft, columns)
      : parquetWriter(draft, columns, `cosell version ${appVersion}`)
  const sums = decimalSums(columns)
  let rows = 0
  for await (const fetched of readRows(snapshot, table, filterOf(table, request))) {
    await writing(target, () => writer.add(fetched))
    sums.add(fetched)
    rows += fetched.length
    onRows(rows)
  }
  await writing(target, () => writer.finish())
  const facts = await writing(target, () => draft.finish())
  return {
    file,
    table: name,
    rows,
    ...facts,
    is_whole: request.since === undefined || !has(table, referralKey),
    columns: columns.map((column) => ({ name: column.name, type: column.type })),
    sums: sums.total(),
  }
}

const accountKey = 'partner_account_key'
const referralKey = 'referral_key'

function has({ columns }: ReadableTable, name: string): boolean {
  return columns.some((column) => column.name === name)
}

function filterOf(table: ReadableTable, { account, since }: ExportRequest): RawBuilder<unknown> {
  const ofAccount = sql`${sql.ref(accountKey)} in (
    select account.partner_account_key from dw.dim_partner_account account
    where account.account_code = ${account})`
  // A referral whose day of change is unknown may have changed.
  const ofReferrals = sql`${sql.ref(referralKey)} in (
    select fact.referral_key from dw.fact_referral fact
    where coalesce(fact.updated_date >= ${since}::date, true))`
  return sql.join(
    [
      sql`true`,
      ...(account !== undefined && has(table, accountKey) ? [ofAccount] : []),
      ...(since !== undefined && has(table, referralKey) ? [ofReferrals] : []),
    ],
    sql` and `,
  )
}

/**
 * Reads a table through a cursor of SQL: each fetch is a statement of its own, so that a pooler and
 * the timeouts of the server see a reader that goes on.
 */
async function* readRows(
  snapshot: Kysely<Database>,
  { name, columns }: ReadableTable,
  filter: RawBuilder<unknown>,
): AsyncGenerator<TextRow[]> {
  const asText = columns.map(
    (column) => sql`${sql.ref(column.name)}::text as ${sql.id(column.name)}`,
  )
  const query = sql`select ${sql.join(asText)} from ${sql.table(name)} where ${filter}`
  await sql`declare exported no scroll cursor for ${query}`.execute(snapshot)
  for (;;) {
    const { rows } = await sql<Readonly<Record<string, string | null>>>`
      fetch ${sql.lit(fetchedRows)} from exported`.execute(snapshot)
    if (rows.length > 0) {
      yield rows.map((row) => columns.map((column) => row[column.name] ?? null))
    }
    if (rows.length < fetchedRows) break
  }
  await sql`close exported`.execute(snapshot)
}

async function readAccounts(
  snapshot: Kysely<Database>,
  account: string | undefined,
): Promise<ExportedAccount[]> {
  const { rows } = await sql<ExportedAccount>`
    select
      status.account_code as account,
      status.last_published_run_id as run_id,
      status.published_at,
      status.watermark_to as watermark
    from mart.load_status status
    where status.account_code = coalesce(${account ?? null}, status.account_code)
    order by status.partner_account_key`.execute(snapshot)
  return rows
}

/** Renames all drafts; without a manifest in between, so that none describes other files. */
async function publishDrafts(folder: string, drafts: DraftFile[], manifest: Manifest) {
  const target = path.join(folder, manifestName)
  await writing(target, async () => {
    const last = await DraftFile.open(target, asOfNewFiles)
    drafts.push(last)
    await last.write(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`))
    await last.finish()
    await rm(target, { force: true })
  })
  try {
    for (const draft of drafts) await draft.publish()
  } catch (error) {
    const text =
      `${folder}: expected files that can be replaced, got: ${reasonOf(error)}. Some files may be ` +
      `replaced already, and ${manifestName} is missing: correct that, and run the export again.`
    throw new CosellError('export.not_written', text, { cause: error })
  }
}

/** Runs a step of writing, whose failure names the file or folder. */
async function writing<T>(target: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof ValueNotStored) {
      const text = `${path.basename(target)}, column ${error.message}. Nothing was exported. Report it.`
      throw new CosellError('export.value', text, { cause: error })
    }
    const text =
      `${target}: expected a place to export to, got: ${reasonOf(error)}. Nothing was exported. Let this ` +
      'account write there, or name another folder: `cosell export DIR`.'
    throw new CosellError('export.not_written', text, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
