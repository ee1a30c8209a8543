import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/warehouse/tables.generated.ts'

/** Makes every publish last longer: a delay where it writes, or copies, the facts. */
export async function slowDown(query: Kysely<Database>, seconds: number): Promise<void> {
  await sql
    .raw(`
      create function public.delay() returns trigger language plpgsql as $$
        begin
          perform pg_sleep(${seconds});
          return null;
        end $$;
      create trigger delay before insert on dw.fact_acv_schedule
        for each statement execute function public.delay()`)
    .execute(query)
}
