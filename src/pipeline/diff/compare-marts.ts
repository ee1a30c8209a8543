import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { martKeys, ofRuns, plannedWithLoops } from './mart-keys.ts'

/** Sum of an amount in one currency, as decimal text; null for no amount. */
export interface AmountDifference {
  /** Null for an amount without one. */
  readonly currency: string | null
  readonly before: string | null
  readonly after: string | null
}

export interface ColumnDifference {
  readonly column: string
  /** Rows that are in the mart before and after, with another value. */
  readonly rows: number
  /** Of the rows that differ, added and removed ones too; empty for a column without money. */
  readonly amounts: readonly AmountDifference[]
  /** Up to ten ids. */
  readonly referrals: readonly string[]
}

export interface MartDifference {
  readonly mart: string
  readonly added: number
  readonly removed: number
  readonly changed: number
  readonly columns: readonly ColumnDifference[]
  /** Up to ten ids of referrals with an added or removed row. */
  readonly referrals: readonly string[]
}

/** A mart whose rows of one account were kept before the trial. */
export interface KeptMart {
  readonly mart: string
  readonly columns: readonly string[]
  readonly kept: RawBuilder<unknown>
}

/** Ids that are told of each difference. */
export const referralsMax = 10

/** Copies the marts, as they are for one account, into temporary tables of the transaction. */
export async function keepMarts(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
): Promise<KeptMart[]> {
  const { rows } = await sql<{ mart: string; columns: string[] }>`
    select view.relname::text as mart, array_agg(a.attname::text order by a.attnum) as columns
    from pg_catalog.pg_class view
    join pg_catalog.pg_attribute a on a.attrelid = view.oid and a.attnum > 0
    where view.relnamespace = 'mart'::regnamespace
      and view.relkind = 'v'
      and view.relname = any(${Object.keys(martKeys)}::text[])
    group by view.relname
    order by view.relname`.execute(transaction)
  const kept: KeptMart[] = []
  for (const { mart, columns } of rows) {
    const table = sql`${sql.id('pg_temp', `before_${mart}`)}`
    await chooseLoops(transaction, mart)
    await sql`
      create temporary table ${sql.id(`before_${mart}`)} on commit drop as
      select * from ${sql.id('mart', mart)}
      where partner_account_key = ${sql.lit(partnerAccountKey)}`.execute(transaction)
    kept.push({ mart, columns: columns.filter((name) => !ofRuns.has(name)), kept: table })
  }
  return kept
}

/** Compares a kept mart with the mart as it is now; undefined when no row differs. */
export async function compareMart(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  { mart, columns, kept }: KeptMart,
): Promise<MartDifference | undefined> {
  const all = sql.join(columns.map((name) => sql.ref(`r.${name}`)))
  const key = martKeys[mart]
  const text = sql`row(${key ? sql.join(key.map((name) => sql.ref(`r.${name}`))) : all})::text`
  // Equal rows are paired by number. The hash stands for a text that is slow to sort by.
  const hash = sql`hashtextextended(${text}, 0)`
  const paired = key
    ? sql`${text} as key_text, 1 as place`
    : sql`${hash} as key_text, row_number() over (partition by ${hash}) as place`
  const numbered = (rows: RawBuilder<unknown>) => sql`(
    select ${all}, true as is_there, ${paired}
    from ${rows} r where r.partner_account_key = ${sql.lit(partnerAccountKey)})`
  const pairs = columns.flatMap((name) => [
    sql`b.${sql.id(name)} as ${sql.id(`b_${name}`)}`,
    sql`a.${sql.id(name)} as ${sql.id(`a_${name}`)}`,
  ])
  const isOther = (name: string) =>
    sql`${sql.id(`b_${name}`)} is distinct from ${sql.id(`a_${name}`)}`
  const table = sql.id('pg_temp', `differs_${mart}`)
  const ofRow = (prefix: string) => sql.join(columns.map((name) => sql`${sql.id(prefix, name)}`))
  await chooseLoops(transaction, mart)
  await sql`
    create temporary table ${sql.id(`differs_${mart}`)} on commit drop as
    select b.is_there as was, a.is_there as is, ${sql.join(pairs)}
    from ${numbered(kept)} b
    full join ${numbered(sql`${sql.id('mart', mart)}`)} a
      on a.key_text = b.key_text and a.place = b.place
    where b.is_there is null or a.is_there is null
      or (${ofRow('b')}) is distinct from (${ofRow('a')})`.execute(transaction)
  const isChanged = sql`was and "is"`
  const counts = columns.map(
    (name) => sql`count(*) filter (where ${isChanged} and ${isOther(name)}) as ${sql.id(name)}`,
  )
  const { rows } = await sql<Record<string, number>>`
    select
      count(*) filter (where was is null) as "(added)",
      count(*) filter (where "is" is null) as "(removed)",
      count(*) filter (where ${isChanged}) as "(changed)",
      ${sql.join(counts)}
    from ${table}`.execute(transaction)
  const found = rows[0] ?? {}
  const count = (name: string) => found[name] ?? 0
  const [added, removed, changed] = [count('(added)'), count('(removed)'), count('(changed)')]
  if (added + removed + changed === 0) return undefined
  const examples = (where: RawBuilder<unknown>) =>
    readReferrals(transaction, { table, columns, where })
  const isWholeRow = added + removed > 0
  const differences: ColumnDifference[] = []
  for (const column of columns) {
    const amounts = column.endsWith('_amount')
      ? await readAmounts(transaction, table, columns, column)
      : []
    if (count(column) === 0 && amounts.length === 0) continue
    const referrals =
      count(column) === 0 ? [] : await examples(sql`${isChanged} and ${isOther(column)}`)
    differences.push({ column, rows: count(column), amounts, referrals })
  }
  const referrals = isWholeRow ? await examples(sql`was is null or "is" is null`) : []
  return { mart, added, removed, changed, columns: differences, referrals }
}

async function chooseLoops(transaction: Transaction<Database>, mart: string) {
  const loops = plannedWithLoops.has(mart) ? 'on' : 'off'
  await sql`set local enable_nestloop = ${sql.raw(loops)}`.execute(transaction)
}

/** Column with the currency of an amount; undefined for amounts in the reporting currency. */
function currencyOf(columns: readonly string[], amount: string): string | undefined {
  if (amount.includes('reporting')) return undefined
  const own = /^(sold|file|contract|registered_acv|first|before|after)_/.exec(amount)?.[1]
  const named = [`${own}_currency_code`, 'currency_code']
  return named.find((name) => columns.includes(name))
}

async function readAmounts(
  transaction: Transaction<Database>,
  table: RawBuilder<unknown>,
  columns: readonly string[],
  amount: string,
): Promise<AmountDifference[]> {
  const currency = currencyOf(columns, amount)
  const code = (side: string) =>
    currency === undefined ? sql`null::text` : sql`${sql.id(`${side}_${currency}`)}::text`
  const { rows } = await sql<AmountDifference>`
    select currency, sum(before)::text as before, sum(after)::text as after
    from (
      select ${code('b')} as currency, ${sql.id(`b_${amount}`)} as before, null::numeric as after
      from ${table}
      union all
      select ${code('a')}, null, ${sql.id(`a_${amount}`)} from ${table}
    ) sums
    group by currency
    having sum(before) is distinct from sum(after)
    order by currency`.execute(transaction)
  return rows
}

async function readReferrals(
  transaction: Transaction<Database>,
  part: {
    readonly table: RawBuilder<unknown>
    readonly columns: readonly string[]
    readonly where: RawBuilder<unknown>
  },
): Promise<string[]> {
  const has = (name: string) => part.columns.includes(name)
  const name = ['referral_id', 'primary_referral_id', 'referral_key'].find(has)
  if (name === undefined) return []
  const ofEither = (column: string) =>
    sql`coalesce(${sql.id(`a_${column}`)}, ${sql.id(`b_${column}`)})`
  const value = ofEither(name)
  const id =
    name === 'referral_key'
      ? sql`(
          select known.referral_id from dw.dim_referral known
          where known.referral_key = ${value}
            and known.partner_account_key = ${ofEither('partner_account_key')})`
      : value
  const { rows } = await sql<{ id: string }>`
    select distinct ${id} as id
    from ${part.table}
    where (${part.where}) and ${value} is not null and ${value}::text <> ''
    order by id
    limit ${sql.lit(referralsMax)}`.execute(transaction)
  return rows.flatMap(({ id }) => id ?? [])
}
