import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

export type RunMode = 'incremental' | 'full' | 'backfill' | 'import' | 'rebuild'

/**
 * State that earlier runs of an account left: the start of the next read, and the last full read.
 */
export interface AccountState {
  /**
   * Source time up to which everything is published, as `watermark_text`; `null` before the first
   * run.
   */
  readonly watermark: string | null
  readonly last_full_read_at: string | null
}

/** Principal of every access token that names none. */
export const unknownPrincipal = 'unknown'

/** Statuses of runs whose landed versions are not published yet. */
export const unpublishedStatuses = ['running', 'extracted', 'failed'] as const

export async function readAccountState(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<AccountState> {
  const published = query
    .selectFrom('etl.run')
    .where('partner_account_key', '=', partnerAccountKey)
    .where('run_status', '=', 'published')
  return published
    .select((is) => [
      is.fn.max(sql<string | null>`watermark_text collate "C"`).as('watermark'),
      is.fn.max('started_at').filterWhere('is_complete', '=', true).as('last_full_read_at'),
    ])
    .executeTakeFirstOrThrow()
}

export interface NewRun {
  readonly partnerAccountKey: number
  readonly mode: RunMode
  readonly from: string | null
  readonly to: string | null
  readonly appVersion: string
  readonly transformVersion: number
  /** Number of a run that is rolled back; the sequence gives one when left out. */
  readonly runId?: number
}

/** Numbers of referrals after the read of a run. */
export interface Totals {
  /** Length of the list of the API; null where the API does not show it. */
  readonly listedTotal: number | null
  /** Referrals that the principal was shown and did not miss; null when `listedTotal` is. */
  readonly knownTotal: number | null
}

/**
 * Number of listed referrals that the warehouse does not count, by the latest run of this principal
 * that knows both numbers; zero before the first one. It stays as it is while all is well, and may
 * differ from zero where the API counts what it does not list.
 */
export async function readUncountedTotal(
  query: Kysely<Database>,
  partnerAccountKey: number,
  principal: string,
): Promise<number> {
  const latest = await query
    .selectFrom('etl.run')
    .select(sql<number>`listed_total - known_total`.as('uncounted'))
    .where('partner_account_key', '=', partnerAccountKey)
    .where(sql`coalesce(principal, ${unknownPrincipal})`, '=', principal)
    .where('listed_total', 'is not', null)
    .where('known_total', 'is not', null)
    .orderBy('run_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return latest?.uncounted ?? 0
}

/** Records a run as `running` and returns its number. */
export function beginRun(query: Kysely<Database>, run: NewRun): Promise<number> {
  return inOneTransaction(query, async (transaction) => {
    const runId = await enterRun(transaction, run)
    await showRun(transaction, runId)
    return runId
  })
}

async function enterRun(transaction: Transaction<Database>, run: NewRun): Promise<number> {
  const begun = await transaction
    .insertInto('etl.run')
    .values({
      ...(run.runId === undefined ? {} : { run_id: run.runId }),
      partner_account_key: run.partnerAccountKey,
      run_mode: run.mode,
      run_status: 'running',
      filter_from: run.from,
      filter_to: run.to,
      started_at: sql`clock_timestamp()`,
      app_version: run.appVersion,
      transform_version: run.transformVersion,
    })
    .returning('run_id')
    .executeTakeFirstOrThrow()
  return begun.run_id
}

/** Records that an incremental run reads everything after all, with a window that begins at `from`. */
export function markFullRead(query: Kysely<Database>, runId: number, from: string) {
  return inOneTransaction(query, async (transaction) => {
    await transaction
      .updateTable('etl.run')
      .set({ run_mode: 'full', filter_from: null })
      .where('run_id', '=', runId)
      .execute()
    await transaction
      .updateTable('etl.extract_window')
      .set({ filter_from: from })
      .where('run_id', '=', runId)
      .execute()
    await showRun(transaction, runId)
  })
}

export interface Extracted extends Totals {
  readonly requests: number
  readonly throttled: number
  readonly seen: number
  readonly isComplete: boolean
  /** Principal that signed in; null when the access token names none. */
  readonly principal: string | null
}

export function markExtracted(query: Kysely<Database>, runId: number, extracted: Extracted) {
  return inOneTransaction(query, async (transaction) => {
    await transaction
      .updateTable('etl.run')
      .set({
        run_status: 'extracted',
        extracted_at: sql`clock_timestamp()`,
        request_count: extracted.requests,
        throttled_count: extracted.throttled,
        referral_seen_count: extracted.seen,
        is_complete: extracted.isComplete,
        principal: extracted.principal,
        listed_total: extracted.listedTotal,
        known_total: extracted.knownTotal,
      })
      .where('run_id', '=', runId)
      .execute()
    await transaction
      .updateTable('etl.extract_window')
      .set({ window_status: 'done', resume_at: null, updated_at: sql`clock_timestamp()` })
      .where('run_id', '=', runId)
      .execute()
    await showRun(transaction, runId)
  })
}

/** Why a run failed, and its requests until then. */
export interface Failed extends Pick<Extracted, 'requests' | 'throttled'> {
  readonly message: string
}

/**
 * Records why a run failed, and what it had asked and read. The next run publishes the versions that it
 * landed.
 */
export async function markFailed(query: Kysely<Database>, runId: number, failed: Failed) {
  // After its read a run knows the number, and the list may be cleared.
  const seen = sql<number>`
    case when run_status = 'running'
      then (
        select count(distinct listed.resource_id) from stg.listed_referral listed
        where listed.partner_account_key = run.partner_account_key and listed.run_id = run.run_id
      )
      else referral_seen_count
    end`
  await inOneTransaction(query, async (transaction) => {
    const failing = await transaction
      .updateTable('etl.run')
      .set({
        run_status: 'failed',
        finished_at: sql`clock_timestamp()`,
        request_count: failed.requests,
        throttled_count: failed.throttled,
        referral_seen_count: seen,
        error_message: failed.message,
      })
      .where('run_id', '=', runId)
      .where('run_status', '<>', 'published')
      .executeTakeFirstOrThrow()
    if (failing.numUpdatedRows > 0n) await showRun(transaction, runId)
  })
}

export interface Published {
  readonly partnerAccountKey: number
  readonly runId: number
  /** UTC with seven fraction digits. */
  readonly watermark: string | null
  readonly changed: number
  readonly quarantined: number
  readonly missing: number
  /** Only named referrals were published: other landed versions stay unpublished. */
  readonly isPartial: boolean
}

/**
 * Records at the end of a publish that the run, and all versions that other runs had landed, are
 * published.
 */
export async function markPublished(transaction: Transaction<Database>, run: Published) {
  if (!run.isPartial) {
    await transaction
      .updateTable('etl.run')
      .set({ run_status: 'abandoned' })
      .where('partner_account_key', '=', run.partnerAccountKey)
      .where('run_id', '<>', run.runId)
      .where('run_status', 'in', unpublishedStatuses)
      .execute()
    await transaction
      .updateTable('dw.fact_run')
      .set({ run_status: 'abandoned' })
      .where('partner_account_key', '=', run.partnerAccountKey)
      .where('run_id', '<>', run.runId)
      .where('run_status', 'in', unpublishedStatuses)
      .execute()
  }
  await transaction
    .updateTable('etl.run')
    // Asked for once: the clock may tick between two columns.
    .from(transaction.selectNoFrom(sql<string>`clock_timestamp()`.as('at')).as('publish'))
    .set(({ ref }) => ({
      run_status: 'published',
      published_at: ref('publish.at'),
      finished_at: ref('publish.at'),
      watermark_text: run.watermark,
      // The database would round the seventh digit, and so be ahead of the source.
      watermark_to: run.watermark?.replace(/\dZ$/, 'Z') ?? null,
      referral_changed_count: run.changed,
      referral_quarantined_count: run.quarantined,
      referral_missing_count: run.missing,
    }))
    .where('run_id', '=', run.runId)
    .execute()
  const held = await transaction
    .selectFrom('etl.quarantine')
    .select(({ fn }) => fn.countAll<number>().as('entries'))
    .where('partner_account_key', '=', run.partnerAccountKey)
    .where('resolved_run_id', 'is', null)
    .executeTakeFirstOrThrow()
  await showRun(transaction, run.runId, held.entries)
}

/**
 * Copies what readers may see of a run to `dw`. Without `held`, the entries in quarantine after a publish,
 * the number that is there stays. A run writes its own row, so a run that lost its lease does no harm.
 */
async function showRun(transaction: Transaction<Database>, runId: number, held?: number) {
  const key = ['partner_account_key', 'run_id'] as const
  const shown = ['run_mode', 'run_status', 'started_at', 'published_at', 'watermark_to'] as const
  await transaction
    .insertInto('dw.fact_run')
    .columns([...key, ...shown, 'quarantined_entry_count'])
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('etl.run')
        .select([...key, ...shown])
        .select(cast<number | null>(val(held ?? null), 'bigint').as('quarantined_entry_count'))
        .where('run_id', '=', runId)
        .orderBy('run_id'),
    )
    .onConflict((on) =>
      on.columns(key).doUpdateSet(({ ref }) => ({
        run_mode: ref('excluded.run_mode'),
        run_status: ref('excluded.run_status'),
        published_at: ref('excluded.published_at'),
        watermark_to: ref('excluded.watermark_to'),
        ...(held === undefined
          ? {}
          : { quarantined_entry_count: ref('excluded.quarantined_entry_count') }),
      })),
    )
    .execute()
}

/** The transaction of the caller, or one of its own, which is not retried: a run could begin twice. */
function inOneTransaction<T>(
  query: Kysely<Database>,
  use: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return query.isTransaction
    ? use(query as Transaction<Database>)
    : query.transaction().execute(use)
}

/** True when a publish committed. After a lost acknowledgement of COMMIT the ledger alone knows. */
export async function isPublished(query: Kysely<Database>, runId: number): Promise<boolean> {
  const run = await query
    .selectFrom('etl.run')
    .select('run_status')
    .where('run_id', '=', runId)
    .executeTakeFirst()
  return run?.run_status === 'published'
}
