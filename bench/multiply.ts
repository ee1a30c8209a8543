import { type RawBuilder, sql } from 'kysely'
import { Simulation } from '../src/sandbox/population/simulation.ts'
import type { Kysely } from '../src/warehouse/connection/database.ts'
import type { Database } from '../src/warehouse/tables.generated.ts'
import { aLanding } from '../test/support/load-referrals.ts'

/** Account of the referrals that all others are copies of; no run loads it. */
const template = 0
const templateSize = 200

/** Lands some simulated referrals under an account of their own, to be multiplied. */
export async function landTemplate(query: Kysely<Database>): Promise<void> {
  const landings = new Simulation(templateSize, 1, 0).referrals().map((one) => aLanding(one))
  const column = (name: keyof (typeof landings)[number]) => landings.map((one) => one[name])
  const documents = (name: 'payload' | 'people') => column(name).map((one) => JSON.stringify(one))
  await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_updated_at, source_updated_text, source_ref, run_id, payload)
    select ${template}, 'referral', id, 1, observed_at, hash, updated_at, updated_text, ref, 0, payload
    from unnest(${column('resource_id')}::text[], ${column('observed_at')}::timestamptz[],
      ${column('payload_hash')}::text[], ${column('source_updated_at')}::timestamptz[],
      ${column('source_updated_text')}::text[], ${column('source_ref')}::text[],
      ${documents('payload')}::jsonb[])
      as landed (id, observed_at, hash, updated_at, updated_text, ref, payload)`.execute(query)
  await sql`
    insert into pii.payload (partner_account_key, resource_type, resource_id, version_no, people)
    select ${template}, 'referral', id, 1, people
    from unnest(${column('resource_id')}::text[], ${documents('people')}::jsonb[])
      as cut (id, people)`.execute(query)
}

/** Lands `count` copies of the template, each with an id and a customer of its own. */
export async function landCopies(
  query: Kysely<Database>,
  account: number,
  runId: number,
  count: number,
): Promise<void> {
  const copies = sql`
    select left(t.resource_id, 24) || lpad(to_hex(i), 12, '0') as id, t.resource_id as origin, i
    from generate_series(1, ${count}::integer) i
    join (
      select resource_id, row_number() over (order by resource_id) as no from raw.payload
      where partner_account_key = ${template}
    ) t on t.no = 1 + i % ${templateSize}`
  await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_updated_at, source_updated_text, source_ref, run_id, payload)
    select ${account}, resource_type, copy.id, 1, observed_at, payload_hash, source_updated_at,
      source_updated_text, source_ref, ${runId},
      jsonb_set(jsonb_set(payload, '{id}', to_jsonb(copy.id)),
        '{customerProfile,name}', to_jsonb('Customer ' || copy.i / 2))
    from (${copies}) copy
    join raw.payload t on t.partner_account_key = ${template} and t.resource_id = copy.origin
    `.execute(query)
  await sql`
    insert into pii.payload (partner_account_key, resource_type, resource_id, version_no, people)
    select ${account}, resource_type, copy.id, 1, people
    from (${copies}) copy
    join pii.payload t on t.partner_account_key = ${template} and t.resource_id = copy.origin
    `.execute(query)
  await list(query, account, runId, sql`true`)
}

/**
 * Lands a second version of every n-th referral of an account: another value, and one list without
 * its entries. Lists all referrals, or the changed ones, as read by the run.
 */
export async function landChanges(
  query: Kysely<Database>,
  account: number,
  runId: number,
  { everyNth, isFullRead }: { everyNth: number; isFullRead: boolean },
): Promise<number> {
  await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_updated_at, source_updated_text, source_ref, run_id, payload)
    select p.partner_account_key, p.resource_type, p.resource_id, latest.version_no + 1,
      p.observed_at + latest.version_no * interval '1 day', p.payload_hash,
      timestamptz '2027-06-01' + latest.version_no * interval '1 day',
      to_char(date '2027-06-01' + latest.version_no, 'YYYY-MM-DD"T00:00:00Z"'), p.source_ref, ${runId},
      p.payload
        || jsonb_build_object('updatedDateTime',
          to_char(date '2027-06-01' + latest.version_no, 'YYYY-MM-DD"T00:00:00Z"'))
        || jsonb_build_object('details', jsonb_set(
          jsonb_set(p.payload -> 'details', '{dealValue}', to_jsonb(1000 + latest.version_no)),
          '{requirements,industries}', '[]'))
    from raw.payload p
    cross join lateral (
      select max(version_no) as version_no from raw.payload l
      where l.partner_account_key = p.partner_account_key and l.resource_type = p.resource_type
        and l.resource_id = p.resource_id
    ) latest
    where p.partner_account_key = ${account} and p.resource_type = 'referral' and p.version_no = 1
      and ('x' || right(p.resource_id, 8))::bit(32)::bigint % ${everyNth} = 0`.execute(query)
  await sql`
    insert into pii.payload (partner_account_key, resource_type, resource_id, version_no, people)
    select r.partner_account_key, r.resource_type, r.resource_id, r.version_no, p.people
    from raw.payload r
    cross join lateral (
      select people from pii.payload p
      where p.partner_account_key = r.partner_account_key and p.resource_type = r.resource_type
        and p.resource_id = r.resource_id and p.version_no = 1
      offset 0
    ) p
    where r.run_id = ${runId}`.execute(query)
  return list(query, account, runId, isFullRead ? sql`true` : sql`run_id = ${runId}`)
}

async function list(
  query: Kysely<Database>,
  account: number,
  runId: number,
  which: RawBuilder<unknown>,
): Promise<number> {
  const listed = await sql`
    insert into stg.listed_referral
      (partner_account_key, run_id, resource_id, window_no, page_no, row_no)
    select ${account}::integer, ${runId}::bigint, resource_id, 1, 1,
      row_number() over (order by resource_id)
    from (
      select distinct resource_id from raw.payload
      where partner_account_key = ${account} and resource_type = 'referral' and ${which}
    ) listed`.execute(query)
  return Number(listed.numAffectedRows ?? 0)
}
