import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'

export interface TableRows {
  readonly table: string
  readonly rows: number
}

/** Counts the rows of every table of the landing zone, the star and the restricted schema. */
export async function countRows(query: Kysely<Database>): Promise<TableRows[]> {
  const counted: TableRows[] = []
  for (const table of Object.keys(tables) as TableName[]) {
    if (!/^(dw|raw|pii)\./.test(table) || table === 'pii.secret') continue
    const result = await sql<{
      rows: number
    }>`select count(*) as rows from ${sql.table(table)}`.execute(query)
    counted.push({ table, rows: result.rows[0]?.rows ?? 0 })
  }
  return counted
}

/** Age of a sign-in, which the token store knows and the warehouse does not. */
export interface SignInStatus {
  /** When a person signed in; null when unknown. */
  readonly signed_in_at: string | null
  readonly sign_in_renewed_at: string | null
  /** Days since the last renewal. */
  readonly sign_in_idle_days: number | null
  /** Advice for a sign-in that is about to expire or has expired; null when it is fresh. */
  readonly sign_in_warning: string | null
}

const unknownSignIn: SignInStatus = {
  signed_in_at: null,
  sign_in_renewed_at: null,
  sign_in_idle_days: null,
  sign_in_warning: null,
}

export interface AccountStatus extends SignInStatus {
  readonly account: string
  /** False for an account that is extracted no more. */
  readonly is_active: boolean
  readonly watermark: string | null
  readonly last_published_at: string | null
  readonly age_hours: number | null
  readonly referrals: number
  readonly open_findings: number
  readonly open_quarantine: number
  /** Latest run that failed, unless a later one has published; null when all is well. */
  readonly failed_run_id: number | null
  readonly failure_message: string | null
  readonly runs: readonly RunRow[]
}

type PresentFailure = Pick<AccountStatus, 'failed_run_id' | 'failure_message'>

export interface RunRow {
  readonly run_id: number
  readonly run_mode: string
  readonly run_status: string
  readonly started_at: string
  readonly finished_at: string | null
  readonly referral_seen_count: number
  readonly referral_changed_count: number
  readonly referral_quarantined_count: number
  readonly error_message: string | null
}

const runsShown = 5

type StoredStatus = Omit<AccountStatus, 'runs' | keyof PresentFailure | keyof SignInStatus>

/**
 * Reads contents, freshness and last runs of each account. `signIns` are the sign-ins of the token
 * store, by name of the account.
 */
export async function readStatus(
  query: Kysely<Database>,
  signIns: ReadonlyMap<string, SignInStatus> = new Map(),
): Promise<AccountStatus[]> {
  const accounts = await sql<StoredStatus & { partner_account_key: number }>`
    select account.partner_account_key, account.account_code as account,
      account.is_active, published.watermark, published.last_published_at,
      round(extract(epoch from clock_timestamp() - published.last_published_at) / 3600, 1)::float8
        as age_hours,
      (select count(*) from dw.fact_referral fact
        where fact.partner_account_key = account.partner_account_key) as referrals,
      (select count(*) from dw.fact_finding finding
        where finding.partner_account_key = account.partner_account_key) as open_findings,
      (select count(*) from etl.quarantine q
        where q.partner_account_key = account.partner_account_key
          and q.resolved_run_id is null) as open_quarantine
    from dw.dim_partner_account account
    left join lateral (
      select max(run.watermark_to) as watermark, max(run.published_at) as last_published_at
      from etl.run
      where run.partner_account_key = account.partner_account_key
        and run.run_status = 'published'
    ) published on true
    order by account.partner_account_key`.execute(query)
  const statuses: AccountStatus[] = []
  for (const { partner_account_key, ...account } of accounts.rows) {
    const signIn = signIns.get(account.account) ?? unknownSignIn
    const runs = await readRuns(query, partner_account_key)
    statuses.push({ ...account, ...signIn, ...presentFailure(runs), runs })
  }
  return statuses
}

/** Returns the failure of the latest run that ended, when it failed; `runs` are latest first. */
export function presentFailure(
  runs: readonly Pick<RunRow, 'run_id' | 'run_status' | 'error_message'>[],
): PresentFailure {
  const ended = runs.find((run) => run.run_status === 'published' || run.error_message !== null)
  if (ended === undefined || ended.run_status === 'published') {
    return { failed_run_id: null, failure_message: null }
  }
  return { failed_run_id: ended.run_id, failure_message: ended.error_message }
}

/** Counts the referrals of an account that are not missing. */
export async function countPresent(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<number> {
  const counted = await query
    .selectFrom('dw.dim_referral')
    .select((is) => is.fn.countAll<number>().as('referrals'))
    .where('partner_account_key', '=', partnerAccountKey)
    .where('is_missing', '=', false)
    .executeTakeFirstOrThrow()
  return counted.referrals
}

function readRuns(query: Kysely<Database>, partnerAccountKey: number): Promise<RunRow[]> {
  return query
    .selectFrom('etl.run')
    .select([
      'run_id',
      'run_mode',
      'run_status',
      'started_at',
      'finished_at',
      'referral_seen_count',
      'referral_changed_count',
      'referral_quarantined_count',
      'error_message',
    ])
    .where('partner_account_key', '=', partnerAccountKey)
    .orderBy('run_id', 'desc')
    .limit(runsShown)
    .execute()
}
