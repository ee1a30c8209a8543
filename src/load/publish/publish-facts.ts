import { expressionBuilder, type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { type Database, tables } from '../../warehouse/tables.generated.ts'
import { referralTables, type Surrogate, surrogates } from '../staging/stage-tables.ts'
import { joinStar, type StarAccess } from './star/star-access.ts'
import {
  deleteRemoved,
  mayHaveRows,
  nothingWritten,
  type Publication,
  type RowsWritten,
  sharedColumns,
  type UpsertPlan,
  upsertChanged,
} from './star/upsert.ts'

/** Brings the facts, bridges and people of the staged referrals to the staged state. */
export async function publishFacts(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten[]> {
  const written: RowsWritten[] = []
  for (const table of referralTables) {
    publication.announce?.(table.target)
    const plan = planUpsert(table, publication)
    const deleted = mayHaveRows(publication, 'stg.dim_referral')
      ? await deleteRemoved(transaction, plan, publication)
      : 0
    const upserted = mayHaveRows(publication, table.stage)
      ? await upsertChanged(transaction, plan, publication)
      : nothingWritten(table.target)
    written.push({ ...upserted, deleted })
  }
  return written
}

function planUpsert(
  { target, stage }: (typeof referralTables)[number],
  publication: Publication,
): UpsertPlan {
  const staged: readonly string[] = tables[stage].columns
  const columns: readonly string[] = tables[target].columns
  const found = Object.entries<Surrogate>(surrogates).filter(
    ([column, { natural }]) =>
      columns.includes(column) && Object.keys(natural).every((name) => staged.includes(name)),
  )
  const values: Map<string, RawBuilder<unknown>> = sharedColumns(target, stage, publication)
  values.set('referral_key', sql.ref('s.referral_key'))
  if (columns.includes('customer_key')) values.set('customer_key', sql.ref('s.customer_key'))
  for (const [column, { key }] of found) values.set(column, sql.ref(`${aliasOf(column)}.${key}`))
  const rows = expressionBuilder<Database>()
    .selectFrom(sql<Staged>`${sql.table(stage)}`.as('s'))
    .innerJoin('stg.referral_key as k', (join) =>
      join
        .onRef('k.partner_account_key', '=', 's.partner_account_key')
        .onRef('k.referral_no', '=', 's.referral_no'),
    )
    .select(staged.map((column) => sql.ref(`s.${column}`).as(column)))
    .select(['k.referral_key', 'k.customer_key'])
    .where('s.partner_account_key', '=', publication.partnerAccountKey)
  const key: readonly string[] = tables[target].key
  const ofKey = found.filter(([column]) => key.includes(column))
  return {
    target,
    stage,
    key,
    rows,
    values,
    joins: found.map((surrogate) => joinDimension(publication.access, surrogate)),
    keyJoins: ofKey.map((surrogate) => joinDimension(publication.access, surrogate)),
  }
}

/** Columns that every staged row of a referral has. */
type Staged = Pick<Database['stg.fact_referral'], 'partner_account_key' | 'referral_no'>

/** `join` of the dimension row that a staged row `s` names by its natural key. */
function joinDimension(
  access: StarAccess,
  [column, surrogate]: [string, Surrogate],
): RawBuilder<unknown> {
  const { dimension, natural, isOptional } = surrogate
  const alias = aliasOf(column)
  const pairs = Object.entries(natural)
  if ((tables[dimension].columns as readonly string[]).includes('partner_account_key')) {
    pairs.unshift(['partner_account_key', 'partner_account_key'])
  }
  const matches = pairs.map(
    ([staged, known]) => sql`${sql.ref(`${alias}.${known}`)} = ${sql.ref(`s.${staged}`)}`,
  )
  const kind = isOptional ? 'left join' : 'join'
  return joinStar(access, kind, [dimension, alias], sql.join(matches, sql` and `))
}

function aliasOf(column: string): string {
  return column.replace(/_key$/, '')
}
