import { sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'
import { joinStar, storedFor } from './star/star-access.ts'
import { type Publication, type RowsWritten, sharedColumns, upsertChanged } from './star/upsert.ts'
import { stepNames } from './steps.ts'

/**
 * Adds the missing rows of the dimensions of an account, and updates referrals and solutions. The
 * members that accounts share are there already, see `addStagedMembers`. Afterwards
 * `stg.referral_key` has the keys of every staged referral.
 */
export async function publishDimensions(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten[]> {
  const written = [
    await addTags(transaction, publication),
    await addCustomers(transaction, publication),
    await upsertSolutions(transaction, publication),
    await upsertReferrals(transaction, publication),
  ]
  publication.announce?.(stepNames.keys)
  await findReferralKeys(transaction, publication)
  return written
}

/** Expression: the API's documentation has the value of a tag. */
export function isDocumented(tag: string) {
  const of = (column: string) => sql.ref(`${tag}.${column}`)
  return sql<boolean>`exists (
    select 1 from etl.enum_value known
    where known.is_documented
      and known.enum_value = ${of('tag_id')}
      and known.enum_name in (${of('tag_type')},
        case ${of('tag_group')} when 'Industry' then 'Industries' else ${of('tag_group')} || 's' end))`
}

async function addTags(transaction: Transaction<Database>, publication: Publication) {
  publication.announce?.('dw.dim_tag')
  const added = await sql`
    insert into dw.dim_tag
      (partner_account_key, tag_group, tag_type, tag_id, is_documented, created_run_id)
    select s.partner_account_key, s.tag_group, s.tag_type, s.tag_id,
      ${isDocumented('s')},
      ${publication.runId}::bigint
    from (
      select distinct partner_account_key, tag_group, tag_type, tag_id from stg.dim_tag
      where partner_account_key = ${publication.partnerAccountKey}
    ) s
    where not exists (
      select 1 from dw.dim_tag known
      where known.partner_account_key = s.partner_account_key
        and known.tag_group = s.tag_group
        and known.tag_type = s.tag_type
        and known.tag_id = s.tag_id)
    order by s.tag_group, s.tag_type, s.tag_id
    on conflict (partner_account_key, tag_group, tag_type, tag_id) do nothing`.execute(transaction)
  return inserted('dw.dim_tag', added)
}

async function addCustomers(transaction: Transaction<Database>, publication: Publication) {
  publication.announce?.('dw.dim_customer')
  const values = sharedColumns('dw.dim_customer', 'stg.dim_customer', publication)
  const columns = sql.join([...values.keys()].map((name) => sql.ref(name)))
  const isSame = sql`known.partner_account_key = s.partner_account_key
      and known.profile_hash = s.profile_hash`
  const added = await sql`
    insert into dw.dim_customer (${columns})
    select distinct on (s.profile_hash) ${sql.join([...values.values()])}
    from stg.dim_customer s
    ${joinStar(publication.access, 'left join', ['dw.dim_customer', 'known'], isSame)}
    where s.partner_account_key = ${publication.partnerAccountKey} and known.customer_key is null
    order by s.profile_hash
    on conflict (partner_account_key, profile_hash) do nothing`.execute(transaction)
  return inserted('dw.dim_customer', added)
}

/**
 * Inserts or updates one row for each solution. Among the rows of all referrals about a solution, a
 * stated name comes before none, then the latest source time, then the hash. That is a total order,
 * so the result does not depend on the order of the referrals.
 */
export async function upsertSolutions(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten> {
  publication.announce?.('dw.dim_solution')
  const values = sharedColumns('dw.dim_solution', 'stg.dim_solution', publication)
  const columns = [...values.keys()]
  const key = ['partner_account_key', 'item_kind', 'solution_id', 'created_run_id']
  const updated = columns.filter((name) => !key.includes(name))
  const rank = (alias: string) => sql`(${sql.ref(`${alias}.solution_name`)} <> '(Not provided)',
    ${sql.ref(`${alias}.source_updated_at`)}, ${sql.ref(`${alias}.row_hash`)})`
  const written = await sql<{ inserted: number; updated: number }>`
    with best as (
      select distinct on (item_kind, solution_id) *
      from stg.dim_solution
      where partner_account_key = ${publication.partnerAccountKey}
      order by item_kind, solution_id, solution_name <> '(Not provided)' desc,
        source_updated_at desc, row_hash desc
    ),
    written as (
      insert into dw.dim_solution as t (${sql.join(columns.map((name) => sql.ref(name)))})
      select ${sql.join([...values.values()])}
      from best s
      left join dw.dim_solution old
        on old.partner_account_key = s.partner_account_key
        and old.item_kind = s.item_kind
        and old.solution_id = s.solution_id
      where old.solution_key is null or ${rank('s')} > ${rank('old')}
      order by s.item_kind, s.solution_id
      on conflict (partner_account_key, item_kind, solution_id) do update
        set ${sql.join(updated.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`))}
      returning t.created_run_id = ${publication.runId} as is_new
    )
    select count(*) filter (where is_new) as inserted, count(*) filter (where not is_new) as updated
    from written`.execute(transaction)
  const counts = written.rows[0] ?? { inserted: 0, updated: 0 }
  return { table: 'dw.dim_solution', ...counts, deleted: 0 }
}

function upsertReferrals(transaction: Transaction<Database>, publication: Publication) {
  const target = 'dw.dim_referral'
  publication.announce?.(target)
  const stage = 'stg.dim_referral'
  const plan = {
    target,
    stage,
    key: ['partner_account_key', 'referral_id'],
    rows: sql`
      select ${sql.join(tables[stage].columns.map((column) => sql.ref(column)))}
      from stg.dim_referral
      where partner_account_key = ${publication.partnerAccountKey}`,
    values: sharedColumns(target, stage, publication),
    joins: [],
    keyJoins: [],
  } as const
  return upsertChanged(transaction, plan, publication)
}

/** Fills `stg.referral_key` with every staged referral: the checks examine the referrals in it. */
async function findReferralKeys(transaction: Transaction<Database>, publication: Publication) {
  const { access } = publication
  const isReferral = sql`referral.partner_account_key = s.partner_account_key
      and referral.referral_id = s.referral_id`
  const isCustomer = sql`customer.partner_account_key = s.partner_account_key
      and customer.profile_hash = s.profile_hash`
  await sql`
    with staged as ${storedFor(access)} (
      select s.partner_account_key, s.referral_no, s.referral_id, fact.profile_hash
      from stg.dim_referral s
      left join stg.fact_referral fact
        on fact.partner_account_key = s.partner_account_key and fact.referral_no = s.referral_no
      where s.partner_account_key = ${publication.partnerAccountKey}
    )
    insert into stg.referral_key
      (partner_account_key, referral_no, referral_id, referral_key, customer_key)
    select s.partner_account_key, s.referral_no, s.referral_id, referral.referral_key,
      customer.customer_key
    from staged s
    ${joinStar(access, 'join', ['dw.dim_referral', 'referral'], isReferral)}
    ${joinStar(access, 'left join', ['dw.dim_customer', 'customer'], isCustomer)}`.execute(
    transaction,
  )
}

function inserted(table: TableName, result: { numAffectedRows?: bigint | undefined }): RowsWritten {
  return { table, inserted: Number(result.numAffectedRows ?? 0), updated: 0, deleted: 0 }
}
