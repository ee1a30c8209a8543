import { type AliasedRawBuilder, type Expression, type RawBuilder, sql } from 'kysely'
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
 * Returns the cheaper access for the referrals in a staging table, of one account. Both
 * sizes are counted: the rows, and the file of the star, which needs no ANALYZE.
 */
export async function chooseAccess(
  transaction: Transaction<Database>,
  table: 'stg.dim_referral' | 'stg.referral_key',
  partnerAccountKey: number,
): Promise<StarAccess> {
  const isSmall = sql<boolean>`count(*) * ${scannedPerProbe}::integer
    < pg_relation_size('dw.fact_referral') / ${bytesPerReferral}::integer`
  const { is_small } = await transaction
    .selectFrom(table)
    .select(isSmall.as('is_small'))
    .where('partner_account_key', '=', partnerAccountKey)
    .executeTakeFirstOrThrow()
  return is_small ? 'probe' : 'scan'
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
  const star = starRows(access, [table, alias], on, also)
  return sql`${sql.raw(kind)} ${star.rows} on ${star.on}`
}

/** Rows of the star to join in a builder, and what to join them on: the parts of `joinStar`. */
export interface StarRows<T extends TableName, A extends string> {
  readonly rows: AliasedRawBuilder<Database[T], A>
  readonly on: RawBuilder<boolean>
}

/** Returns the rows of `table` for `innerJoin` and `leftJoin`; arguments as those of `joinStar`. */
export function starRows<T extends TableName, A extends string>(
  access: StarAccess,
  [table, alias]: readonly [T, A],
  on: RawBuilder<unknown>,
  also: RawBuilder<unknown> = sql`true`,
): StarRows<T, A> {
  if (access === 'scan') {
    const rows = sql<Database[T]>`${sql.table(table)}`
    return { rows: rows.as(alias), on: sql<boolean>`${on} and ${also}` }
  }
  const columns = ['ctid', ...tables[table].columns].map((column) => sql.ref(`${alias}.${column}`))
  // OFFSET keeps the subquery one: otherwise it would become a join again.
  const rows = sql<Database[T]>`lateral (
    select ${sql.join(columns)} from ${sql.table(table)} as ${sql.ref(alias)} where ${on} offset 0
  )`
  return { rows: rows.as(alias), on: sql<boolean>`${also}` }
}

/**
 * Option of a common table expression that comes before or behind a probe. Without it the planner may
 * put a join into the loop that only the probe belongs to, and repeat it for each referral. Behind a
 * scan there is no loop, and no reason to store the rows.
 */
export function storedFor(access: StarAccess): RawBuilder<unknown> {
  return sql.raw(access === 'probe' ? 'materialized' : 'not materialized')
}

/** Condition: a row of the changed table is at one of the places, `ctid`, that a query returns. */
export function isAt(places: Expression<{ ctid: string }>) {
  return sql<boolean>`ctid = any(array${places})`
}

/** A common table expression that a builder is about to define. */
interface NamedExpression<B> {
  materialized(): B
  notMaterialized(): B
}

/** Gives a common table expression of a builder the option of `storedFor`. */
export function stored<B>(access: StarAccess, named: NamedExpression<B>): B {
  return access === 'probe' ? named.materialized() : named.notMaterialized()
}
