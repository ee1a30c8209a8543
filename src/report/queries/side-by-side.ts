import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** A part of a report, read by statements of its own. */
type Read<T> = (snapshot: Kysely<Database>) => Promise<T>

type Results<Reads> = { [Name in keyof Reads]: Reads[Name] extends Read<infer T> ? T : never }

/** Connections that read side by side: as many as a small server has cores, and one. */
const connections = 3

/** Runs `use` in a read-only transaction that sees one state of the warehouse throughout. */
export function inSnapshot<T>(query: Kysely<Database>, use: Read<T>): Promise<T> {
  return query
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      await prepare(snapshot)
      return use(snapshot)
    })
}

/**
 * What a mart joins fits into memory, and compiling the expressions takes longer than they do. The
 * statements are side by side already. There are few groups, whatever is expected of them: to hash the rows
 * takes a third of sorting them.
 */
const prepare = (snapshot: Kysely<Database>) =>
  sql`
  select set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('enable_sort', 'off', true)`.execute(snapshot)

/**
 * Returns what each of the reads returns by its name. They begin in their order, side by side on `first`
 * and on further connections of `query`, all in the snapshot of `first`, which `inSnapshot` made. Where
 * there is no further connection to be had, `first` reads all. After a failure none begins.
 */
export async function readSideBySide<Reads extends Readonly<Record<string, Read<unknown>>>>(
  query: Kysely<Database>,
  first: Kysely<Database>,
  reads: Reads,
): Promise<Results<Reads>> {
  const exported = await sql<{ id: string }>`select pg_export_snapshot() as id`.execute(first)
  const id = exported.rows[0]?.id ?? ''
  const waiting = Object.entries(reads)
  const done: Record<string, unknown> = {}
  const work = async (snapshot: Kysely<Database>) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, read] = next
      done[name] = await read(snapshot).catch((error) => {
        waiting.length = 0
        throw error
      })
    }
  }
  const own = work(first)
  const working = [own]
  const help = (snapshot: Kysely<Database>) => {
    const helping = work(snapshot)
    working.push(helping)
    return helping
  }
  for (let no = 1; no < connections; no++) {
    // Whoever cannot join is not needed, and what a helper reads fails below.
    joinSnapshot(query, id, help).catch(() => undefined)
  }
  // Then nothing waits any more. A helper that a pooler lets wait for the connection of `first` has nothing
  // to do, and is not waited for.
  await Promise.allSettled([own])
  for (const one of await Promise.allSettled(working)) {
    if (one.status === 'rejected') throw one.reason
  }
  return done as Results<Reads>
}

/** Runs `use` in a transaction of its own that sees what the one that exported the snapshot sees. */
function joinSnapshot(query: Kysely<Database>, id: string, use: Read<void>): Promise<void> {
  return query
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      // Before any other statement of the transaction. It takes no parameter.
      await sql`set transaction snapshot ${sql.lit(id)}`.execute(snapshot)
      await prepare(snapshot)
      await use(snapshot)
    })
}
