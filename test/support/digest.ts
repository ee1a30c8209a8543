import { type Kysely, sql } from 'kysely'
import { type Database, type TableName, tables } from '../../src/warehouse/tables.generated.ts'

/** Rows and a hash of them by table. */
export type Digest = Readonly<Record<string, string>>

const names = Object.keys(tables) as TableName[]

/** Natural keys behind the surrogates: two warehouses number the same members differently. */
const members: Readonly<Record<string, string>> = {
  partner_account_key: `(select account_code from dw.dim_partner_account m
    where m.partner_account_key = t.partner_account_key)`,
  referral_key: '(select referral_id from dw.dim_referral m where m.referral_key = t.referral_key)',
  customer_key:
    '(select profile_hash from dw.dim_customer m where m.customer_key = t.customer_key)',
  status_key: statusOf('status_key'),
  previous_status_key: statusOf('previous_status_key'),
  solution_key: `(select row(item_kind, solution_id) from dw.dim_solution m
    where m.solution_key = t.solution_key)`,
  tag_key: `(select row(tag_group, tag_type, tag_id) from dw.dim_tag m
    where m.tag_key = t.tag_key)`,
  seller_key: `(select seller_hash from dw.dim_seller m where m.seller_key = t.seller_key)`,
  engagement_key: `(select deal_id from dw.dim_engagement m
    where m.engagement_key = t.engagement_key)`,
  primary_referral_key: referralOf('primary_referral_key'),
  own_referral_key: referralOf('own_referral_key'),
  microsoft_referral_key: referralOf('microsoft_referral_key'),
  partner_referral_key: referralOf('partner_referral_key'),
  // Without the referral: the numbers of the registration and the line.
  registration_key: 't.registration_key % 1000',
  registration_line_key: 't.registration_line_key % 100000000',
  // The number of the run belongs to the past of the warehouse, the fact to its state.
  resolved_run_id: '(t.resolved_run_id is null)',
}

function referralOf(column: string): string {
  return `(select referral_id from dw.dim_referral m where m.referral_key = t.${column})`
}

function statusOf(column: string): string {
  return `(select row(referral_status, referral_substatus) from dw.dim_status m
    where m.status_key = t.${column})`
}

/** Runs belong to the past of the warehouse: every one of them is another row. */
const digested = /^(dw\.(?!fact_run$)|pii\.(contact|referral_text)$|etl\.(quarantine|enum_value)$)/
const history = /(^|_)run_id$|^attempts$/

/**
 * The state of the warehouse without surrogates, run numbers and, where `leaveOut` says so, other
 * columns, as `column` of every table or `table.column`.
 */
export async function digestState(
  db: Kysely<Database>,
  leaveOut: readonly string[] = [],
): Promise<Digest> {
  const digest: Record<string, string> = {}
  for (const name of names.filter((known) => digested.test(known))) {
    const columns: readonly string[] = tables[name].columns
    const isLeftOut = (column: string) =>
      [column, `${name}.${column}`, name].some((place) => leaveOut.includes(place)) ||
      `${name}.${column}` === 'dw.dim_partner_account.created_at' ||
      (history.test(column) && column !== 'resolved_run_id')
    const shown = columns
      .filter((column) => !isLeftOut(column))
      .map((column) => members[column] ?? `t.${column}`)
    if (shown.length > 0) digest[name] = await hashRows(db, name, `row(${shown.join(', ')})::text`)
  }
  return digest
}

/**
 * Row versions of `raw`, `pii` and `dw` and their places: differs after any write, a useless one too. Left out
 * is what names the latest run: the runs, and the findings, which say where they were last seen.
 */
export async function digestRowVersions(db: Kysely<Database>): Promise<Digest> {
  const digest: Record<string, string> = {}
  for (const name of names.filter((known) =>
    /^(raw|pii|dw)\.(?!fact_(run|finding)$)/.test(known),
  )) {
    digest[name] = await hashRows(db, name, 'row(t.xmin, t.ctid)::text')
  }
  return digest
}

async function hashRows(db: Kysely<Database>, name: TableName, shown: string): Promise<string> {
  const result = await sql<{ digest: string }>`
    select count(*) || ' rows ' || coalesce(md5(string_agg(shown, e'\n' order by shown)), '') as digest
    from (select ${sql.raw(shown)} collate "C" as shown from ${sql.table(name)} t) t`.execute(db)
  return result.rows[0]?.digest ?? ''
}

/** Rows of every table whose name matches. */
export async function countRows(db: Kysely<Database>, which: RegExp) {
  const counts: Record<string, number> = {}
  for (const name of names.filter((known) => which.test(known))) {
    const result = await sql<{ rows: number }>`
      select count(*) as rows from ${sql.table(name)}`.execute(db)
    counts[name] = result.rows[0]?.rows ?? 0
  }
  return counts
}
