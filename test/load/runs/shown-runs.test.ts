import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { backfill } from '../../../src/pipeline/backfill/backfill.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { contextOf, withPipeline } from '../../support/with-pipeline.ts'

/** The answer of mart.load_status by the ledger itself, without the age. */
const byLedger = `
  select account.partner_account_key, published.run_id as published_run, published.published_at,
    published.watermark_to, latest.run_id, latest.run_mode, latest.run_status, latest.started_at,
    (select count(*) from etl.quarantine held
      where held.partner_account_key = account.partner_account_key and held.resolved_run_id is null) as held
  from dw.dim_partner_account account
  left join (
    select partner_account_key, max(run_id) as run_id, max(published_at) as published_at,
      max(watermark_to) as watermark_to
    from etl.run where run_status = 'published' group by partner_account_key
  ) published using (partner_account_key)
  left join lateral (
    select run_id, run_mode, run_status, started_at
    from etl.run one where one.partner_account_key = account.partner_account_key
    order by run_id desc limit 1
  ) latest on true`

const byReaders = `
  select partner_account_key, last_published_run_id, published_at, watermark_to, last_run_id,
    last_run_mode, last_run_status, last_run_started_at, quarantined_referral_count
  from mart.load_status`

const differing = `
  select count(*) from (
    (${byLedger} except ${byReaders}) union all (${byReaders} except ${byLedger})
  ) differing`

/** Notes at every commit that wrote the ledger or the quarantine whether readers are told the same. */
async function compareAtCommits(db: Kysely<Database>) {
  const watched = ['etl.run', 'etl.quarantine'].map(
    (table) => `
      create constraint trigger compare after insert or update or delete on ${table}
        deferrable initially deferred for each row execute function public.compare();`,
  )
  await sql
    .raw(`
      create table public.compared (run_status text, mode text, held bigint, differing bigint);
      create function public.compare() returns trigger language plpgsql as $$
        begin
          insert into public.compared
          select last_run_status, last_run_mode, quarantined_referral_count, (${differing})
          from mart.load_status;
          return null;
        end $$;
      ${watched.join('')}`)
    .execute(db)
}

test(
  'mart.load_status agrees with the ledger and the quarantine at every commit',
  () =>
    withPipeline({ referrals: 60, seed: 3, broken: 3 }, async (nights) => {
      const { db, sandbox, warehouse, home, run } = nights
      await compareAtCommits(db)
      await run()
      sandbox.change(30)
      await run()
      sandbox.vanish(3)
      await run(true)
      await nights.retry()
      await nights.rebuild()
      const environment = contextOf(warehouse, home, [], demoSettings(sandbox.url))
      await backfill(environment, { from: '2026-01-01', to: '2026-02-01' }, { pauseMs: 0 })
      // A run that fails, and the next one, which takes over what it had landed.
      sandbox.change(10)
      await sql`alter table etl.run_table
        add constraint refused check (run_id < 0) not valid`.execute(db)
      await expect(run()).rejects.toThrow()
      await sql`alter table etl.run_table drop constraint refused`.execute(db)
      await run()
      const { rows } = await sql<{ run_status: string; held: number; differing: number }>`
        select run_status, max(held) as held, sum(differing)::bigint as differing
        from public.compared group by run_status order by run_status`.execute(db)
      expect(rows.map(({ run_status, differing }) => [run_status, differing])).toEqual([
        ['extracted', 0],
        ['failed', 0],
        ['published', 0],
        ['running', 0],
      ])
      expect(Math.max(...rows.map(({ held }) => held))).toBe(3)
      // One that did not agree would be seen.
      await sql`update etl.run set run_mode = 'import'`.execute(db)
      const seen = await sql<{ differing: number }>`
        select max(differing) as differing from public.compared`.execute(db)
      expect(seen.rows[0]?.differing).toBeGreaterThan(0)
    }),
  180_000,
)
