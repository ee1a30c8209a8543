import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { playNights, withPipeline } from '../../support/with-pipeline.ts'

/** Records at each commit of a publish which relations its transaction has locked, and how. */
async function watchLocks(db: Kysely<Database>) {
  await sql
    .raw(`
      create table public.held (run_id bigint, relation text, mode text);
      create function public.note_locks() returns trigger language plpgsql as $$
        begin
          insert into public.held
          select new.run_id, relation::regclass::text, mode
          from pg_locks
          where pid = pg_backend_pid() and locktype = 'relation' and granted;
          return null;
        end $$;
      create constraint trigger note_locks after update on etl.run
        deferrable initially deferred
        for each row when (new.run_status = 'published' and old.run_status <> 'published')
        execute function public.note_locks()`)
    .execute(db)
}

/** Locks of ANALYZE, which no other statement of a load takes: two of them exclude one another. */
async function analyzed(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ relation: string }>`
    select distinct relation from public.held
    where mode = 'ShareUpdateExclusiveLock' order by relation`.execute(db)
  return rows.map(({ relation }) => relation)
}

test(
  'no publish holds a lock of ANALYZE at its commit, for which the publishes of other accounts would wait',
  () =>
    // Tables that grow by fewer than a thousand rows are not analyzed at all.
    withPipeline({ referrals: 1_200, broken: 2 }, async (nights) => {
      const { db } = nights
      await watchLocks(db)
      await playNights(nights)
      const published = await sql<{ runs: number; written: number }>`
      select count(distinct run_id) as runs,
        count(distinct run_id) filter (
          where relation = 'dw.fact_referral' and mode = 'RowExclusiveLock') as written
      from public.held`.execute(db)
      const counted = await sql<{ runs: number }>`
      select count(*) as runs from etl.run where run_status = 'published'`.execute(db)
      expect(published.rows[0]?.runs).toBe(counted.rows[0]?.runs)
      expect(published.rows[0]?.written).toBeGreaterThanOrEqual(3)
      expect(await analyzed(db)).toEqual([])
      // One that did would be seen.
      await db.transaction().execute(async (transaction) => {
        await sql`analyze dw.dim_customer`.execute(transaction)
        await sql`update etl.run set run_status = 'failed' where run_id = 1`.execute(transaction)
        await sql`update etl.run set run_status = 'published' where run_id = 1`.execute(transaction)
      })
      expect(await analyzed(db)).toEqual(['dw.dim_customer'])
    }),
  120_000,
)
