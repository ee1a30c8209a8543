import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** The latest run of an account that ended, whether or not it published. */
export interface LatestRun {
  readonly account: string
  readonly run_mode: string
  readonly is_published: boolean
  readonly started_at: string
  readonly duration_seconds: number
  readonly requests: number
  readonly throttled: number
  readonly seen: number
  readonly changed: number
  /** Rows inserted, updated or deleted in `dw` and `pii`. */
  readonly rows_written: number
}

export async function readLatestRuns(query: Kysely<Database>): Promise<LatestRun[]> {
  const runs = await sql<LatestRun>`
    select distinct on (run.partner_account_key)
      account.account_code as account, run.run_mode,
      run.run_status = 'published' as is_published, run.started_at,
      extract(epoch from run.finished_at - run.started_at)::float8 as duration_seconds,
      run.request_count as requests, run.throttled_count as throttled,
      run.referral_seen_count as seen, run.referral_changed_count as changed,
      (
        select coalesce(sum(inserted_count + updated_count + deleted_count), 0)::bigint
        from etl.run_table
        where run_table.run_id = run.run_id
      ) as rows_written
    from etl.run
    join dw.dim_partner_account account
      on account.partner_account_key = run.partner_account_key
    where run.finished_at is not null
    order by run.partner_account_key, run.run_id desc`.execute(query)
  return runs.rows
}
