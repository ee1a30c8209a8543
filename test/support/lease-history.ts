import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/warehouse/tables.generated.ts'

/** Something that was committed: a new epoch of an account, or a write in the name of a run. */
export interface Committed {
  readonly account: number
  readonly event: 'taken' | 'landed' | 'published'
  /** The epoch of a lease that was taken. */
  readonly epoch: number | null
  /** The run that wrote. */
  readonly run_id: number | null
}

/**
 * Installs triggers that record what is committed, in the order in which the lease's row was locked:
 * the number is drawn while the lock is held, and a rollback removes the record.
 */
export async function keepHistory(db: Kysely<Database>): Promise<void> {
  await sql
    .raw(`
      create table public.history (
        position bigint generated always as identity,
        account  integer not null,
        event    text not null,
        epoch    bigint,
        run_id   bigint
      );
      create function public.note_taken() returns trigger language plpgsql as $$
        begin
          insert into public.history (account, event, epoch)
          values (new.partner_account_key, 'taken', new.epoch);
          return null;
        end $$;
      create function public.note_written() returns trigger language plpgsql as $$
        begin
          insert into public.history (account, event, run_id)
          values (new.partner_account_key, tg_argv[0], new.run_id);
          return null;
        end $$;
      create trigger taken_first after insert on etl.lease
        for each row execute function public.note_taken();
      create trigger taken_over after update on etl.lease
        for each row when (new.epoch <> old.epoch) execute function public.note_taken();
      create trigger landed after insert on raw.payload
        for each row execute function public.note_written('landed');
      create trigger published after update on etl.run
        for each row when (new.run_status = 'published')
        execute function public.note_written('published');
    `)
    .execute(db)
}

export async function readHistory(db: Kysely<Database>): Promise<Map<number, Committed[]>> {
  const { rows } = await sql<Committed>`
    select account, event, epoch, run_id from public.history order by position`.execute(db)
  const byAccount = new Map<number, Committed[]>()
  for (const row of rows) byAccount.set(row.account, [...(byAccount.get(row.account) ?? []), row])
  return byAccount
}

/**
 * Signs of two writers in the history of one account: an epoch that does not follow the one before it,
 * or a write under another epoch than the one in force.
 */
export function violationsIn(
  history: readonly Committed[],
  epochOf: ReadonlyMap<number, number>,
): string[] {
  const violations: string[] = []
  let inForce = 0
  for (const { event, epoch, run_id } of history) {
    if (event === 'taken') {
      if (epoch !== inForce + 1) violations.push(`epoch ${epoch} after ${inForce}`)
      inForce = epoch ?? 0
    } else {
      const writer = epochOf.get(run_id ?? 0)
      if (writer !== inForce) violations.push(`${event} under ${writer}, in force ${inForce}`)
    }
  }
  return violations
}
