import { type RawBuilder, sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { Publication, RowsWritten } from './star/upsert.ts'

/*
 * Members that no account owns: undocumented enum values, currencies and pairs of status and
 * substatus. Microsoft adds one for every account at once, and the first publish that has it would
 * make all others wait until it commits. So a statement of its own adds them, before the publish
 * or over another connection. A publish that fails leaves members that no row refers to.
 */

/** Account whose rows have the members, and the run that adds them. */
type Source = Pick<Publication, 'partnerAccountKey' | 'runId'>

/** Pair of status and substatus. */
export interface StatusPair {
  readonly referral_status: string
  readonly referral_substatus: string
}

/**
 * Adds the shared members that the staged rows of an account have and the warehouse has not. Reads
 * with `reader`, and adds with `writer` in a statement for each table, sorted by the key: two runs
 * wait for each other during one statement at most, and cannot deadlock.
 */
export async function addStagedMembers(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  source: Source,
): Promise<RowsWritten[]> {
  await addValues(reader, writer, source)
  const currencies = await addCurrencies(reader, writer, source, 'stg')
  const pairs = await sql<StatusPair>`
    select referral_status, referral_substatus
    from (
      select referral_status, referral_substatus from stg.fact_referral
      where partner_account_key = ${source.partnerAccountKey}
      union
      select referral_status, referral_substatus from stg.fact_referral_history
      where partner_account_key = ${source.partnerAccountKey}
    ) staged
    where not exists (
      select 1 from dw.dim_status known
      where known.referral_status = staged.referral_status
        and known.referral_substatus = staged.referral_substatus)`.execute(reader)
  return [currencies, await addStatuses(writer, pairs.rows)]
}

/**
 * Adds the shared members that the rows of an initial load have, but for the statuses, without which
 * no row can be copied. `reader` is its transaction.
 */
export async function addCopiedMembers(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  source: Source,
): Promise<RowsWritten[]> {
  await addValues(reader, writer, source)
  return [await addCurrencies(reader, writer, source, 'dw')]
}

/**
 * Adds undocumented pairs of status and substatus. Whether such a pair is allowed is unknown. The
 * sequence gives their keys.
 */
export async function addStatuses(
  writer: Kysely<Database>,
  pairs: readonly StatusPair[],
): Promise<RowsWritten> {
  const statuses = pairs.map((pair) => pair.referral_status)
  const substatuses = pairs.map((pair) => pair.referral_substatus)
  const isOf = (status: string) => sql`referral_status = ${sql.lit(status)}`
  const add = sql`
    insert into dw.dim_status
      (referral_status, referral_substatus, stage_label, stage_sort, is_open, is_closed, is_won,
        is_lost, is_decided, is_documented, is_allowed_combination)
    select referral_status, referral_substatus, referral_status || ' - ' || referral_substatus, 999,
      ${isOf('New')} or ${isOf('Active')}, ${isOf('Closed')},
      ${isOf('Closed')} and referral_substatus = 'Won',
      ${isOf('Closed')} and referral_substatus = 'Lost',
      ${isOf('Closed')} and referral_substatus in ('Won', 'Lost'), false, null
    from unnest(${statuses}::text[], ${substatuses}::text[]) as f (referral_status, referral_substatus)
    order by referral_status, referral_substatus
    on conflict (referral_status, referral_substatus) do nothing`
  return { table: 'dw.dim_status', ...(await addAny(writer, pairs.length, add)) }
}

/** Adds undocumented enum values, with the run that first had them. */
async function addValues(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  { partnerAccountKey, runId }: Source,
) {
  const { rows } = await sql<{ enum_name: string; parent_value: string; enum_value: string }>`
    select distinct s.enum_name, s.parent_value, s.enum_value
    from stg.enum_value s
    where s.partner_account_key = ${partnerAccountKey}
      and not exists (
        select 1 from etl.enum_value known
        where known.enum_name = s.enum_name
          and known.parent_value = s.parent_value
          and known.enum_value = s.enum_value)`.execute(reader)
  const add = sql`
    insert into etl.enum_value
      (enum_name, parent_value, enum_value, canonical_value, sort_order, is_documented,
        first_seen_run_id)
    select enum_name, parent_value, enum_value, enum_value, 9999, false, ${runId}::bigint
    from unnest(${rows.map((row) => row.enum_name)}::text[],
      ${rows.map((row) => row.parent_value)}::text[],
      ${rows.map((row) => row.enum_value)}::text[]) as f (enum_name, parent_value, enum_value)
    order by enum_name, parent_value, enum_value
    on conflict (enum_name, parent_value, enum_value) do nothing`
  await addAny(writer, rows.length, add)
}

/** Adds the missing currencies of the staged rows, or of the rows in the star. */
async function addCurrencies(
  reader: Kysely<Database>,
  writer: Kysely<Database>,
  { partnerAccountKey }: Source,
  schema: 'stg' | 'dw',
): Promise<RowsWritten> {
  const rowsOf = (table: string) => sql`${sql.table(`${schema}.${table}`)}
    where partner_account_key = ${partnerAccountKey}`
  const { rows } = await sql<{ code: string }>`
    select code
    from (
      select currency_code as code from ${rowsOf('fact_referral')}
      union select currency_code from ${rowsOf('fact_referral_history')}
      union select registered_acv_currency_code from ${rowsOf('fact_referral_history')}
      union select currency_code from ${rowsOf('fact_referral_solution')}
      union select currency_code from ${rowsOf('fact_registration')}
      union select currency_code from ${rowsOf('fact_registration_solution')}
    ) used
    where code is not null
      and not exists (select 1 from dw.dim_currency known where known.currency_code = used.code)`.execute(
    reader,
  )
  const add = sql`
    insert into dw.dim_currency (currency_code, currency_name, minor_unit, is_documented)
    select code, code, 2, false
    from unnest(${rows.map((row) => row.code)}::text[]) as f (code)
    order by code
    on conflict (currency_code) do nothing`
  return { table: 'dw.dim_currency', ...(await addAny(writer, rows.length, add)) }
}

/** Runs an insert unless it has no rows: mostly all members are known. */
async function addAny(writer: Kysely<Database>, rows: number, insert: RawBuilder<unknown>) {
  const added = rows === 0 ? undefined : await insert.execute(writer)
  return { inserted: Number(added?.numAffectedRows ?? 0), updated: 0, deleted: 0 }
}
