import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'
import { askInBulk } from '../runs/prepare-for-bulk.ts'

/** A landed version of the API. */
export interface LandedPlace {
  readonly resource_id: string
  readonly version_no: number
}

/** What was deleted from the landing zone. */
export interface DeletedVersions {
  readonly payloads: number
  readonly people: number
  /** Size of their JSON as it was stored. */
  readonly bytes: number
}

/** The superseded versions of an account that were observed before an instant. */
export interface Superseded {
  /** Referrals of which one may go, in id order. */
  readonly ids: readonly string[]
  /** Superseded versions of these and of all other referrals. */
  readonly versions: number
}

/**
 * Finds the versions that a later one superseded and that are older than an instant. None may go of a
 * referral with rows of files, with a version that is not published yet, or in quarantine.
 */
export async function findSuperseded(
  query: Kysely<Database>,
  partnerAccountKey: number,
  before: string,
): Promise<Superseded> {
  const rows = await askInBulk(query, async (transaction) => {
    const isVersion = sql`landed.resource_type = 'referral'`
    const found = await sql<{ id: string; versions: number; may_go: boolean }>`
      select landed.resource_id as id,
        count(*) filter (where ${isVersion} and landed.observed_at < ${before}::timestamptz)
          - (max(landed.observed_at) filter (where ${isVersion}) < ${before}::timestamptz)::integer
          as versions,
        bool_and(${isVersion} and run.run_status <> all(${[...unpublishedStatuses]}::text[]))
          and count(*) > 2
          and landed.resource_id not in (
            select quarantine.resource_id from etl.quarantine quarantine
            where quarantine.partner_account_key = ${partnerAccountKey}
              and quarantine.resolved_run_id is null) as may_go
      from raw.payload landed
      join etl.run run on run.run_id = landed.run_id
      where landed.partner_account_key = ${partnerAccountKey}
        and landed.resource_type in ('referral', 'csv_row')
      group by landed.resource_id
      having count(*) filter (where ${isVersion}) > 1
        and min(landed.observed_at) < ${before}::timestamptz
      order by landed.resource_id collate "C"`.execute(transaction)
    return found.rows
  })
  const versions = rows.reduce((sum, row) => sum + row.versions, 0)
  return { ids: rows.flatMap(({ id, may_go }) => (may_go ? [id] : [])), versions }
}

/** Deletes landed versions of the API, with their people. */
export async function deleteVersions(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  places: readonly LandedPlace[],
): Promise<DeletedVersions> {
  const given = sql`json_to_recordset(${JSON.stringify(places)}::json)
    as given (resource_id text, version_no integer)`
  const isGiven = (table: string) => sql`
    ${sql.id(table)}.partner_account_key = ${partnerAccountKey}
    and ${sql.id(table)}.resource_type = 'referral'
    and ${sql.id(table)}.resource_id = given.resource_id
    and ${sql.id(table)}.version_no = given.version_no`
  const { rows } = await sql<DeletedVersions>`
    with cut as (
      delete from pii.payload using ${given} where ${isGiven('payload')}
      returning pg_column_size(people) as bytes
    ),
    gone as (
      delete from raw.payload using ${given} where ${isGiven('payload')}
      returning pg_column_size(payload) as bytes
    )
    select
      (select count(*) from gone) as payloads,
      (select count(*) from cut) as people,
      coalesce((select sum(bytes) from (select bytes from gone union all select bytes from cut) sizes), 0)
        ::bigint as bytes`.execute(transaction)
  return rows[0] ?? { payloads: 0, people: 0, bytes: 0 }
}

/** Counts the superseded answers about eligibility policies that are older than an instant. */
export async function countAnswers(
  query: Kysely<Database>,
  partnerAccountKey: number,
  before: string,
): Promise<number> {
  const { rows } = await sql<{ answers: number }>`
    select count(*) as answers
    from raw.payload landed
    where ${isOldAnswer(partnerAccountKey, before)}`.execute(query)
  return rows[0]?.answers ?? 0
}

/** Deletes them: of each referral the last answer alone is ever read. */
export async function deleteAnswers(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  before: string,
): Promise<DeletedVersions> {
  const { rows } = await sql<{ payloads: number; bytes: number }>`
    with gone as (
      delete from raw.payload landed
      where ${isOldAnswer(partnerAccountKey, before)}
      returning pg_column_size(payload) as bytes
    )
    select count(*) as payloads, coalesce(sum(bytes), 0)::bigint as bytes from gone`.execute(
    transaction,
  )
  return { payloads: 0, bytes: 0, ...rows[0], people: 0 }
}

const isOldAnswer = (partnerAccountKey: number, before: string) => sql`
  landed.partner_account_key = ${partnerAccountKey}
    and landed.resource_type = 'registration_eligibility'
    and landed.observed_at < ${before}::timestamptz
    and exists (
      select from raw.payload later
      where later.partner_account_key = landed.partner_account_key
        and later.resource_type = landed.resource_type
        and later.resource_id = landed.resource_id
        and later.version_no > landed.version_no)`
