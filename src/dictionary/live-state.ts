import { sql } from 'kysely'
import { codeOf, type Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { Catalog } from './read-catalog.ts'

/** What the warehouse holds at the moment, for the page that is opened beside it. */
export interface LiveState {
  /** Rows by qualified name; a relation that could not be counted is left out. */
  readonly rows: ReadonlyMap<string, RowCount>
  readonly accounts: readonly AccountState[]
}

export interface RowCount {
  readonly count: number
  /** False for what the server itself estimates, of a table too large to count in time. */
  readonly isExact: boolean
}

/** One account as `mart.load_status` has it; instants in UTC, cut to minutes. */
export interface AccountState {
  readonly account_name: string
  readonly is_active: boolean
  /** Null before the first run. */
  readonly published_at: string | null
  readonly watermark_to: string | null
  readonly quarantined_referral_count: number
}

/** Longest count of one relation: a page about a hundred of them should not take minutes. */
const countTimeoutMs = 1_000

/** SQLSTATE query_canceled, which a timeout is, and insufficient_privilege. */
const uncounted = ['57014', '42501']

/** Counts the rows of every relation as far as time and rights allow, and reads the freshness. */
export async function readLiveState(
  query: Kysely<Database>,
  { relations }: Catalog,
): Promise<LiveState> {
  const rows = new Map<string, RowCount>()
  for (const { name } of relations) {
    const found = (await countRows(query, name)) ?? (await estimateRows(query, name))
    if (found !== null) rows.set(name, found)
  }
  return { rows, accounts: await readAccounts(query) }
}

async function countRows(query: Kysely<Database>, name: string): Promise<RowCount | null> {
  try {
    return await query.transaction().execute(async (transaction) => {
      await sql`set local statement_timeout = ${sql.lit(countTimeoutMs)}`.execute(transaction)
      const { rows } = await sql<{ count: string }>`
        select count(*)::text as count from ${sql.table(name)}
      `.execute(transaction)
      return { count: Number(rows[0]?.count), isExact: true }
    })
  } catch (error) {
    if (uncounted.includes(codeOf(error))) return null
    throw error
  }
}

/** Rows at the last ANALYZE; null for views, and for a table that was never analysed. */
async function estimateRows(query: Kysely<Database>, name: string): Promise<RowCount | null> {
  const { rows } = await sql<{ count: number }>`
    select reltuples::float8 as count
    from pg_catalog.pg_class
    where oid = to_regclass(${name}) and relkind = 'r' and reltuples >= 0
  `.execute(query)
  const [found] = rows
  return found === undefined ? null : { count: Math.round(found.count), isExact: false }
}

async function readAccounts(query: Kysely<Database>): Promise<readonly AccountState[]> {
  const minute = (column: 'published_at' | 'watermark_to') =>
    sql`to_char(${sql.ref(column)} at time zone 'utc', 'YYYY-MM-DD HH24:MI')`
  const { rows } = await sql<AccountState>`
    select
      account_name,
      is_active,
      ${minute('published_at')} as published_at,
      ${minute('watermark_to')} as watermark_to,
      quarantined_referral_count::integer as quarantined_referral_count
    from mart.load_status
    order by partner_account_key
  `.execute(query)
  return rows
}
