import { type Expression as KyselyExpression, type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { type TableName, tables } from '../../../warehouse/tables.generated.ts'
import { withTableName } from '../../staging/rejected-rows.ts'
import type { StageTable } from '../../staging/stage-tables.ts'
import { joinStar, type StarAccess, storedFor } from './star-access.ts'

export interface RowsWritten {
  readonly table: TableName
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

/** Announces a step by its name. */
export type Announce = (name: string) => void

/** Account whose staged rows are published, and the run that publishes them. */
export interface Publication {
  readonly partnerAccountKey: number
  readonly runId: number
  readonly access: StarAccess
  /** Staging tables with rows of the account; left out where any of them may have some. */
  readonly filled?: ReadonlySet<StageTable>
  /** Called as a step of the publish begins. */
  readonly announce?: Announce
}

/** Whether a staging table may have rows of the account: a statement over none is left out. */
export function mayHaveRows({ filled }: Pick<Publication, 'filled'>, stage: StageTable): boolean {
  return filled?.has(stage) ?? true
}

/** Result of a statement that was left out. */
export function nothingWritten(table: TableName): RowsWritten {
  return { table, inserted: 0, updated: 0, deleted: 0 }
}

type Expression = RawBuilder<unknown>

/** Mapping of the rows of a staging table `s` to rows of a target. */
export interface UpsertPlan {
  readonly target: TableName
  readonly stage: StageTable
  /** Columns of a unique key of the target. */
  readonly key: readonly string[]
  /** Query of the staged rows of the account, `s` in what follows. */
  readonly rows: KyselyExpression<unknown>
  /** Target column to the expression that fills it. */
  readonly values: ReadonlyMap<string, Expression>
  readonly joins: readonly Expression[]
  /** Subset of `joins` that the values of the key need. */
  readonly keyJoins: readonly Expression[]
}

const auditColumns = new Set(['created_run_id', 'updated_run_id'])

/**
 * Inserts the new staged rows and updates the rows whose hash differs. The anti-join comes first:
 * ON CONFLICT DO UPDATE locks, and so writes, every conflicting row, changed or not.
 * Rows are written in key order. So a history version is closed before the next one becomes the
 * current one, and two loads of the same rows cannot deadlock.
 */
export async function upsertChanged(
  transaction: Transaction<Database>,
  plan: UpsertPlan,
  publication: Publication,
): Promise<RowsWritten> {
  const columns = [...plan.values.keys()]
  const updated = columns.filter(
    (column) => !plan.key.includes(column) && column !== 'created_run_id',
  )
  const written = await sql<{ inserted: number; updated: number }>`
    with staged as ${storedFor(publication.access)} (${plan.rows}
    ),
    written as (
      insert into ${sql.table(plan.target)} as t (${sql.join(columns.map((name) => sql.ref(name)))})
      select ${sql.join([...plan.values.values()])}
      from staged s
      ${sql.join(plan.joins, sql` `)}
      ${joinStar(publication.access, 'left join', [plan.target, 'old'], ...matches('old', plan))}
      where ${differs(plan)}
      order by ${sql.join(plan.key.map((name) => plan.values.get(name)))}
      on conflict (${sql.join(plan.key.map((name) => sql.ref(name)))}) do update
        set ${sql.join(updated.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`))}
      returning t.created_run_id = ${publication.runId} as is_new
    )
    select count(*) filter (where is_new) as inserted, count(*) filter (where not is_new) as updated
    from written`
    .execute(transaction)
    .catch(withTableName(plan.target))
  const counts = written.rows[0] ?? { inserted: 0, updated: 0 }
  return { table: plan.target, ...counts, deleted: 0 }
}

/**
 * Condition that a staged row differs from the stored one. The profile of the customer belongs to the
 * referral, not to the hash of its other rows.
 */
function differs({ values }: UpsertPlan): Expression {
  const isOther = sql`old.row_hash is distinct from s.row_hash`
  const customer = values.get('customer_key')
  return customer === undefined
    ? isOther
    : sql`(${isOther} or old.customer_key is distinct from ${customer})`
}

/**
 * Deletes the rows of a target that the staged referrals no longer have. Their places in the file
 * are found first, and only those are read again: a join of the DELETE would scan the table.
 */
export async function deleteRemoved(
  transaction: Transaction<Database>,
  plan: UpsertPlan,
  { partnerAccountKey, access }: Publication,
): Promise<number> {
  const kept = plan.key.map((name) => sql`${plan.values.get(name)} as ${sql.ref(name)}`)
  const isKept = plan.key.map((name) => sql`${sql.ref(`kept.${name}`)} = ${sql.ref(`old.${name}`)}`)
  const isOfReferral = sql`old.referral_key = k.referral_key`
  const isOfAccount = sql`old.partner_account_key = k.partner_account_key`
  const stored = storedFor(access)
  const deleted = await sql`
    with staged as ${stored} (${plan.rows}
    ),
    kept as ${stored} (
      select ${sql.join(kept)}
      from staged s
      ${sql.join(plan.keyJoins, sql` `)}
    ),
    old as ${stored} (
      select old.ctid, ${sql.join(plan.key.map((name) => sql.ref(`old.${name}`)))}
      from stg.referral_key k
      ${joinStar(access, 'join', [plan.target, 'old'], isOfReferral, isOfAccount)}
      where k.partner_account_key = ${partnerAccountKey}
    )
    delete from ${sql.table(plan.target)}
    where ctid = any(array(
      select old.ctid
      from old
      left join kept on ${sql.join(isKept, sql` and `)}
      where kept.referral_key is null
    ))`.execute(transaction)
  return Number(deleted.numAffectedRows ?? 0)
}

/**
 * Condition that a row of the target has the key of a staged row, in two parts: the account stands
 * alone where the key of the referral is enough to find the row.
 */
function matches(alias: string, plan: UpsertPlan): [Expression, Expression] {
  const isEqual = (name: string) => sql`${sql.ref(`${alias}.${name}`)} = ${plan.values.get(name)}`
  const account = 'partner_account_key'
  const apart = plan.key.includes('referral_key') ? [account] : []
  const rest = plan.key.filter((name) => !apart.includes(name))
  const parts = [rest, apart].map((names) =>
    names.length === 0 ? sql`true` : sql.join(names.map(isEqual), sql` and `),
  )
  return parts as [Expression, Expression]
}

/** Column of a table. */
export type ColumnOf<T extends TableName> = keyof Database[T] & string

const columnsOf = <T extends TableName>(table: T) =>
  tables[table].columns as readonly string[] as readonly ColumnOf<T>[]

/**
 * Returns `s.column` for every column that target and staging table share, and the run for audits.
 */
export function sharedColumns<T extends TableName>(
  target: T,
  stage: StageTable,
  publication: Publication,
): Map<ColumnOf<T>, Expression> {
  const staged = new Set<string>(tables[stage].columns)
  const values = new Map<ColumnOf<T>, Expression>()
  for (const column of columnsOf(target)) {
    if (staged.has(column)) values.set(column, sql.ref(`s.${column}`))
    else if (auditColumns.has(column)) values.set(column, sql`${publication.runId}::bigint`)
  }
  return values
}
