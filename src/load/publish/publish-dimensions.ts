import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../warehouse/tables.generated.ts'
import { type Publication, type RowsWritten, sharedColumns, upsertChanged } from './upsert.ts'

/**
 * Adds the missing rows of the dimensions, shared dimensions first, and updates referrals and
 * solutions. Afterwards `stg.referral_key` has the keys of every staged referral.
 */
export async function publishDimensions(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<RowsWritten[]> {
  await catalogValues(transaction, publication)
  const written = [
    await addCurrencies(transaction, publication),
    await addStagedStatuses(transaction, publication),
    await addTags(transaction, publication),
    await addCustomers(transaction, publication),
    await upsertSolutions(transaction, publication),
    await upsertReferrals(transaction, publication),
  ]
  await findReferralKeys(transaction, publication)
  return written
}

/**
 * Adds undocumented enum values, which Microsoft may have added, with the run that first had them.
 */
export async function catalogValues(transaction: Transaction<Database>, publication: Publication) {
  await sql`
    insert into etl.enum_value
      (enum_name, parent_value, enum_value, canonical_value, sort_order, is_documented,
        first_seen_run_id)
    select distinct s.enum_name, s.parent_value, s.enum_value, s.enum_value, 9999, false,
      ${publication.runId}::bigint
    from stg.enum_value s
    where s.partner_account_key = ${publication.partnerAccountKey}
    order by s.enum_name, s.parent_value, s.enum_value
    on conflict (enum_name, parent_value, enum_value) do nothing`.execute(transaction)
}

/** Adds the missing currencies of the staged rows, or of the rows in the star. */
export async function addCurrencies(
  transaction: Transaction<Database>,
  publication: Publication,
  schema: 'stg' | 'dw' = 'stg',
) {
  const account = publication.partnerAccountKey
  const rows = (table: string) => sql`${sql.table(`${schema}.${table}`)}
    where partner_account_key = ${account}`
  const added = await sql`
    insert into dw.dim_currency (currency_code, currency_name, minor_unit, is_documented)
    select code, code, 2, false
    from (
      select currency_code as code from ${rows('fact_referral')}
      union select currency_code from ${rows('fact_referral_history')}
      union select registered_acv_currency_code from ${rows('fact_referral_history')}
      union select currency_code from ${rows('fact_referral_solution')}
      union select currency_code from ${rows('fact_registration')}
      union select currency_code from ${rows('fact_registration_solution')}
    ) staged
    where not exists (select 1 from dw.dim_currency known where known.currency_code = staged.code)
    order by code
    on conflict (currency_code) do nothing`.execute(transaction)
  return inserted('dw.dim_currency', added)
}

function addStagedStatuses(transaction: Transaction<Database>, publication: Publication) {
  const account = publication.partnerAccountKey
  return addStatuses(
    transaction,
    sql`
      select referral_status, referral_substatus from stg.fact_referral
      where partner_account_key = ${account}
      union
      select referral_status, referral_substatus from stg.fact_referral_history
      where partner_account_key = ${account}`,
  )
}

/** Adds undocumented pairs of status and substatus. Whether such a pair is allowed is unknown. */
export async function addStatuses(transaction: Transaction<Database>, pairs: RawBuilder<unknown>) {
  const added = await sql`
    insert into dw.dim_status
      (status_key, referral_status, referral_substatus, stage_label, stage_sort, is_open, is_closed,
        is_won, is_lost, is_decided, is_documented, is_allowed_combination)
    select (select max(status_key) from dw.dim_status)
        + row_number() over (order by referral_status, referral_substatus),
      referral_status, referral_substatus, referral_status || ' - ' || referral_substatus, 999,
      referral_status in ('New', 'Active'), referral_status = 'Closed',
      referral_status = 'Closed' and referral_substatus = 'Won',
      referral_status = 'Closed' and referral_substatus = 'Lost',
      referral_status = 'Closed' and referral_substatus in ('Won', 'Lost'), false, null
    from (${pairs}) staged
    where not exists (
      select 1 from dw.dim_status known
      where known.referral_status = staged.referral_status
        and known.referral_substatus = staged.referral_substatus)
    order by referral_status, referral_substatus
    on conflict (referral_status, referral_substatus) do nothing`.execute(transaction)
  return inserted('dw.dim_status', added)
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
  const values = sharedColumns('dw.dim_customer', 'stg.dim_customer', publication)
  const columns = sql.join([...values.keys()].map((name) => sql.ref(name)))
  const added = await sql`
    insert into dw.dim_customer (${columns})
    select distinct on (s.profile_hash) ${sql.join([...values.values()])}
    from stg.dim_customer s
    where s.partner_account_key = ${publication.partnerAccountKey}
      and not exists (
        select 1 from dw.dim_customer known
        where known.partner_account_key = s.partner_account_key
          and known.profile_hash = s.profile_hash)
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
  const stage = 'stg.dim_referral'
  const plan = {
    target,
    stage,
    key: ['partner_account_key', 'referral_id'],
    values: sharedColumns(target, stage, publication),
    joins: [],
    keyJoins: [],
  } as const
  return upsertChanged(transaction, plan, publication)
}

/** Fills `stg.referral_key` with every staged referral: the checks examine the referrals in it. */
async function findReferralKeys(transaction: Transaction<Database>, publication: Publication) {
  await sql`
    insert into stg.referral_key
      (partner_account_key, referral_no, referral_id, referral_key, customer_key)
    select s.partner_account_key, s.referral_no, s.referral_id, referral.referral_key,
      customer.customer_key
    from stg.dim_referral s
    join dw.dim_referral referral
      on referral.partner_account_key = s.partner_account_key
      and referral.referral_id = s.referral_id
    left join stg.fact_referral fact
      on fact.partner_account_key = s.partner_account_key and fact.referral_no = s.referral_no
    left join dw.dim_customer customer
      on customer.partner_account_key = s.partner_account_key
      and customer.profile_hash = fact.profile_hash
    where s.partner_account_key = ${publication.partnerAccountKey}`.execute(transaction)
  await sql`analyze stg.referral_key`.execute(transaction)
}

function inserted(table: TableName, result: { numAffectedRows?: bigint | undefined }): RowsWritten {
  return { table, inserted: Number(result.numAffectedRows ?? 0), updated: 0, deleted: 0 }
}
