import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** Latest backfill run of a window, and its progress. */
export interface BackfillAttempt {
  readonly run_id: number
  readonly run_status: string
  readonly filter_from: string
  readonly filter_to: string
  readonly window_status: string
  readonly resume_at: string | null
}

interface Span {
  readonly from: string
  readonly to: string
}

/**
 * Latest backfill run of each window that begins in the span. A run that died before it recorded
 * its window does not count: the run before it has the position.
 */
export async function listBackfillAttempts(
  query: Kysely<Database>,
  partnerAccountKey: number,
  { from, to }: Span,
): Promise<BackfillAttempt[]> {
  const attempts = await sql<BackfillAttempt>`
    select distinct on (w.filter_from, w.filter_to)
      run.run_id, run.run_status, w.filter_from, w.filter_to, w.window_status, w.resume_at
    from etl.run run
    join etl.extract_window w on w.run_id = run.run_id
    where run.partner_account_key = ${partnerAccountKey}
      and run.run_mode = 'backfill'
      and w.filter_from >= ${from}::timestamptz
      and w.filter_from < ${to}::timestamptz
    order by w.filter_from, w.filter_to, run.run_id desc`.execute(query)
  return attempts.rows
}

/** Number of referrals in the warehouse that a read of each span would return. */
export async function countKnown(
  query: Kysely<Database>,
  partnerAccountKey: number,
  by: 'created' | 'updated' | 'everything',
  spans: readonly Span[],
): Promise<number[]> {
  // A referral updated in the span may have been updated again since: only the start counts.
  const isInside = {
    created: sql`fact.created_at >= span.starts_at and fact.created_at < span.ends_at`,
    updated: sql`fact.updated_at >= span.starts_at`,
    everything: sql`fact.created_at < span.ends_at`,
  }[by]
  const counted = await sql<{ referrals: number }>`
    select (
      select count(*)
      from dw.fact_referral fact
      where fact.partner_account_key = ${partnerAccountKey} and ${isInside}
    ) as referrals
    from unnest(${spans.map(({ from }) => from)}::timestamptz[],
      ${spans.map(({ to }) => to)}::timestamptz[]) with ordinality
      as span (starts_at, ends_at, position)
    order by span.position`.execute(query)
  return counted.rows.map((row) => row.referrals)
}
