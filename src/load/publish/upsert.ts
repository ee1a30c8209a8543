import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type TableName, tables } from '../../warehouse/tables.generated.ts'
import { withTableName } from '../staging/rejected-rows.ts'
import type { StageTable } from '../staging/stage-tables.ts'

export interface RowsWritten {
  readonly table: TableName
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

/** Account whose staged rows are published, and the run that publishes them. */
export interface Publication {
  readonly partnerAccountKey: number
  readonly runId: number
}

type Expression = RawBuilder<unknown>

/** Mapping of the rows of a staging table `s` to rows of a target. */
export interface UpsertPlan {
  readonly target: TableName
  readonly stage: StageTable
  /** Columns of a unique key of the target. */
  readonly key: readonly string[]
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
    with written as (
      insert into ${sql.table(plan.target)} as t (${sql.join(columns.map((name) => sql.ref(name)))})
      select ${sql.join([...plan.values.values()])}
      from ${sql.table(plan.stage)} s
      ${sql.join(plan.joins, sql` `)}
      left join ${sql.table(plan.target)} old on ${matches('old', plan)}
      where s.partner_account_key = ${publication.partnerAccountKey}
        and old.row_hash is distinct from s.row_hash
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

/** Deletes the rows of a target that the staged referrals no longer have. */
export async function deleteRemoved(
  transaction: Transaction<Database>,
  plan: UpsertPlan,
  publication: Publication,
): Promise<number> {
  const deleted = await sql`
    delete from ${sql.table(plan.target)} old
    using stg.referral_key r
    where old.referral_key = r.referral_key
      and old.partner_account_key = r.partner_account_key
      and r.partner_account_key = ${publication.partnerAccountKey}
      and not exists (
        select 1
        from ${sql.table(plan.stage)} s
        ${sql.join(plan.keyJoins, sql` `)}
        where s.partner_account_key = r.partner_account_key
          and s.referral_no = r.referral_no
          and ${matches('old', plan)}
      )`.execute(transaction)
  return Number(deleted.numAffectedRows ?? 0)
}

function matches(alias: string, plan: UpsertPlan): Expression {
  const pairs = plan.key.map(
    (name) => sql`${sql.ref(`${alias}.${name}`)} = ${plan.values.get(name)}`,
  )
  return sql.join(pairs, sql` and `)
}

/**
 * Returns `s.column` for every column that target and staging table share, and the run for audits.
 */
export function sharedColumns(
  target: TableName,
  stage: StageTable,
  publication: Publication,
): Map<string, Expression> {
  const staged = new Set<string>(tables[stage].columns)
  const values = new Map<string, Expression>()
  for (const column of tables[target].columns) {
    if (staged.has(column)) values.set(column, sql.ref(`s.${column}`))
    else if (auditColumns.has(column)) values.set(column, sql`${publication.runId}::bigint`)
  }
  return values
}
