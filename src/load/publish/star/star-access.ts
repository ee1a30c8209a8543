import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../../warehouse/tables.generated.ts'

/**
 * Way to the rows of the star that belong to the referrals of a publish: a probe of the whole key
 * for each referral, or one scan of the whole table. The planner does not choose, see
 * `prepareForBulk`.
 */
export type StarAccess = 'probe' | 'scan'

/** Scanning and hashing 300,000 referrals took 0.43 s, a probe for each of them 2.6 s. */
const scannedPerProbe = 6
/** Of `dw.fact_referral`, somewhat below the average, so that a star is not overrated. */
const bytesPerReferral = 300

/**
 * Returns the cheaper access for the referrals in a staging table, of one account or of all. Both
 * sizes are counted: the rows, and the file of the star, which needs no ANALYZE.
 */
export async function chooseAccess(
  transaction: Transaction<Database>,
  table: 'stg.dim_referral' | 'stg.referral_key',
  partnerAccountKey?: number,
): Promise<StarAccess> {
  const isOfAccount =
    partnerAccountKey === undefined ? sql`true` : sql`partner_account_key = ${partnerAccountKey}`
  const counted = await sql<{ is_small: boolean }>`
    select count(*) * ${scannedPerProbe}::integer
      < pg_relation_size('dw.fact_referral') / ${bytesPerReferral}::integer as is_small
    from ${sql.table(table)}
    where ${isOfAccount}`.execute(transaction)
  return counted.rows[0]?.is_small === true ? 'probe' : 'scan'
}

/**
 * `join` or `left join` of the rows of `table` for which `on` holds. `on` compares a unique key of
 * the table, or the first columns of one, with tables that are named before. What `also` compares is
 * left out of the probe: within it, an index by the account alone may look as good as the key.
 */
export function joinStar(
  access: StarAccess,
  kind: 'join' | 'left join',
  [table, alias]: readonly [TableName, string],
  on: RawBuilder<unknown>,
  also: RawBuilder<unknown> = sql`true`,
): RawBuilder<unknown> {
  const rows = sql`${sql.table(table)} ${sql.ref(alias)}`
  if (access === 'scan') return sql`${sql.raw(kind)} ${rows} on ${on} and ${also}`
  const columns = ['ctid', ...tables[table].columns].map((column) => sql.ref(`${alias}.${column}`))
  // OFFSET keeps the subquery one: otherwise it would become a join again.
  return sql`${sql.raw(kind)} lateral (
    select ${sql.join(columns)} from ${rows} where ${on} offset 0
  ) ${sql.ref(alias)} on ${also}`
}

/**
 * Option of a common table expression that comes before or behind a probe. Without it the planner may
 * put a join into the loop that only the probe belongs to, and repeat it for each referral. Behind a
 * scan there is no loop, and no reason to store the rows.
 */
export function storedFor(access: StarAccess): RawBuilder<unknown> {
  return sql.raw(access === 'probe' ? 'materialized' : 'not materialized')
}
