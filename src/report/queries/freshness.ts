import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** When an account was last brought up to date; both null before the first time. */
export interface LastPublish {
  readonly account: string
  readonly last_published_at: string | null
  readonly age_hours: number | null
}

/** Whether the database holds a warehouse. */
export async function hasSchema(query: Kysely<Database>): Promise<boolean> {
  const found = await sql<{ has_schema: boolean }>`
    select to_regclass('etl.run') is not null as has_schema`.execute(query)
  return found.rows[0]?.has_schema === true
}

/** The last publish of an account that may be extracted no more. */
export type KnownPublish = LastPublish & { readonly is_active: boolean }

/**
 * Reads when a run or an import last published each account. A rebuild and a backfill are left
 * out: they publish as well, and bring nothing of last night. None where there is no schema.
 */
export async function readLastPublishes(query: Kysely<Database>): Promise<KnownPublish[]> {
  if (!(await hasSchema(query))) return []
  const accounts = await sql<KnownPublish>`
    select account.account_code as account, account.is_active, latest.published_at as last_published_at,
      (extract(epoch from clock_timestamp() - latest.published_at) / 3600)::float8 as age_hours
    from dw.dim_partner_account account
    left join lateral (
      select max(run.published_at) as published_at
      from etl.run
      where run.partner_account_key = account.partner_account_key
        and run.run_status = 'published'
        and run.run_mode in ('incremental', 'full', 'import')
    ) latest on true
    order by account.partner_account_key`.execute(query)
  return accounts.rows
}

export interface Freshness {
  /** `stale` when an account is, or when there is none. */
  readonly status: 'fresh' | 'stale'
  readonly max_age_hours: number
  readonly accounts: readonly (LastPublish & { readonly is_stale: boolean })[]
}

/**
 * Compares the last publish of each active account, and of each `expected` one that the warehouse does not
 * have, with the oldest age that is well. 0 hours are always too old.
 */
export function judgeFreshness(
  published: readonly KnownPublish[],
  expected: readonly string[],
  maxAgeHours: number,
): Freshness {
  const known = new Set(published.map(({ account }) => account))
  const absent = expected
    .filter((account) => !known.has(account))
    .map((account) => ({ account, last_published_at: null, age_hours: null }))
  const active = published.flatMap(({ is_active, ...one }) => (is_active ? [one] : []))
  const accounts = [...active, ...absent].map(({ age_hours, ...one }) => {
    // The clock of a server that was set back, or of another that was restored to, may be behind.
    const age = age_hours === null ? null : Math.max(0, age_hours)
    return {
      ...one,
      age_hours: age === null ? null : Math.round(age * 1_000) / 1_000,
      is_stale: age === null || age >= maxAgeHours,
    }
  })
  const isStale = accounts.length === 0 || accounts.some(({ is_stale }) => is_stale)
  return { status: isStale ? 'stale' : 'fresh', max_age_hours: maxAgeHours, accounts }
}
