import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'

/** Payload as fetched, without people; JSON as text. */
export interface LandedPayload {
  readonly resource_type: 'referral' | 'referral_absence' | 'referral_presence'
  readonly resource_id: string
  readonly payload_hash: string
  readonly observed_at: string
  /** Request id of the response that brought it. */
  readonly source_ref: string
  readonly source_updated_at: string | null
  readonly source_updated_text: string | null
  readonly payload: string
  readonly people: string
}

export interface LandedPage {
  readonly runId: number
  readonly windowNo: number
  readonly landings: readonly LandedPayload[]
  /** Position at which an interrupted read resumes after this page; null after the last one. */
  readonly resumeAt?: string | null
}

/**
 * Lands one page: the versions that differ from the latest one of their resource, their people part
 * and the progress of the window, in one transaction. Returns how many versions were new. An
 * unchanged payload costs one index probe and writes no row of `raw` or `pii`.
 */
export function landPage(
  query: Kysely<Database>,
  lease: Lease,
  page: LandedPage,
): Promise<{ changed: number }> {
  const column = (name: keyof LandedPayload) => page.landings.map((landing) => landing[name])
  const account = lease.partnerAccountKey
  const position =
    page.resumeAt === undefined
      ? sql``
      : sql`resume_at = ${page.resumeAt},
          window_status = ${page.resumeAt === null ? 'done' : 'running'},`
  let complete: { changed: number; pages: number } | undefined
  const land = async (transaction: Transaction<Database>) => {
    const landed = await sql<{ landed: number }>`
      with fetched as (
        select *
        from unnest(${column('resource_type')}::text[], ${column('resource_id')}::text[],
          ${column('payload_hash')}::text[], ${column('source_updated_at')}::timestamptz[],
          ${column('source_updated_text')}::text[], ${column('payload')}::text[],
          ${column('people')}::text[], ${column('observed_at')}::timestamptz[],
          ${column('source_ref')}::text[]) with ordinality
          as f (resource_type, resource_id, payload_hash, source_updated_at, source_updated_text,
            payload, people, observed_at, source_ref, position)
      ),
      compared as (
        select f.*, coalesce(latest.version_no, 0) as latest_version_no,
          coalesce(lag(f.payload_hash) over same_resource, latest.payload_hash) as previous_hash
        from fetched f
        left join lateral (
          select p.version_no, p.payload_hash
          from raw.payload p
          where p.partner_account_key = ${account}
            and p.resource_type = f.resource_type
            and p.resource_id = f.resource_id
          order by p.version_no desc
          limit 1
        ) latest on true
        window same_resource as (partition by f.resource_type, f.resource_id order by f.position)
      ),
      numbered as (
        select c.*, c.latest_version_no
          + row_number() over (partition by c.resource_type, c.resource_id order by c.position)
          as version_no
        from compared c
        where c.payload_hash is distinct from c.previous_hash
      ),
      people as (
        insert into pii.payload
          (partner_account_key, resource_type, resource_id, version_no, people)
        select ${account}, n.resource_type, n.resource_id, n.version_no, n.people::jsonb
        from numbered n
      ),
      landed as (
        insert into raw.payload
          (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
            source_updated_at, source_updated_text, source_ref, run_id, payload)
        select ${account}, n.resource_type, n.resource_id, n.version_no,
          n.observed_at, n.payload_hash, n.source_updated_at, n.source_updated_text,
          n.source_ref, ${page.runId}, n.payload::jsonb
        from numbered n
        order by n.resource_type, n.resource_id, n.version_no
        returning 1
      )
      select count(*) as landed from landed`.execute(transaction)
    const counted = await sql<{ page_count: number }>`
      update etl.extract_window
      set page_count = page_count + 1,
          referral_count = referral_count + ${page.landings.length},
          ${position}
          updated_at = clock_timestamp()
      where run_id = ${page.runId} and window_no = ${page.windowNo}
      returning page_count`.execute(transaction)
    const pages = counted.rows[0]?.page_count
    if (pages === undefined) throw new Error(`run ${page.runId} has no window ${page.windowNo}`)
    await sql`
      insert into stg.listed_referral
        (partner_account_key, run_id, window_no, page_no, row_no, resource_id)
      select ${account}, ${page.runId}, ${page.windowNo}, ${pages}, listed.row_no, listed.resource_id
      from unnest(${column('resource_id')}::text[]) with ordinality as listed (resource_id, row_no)
    `.execute(transaction)
    complete = { changed: landed.rows[0]?.landed ?? 0, pages }
    return complete
  }
  // Pages are landed one after the other, so their count shows whether this one was.
  const findCommitted = async (transaction: Transaction<Database>) => {
    const window = await transaction
      .selectFrom('etl.extract_window')
      .select('page_count')
      .where('run_id', '=', page.runId)
      .where('window_no', '=', page.windowNo)
      .executeTakeFirst()
    const isLanded = complete !== undefined && complete.pages <= (window?.page_count ?? 0)
    return isLanded ? complete : undefined
  }
  return fencedTransaction(query, lease, land, findCommitted)
}

/** Records the window that a run reads, before its first page. */
export async function beginWindow(
  query: Kysely<Database>,
  window: { runId: number; windowNo: number; from: string; to: string; resumeAt?: string | null },
) {
  await query
    .insertInto('etl.extract_window')
    .values({
      run_id: window.runId,
      window_no: window.windowNo,
      filter_from: window.from,
      filter_to: window.to,
      resume_at: window.resumeAt ?? null,
      page_count: 0,
      referral_count: 0,
      window_status: 'running',
      updated_at: sql`clock_timestamp()`,
    })
    .execute()
}
