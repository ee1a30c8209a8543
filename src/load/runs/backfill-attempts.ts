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
export function listBackfillAttempts(
  query: Kysely<Database>,
  partnerAccountKey: number,
  { from, to }: Span,
): Promise<BackfillAttempt[]> {
  return query
    .selectFrom('etl.run as run')
    .innerJoin('etl.extract_window as w', 'w.run_id', 'run.run_id')
    .distinctOn(['w.filter_from', 'w.filter_to'])
    .select([
      'run.run_id',
      'run.run_status',
      'w.filter_from',
      'w.filter_to',
      'w.window_status',
      'w.resume_at',
    ])
    .where('run.partner_account_key', '=', partnerAccountKey)
    .where('run.run_mode', '=', 'backfill')
    .where('w.filter_from', '>=', sql<string>`${from}::timestamptz`)
    .where('w.filter_from', '<', sql<string>`${to}::timestamptz`)
    .orderBy('w.filter_from')
    .orderBy('w.filter_to')
    .orderBy('run.run_id', 'desc')
    .execute()
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
    created: sql<boolean>`fact.created_at >= span.starts_at and fact.created_at < span.ends_at`,
    updated: sql<boolean>`fact.updated_at >= span.starts_at`,
    everything: sql<boolean>`fact.created_at < span.ends_at`,
  }[by]
  const span = sql<{ starts_at: string; ends_at: string; position: number }>`
    unnest(${spans.map(({ from }) => from)}::timestamptz[],
      ${spans.map(({ to }) => to)}::timestamptz[]) with ordinality`
  const counted = await query
    .selectFrom(span.as<'span'>(sql`span (starts_at, ends_at, position)`))
    .select(({ selectFrom }) =>
      selectFrom('dw.fact_referral as fact')
        .select(({ fn }) => fn.countAll<number>().as('referrals'))
        .where('fact.partner_account_key', '=', partnerAccountKey)
        .where(isInside)
        .$asScalar()
        .$notNull()
        .as('referrals'),
    )
    .orderBy('span.position')
    .execute()
  return counted.map((row) => row.referrals)
}
