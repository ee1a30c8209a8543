import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'
import { migrateUpTo } from '../../support/migrate-up-to.ts'

/** Two accounts: one with nights of every end, findings and quarantine; one whose first run failed. */
async function fill(db: Kysely<Database>) {
  await sql
    .raw(`
      insert into dw.dim_partner_account (partner_account_key, account_code, account_name, is_active, created_at)
      values (1, 'north', 'North', true, '2026-01-01Z'), (2, 'south', 'South', true, '2026-01-01Z');
      insert into etl.run (run_id, partner_account_key, run_mode, run_status, started_at, published_at,
        watermark_to, app_version, transform_version)
      values
        (1, 1, 'full', 'published', '2026-01-01Z', '2026-01-01T01:00Z', '2026-01-01Z', '', 1),
        (2, 1, 'incremental', 'abandoned', '2026-01-02Z', null, null, '', 1),
        (3, 1, 'incremental', 'published', '2026-01-03Z', '2026-01-03T01:00Z', '2026-01-03Z', '', 1),
        (4, 2, 'full', 'failed', '2026-01-03Z', null, null, '', 1),
        (5, 1, 'incremental', 'running', '2026-01-04Z', null, null, '', 1);
      insert into etl.quarantine (partner_account_key, resource_type, resource_id, version_no, reason_code,
        item_path, detail, first_run_id, last_run_id, attempts, resolved_run_id)
      values
        (1, 'referral', 'a', 1, '', '', '', 1, 3, 2, null),
        (1, 'referral', 'b', 1, '', '', '', 1, 1, 1, 3);
      insert into etl.dq_finding (partner_account_key, referral_id, rule_code, item_ref, severity, detail,
        observed_value, first_seen_run_id, last_seen_run_id)
      values
        (1, '', 'unknown_enum_value', 'x//y', 'info', 'loaded', 'y', 1, 3),
        (1, 'c', 'missing_fx_rate', 'EUR', 'warn', null, null, 3, 3);`)
    .execute(db)
}

const rowsOf = async (db: Kysely<Database>, query: string) =>
  (await sql.raw<{ row: string }>(`select (${query})::text as row`).execute(db)).rows[0]?.row

const told = {
  findings: `select jsonb_agg(row(account_code, referral_id, rule_code, item_ref, severity, detail,
    observed_value, first_seen_at, last_seen_at) order by rule_code) from mart.data_quality`,
  loads: `select jsonb_agg(to_jsonb(status) - 'age_hours' order by account_code) from mart.load_status status`,
  former: `select jsonb_agg(to_jsonb(finding) order by rule_code) from etl.dq_finding finding`,
}

/** Marts of the version before, cut to the columns that are compared. */
const formerMarts = `
  create view mart.data_quality as
  select account.account_code, finding.referral_id, finding.rule_code, finding.item_ref, finding.severity,
    finding.detail, finding.observed_value, first_run.started_at as first_seen_at,
    last_run.started_at as last_seen_at
  from etl.dq_finding finding
  join dw.dim_partner_account account using (partner_account_key)
  left join etl.run first_run on first_run.run_id = finding.first_seen_run_id
  left join etl.run last_run on last_run.run_id = finding.last_seen_run_id;
  create view mart.load_status as
  select account.partner_account_key, account.account_code, account.account_name, account.is_active,
    published.last_published_run_id, published.published_at, published.watermark_to,
    latest.run_id as last_run_id, latest.run_mode as last_run_mode, latest.run_status as last_run_status,
    latest.started_at as last_run_started_at,
    (select count(*) from etl.quarantine held
      where held.partner_account_key = account.partner_account_key
        and held.resolved_run_id is null) as quarantined_referral_count
  from dw.dim_partner_account account
  left join (
    select partner_account_key, max(run_id) as last_published_run_id, max(published_at) as published_at,
      max(watermark_to) as watermark_to
    from etl.run where run_status = 'published' group by partner_account_key
  ) published using (partner_account_key)
  left join etl.run latest on latest.run_id = (
    select max(run_id) from etl.run where partner_account_key = account.partner_account_key)`

test('the upgrade of a filled warehouse changes nothing that readers are told of findings and loads', () =>
  withEmptyDatabase(async (db) => {
    await migrateUpTo(db, '0043')
    await sql`drop view if exists mart.data_quality, mart.load_status cascade`.execute(db)
    await fill(db)
    await sql.raw(formerMarts).execute(db)
    const before = new Map<string, unknown>()
    for (const [name, query] of Object.entries(told)) before.set(name, await rowsOf(db, query))
    expect(before.get('findings')).toContain('2026-01-03')
    expect(before.get('loads')).toContain('"quarantined_referral_count": 1')
    await sql`drop view mart.data_quality, mart.load_status`.execute(db)
    await migrate(db)
    for (const [name, query] of Object.entries(told)) {
      expect(await rowsOf(db, query), name).toEqual(before.get(name))
    }
  }))

/** Views and tables of dw and mart that need another schema of ours, with the ones that they need. */
const needed = `
  select distinct concat_ws(' ', reader.oid::regclass, 'needs', read.oid::regclass) as name
  from pg_class read
  join pg_depend on refclassid = 'pg_class'::regclass and refobjid = read.oid
  left join pg_rewrite rule on classid = 'pg_rewrite'::regclass and objid = rule.oid
  left join pg_constraint k on classid = 'pg_constraint'::regclass and objid = k.oid
  left join pg_attrdef d on classid = 'pg_attrdef'::regclass and objid = d.oid
  join pg_class reader on reader.oid = coalesce(rule.ev_class, k.conrelid, d.adrelid)
  where reader.relnamespace::regnamespace::text in ('dw', 'mart')
    and read.relnamespace::regnamespace::text in ('raw', 'pii', 'etl', 'stg')
  order by 1`

describe('dw and mart', () => {
  test('need no other schema, but for the rights of readers', async () => {
    const found = await withDatabase(
      async (db) => (await sql.raw<{ name: string }>(needed).execute(db)).rows,
    )
    // Policies read who may see which account, so readers get their part of it by the owner's rights.
    expect(found.map(({ name }) => name)).toEqual([
      'mart.bi_access needs etl.bi_access',
      'mart.bi_access needs etl.visible_account',
    ])
  })

  test('documented_value has the documented rows of etl.enum_value', () =>
    withDatabase(async (db) => {
      const columns = `enum_name, parent_value, enum_value, canonical_value, description, sort_order,
        valid_from_date, min_employees, max_employees`
      const [documented, kept] = [
        `select ${columns} from etl.enum_value where is_documented`,
        `select ${columns} from dw.documented_enum_value`,
      ]
      const { rows } = await sql
        .raw(`(${documented} except ${kept}) union all (${kept} except ${documented})`)
        .execute(db)
      expect(rows).toEqual([])
      expect((await sql.raw(kept).execute(db)).rows.length).toBeGreaterThan(100)
    }))
})
