import { setTimeout as delay } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../tables.generated.ts'

export interface ReadLimits {
  /** Milliseconds after which the server ends a statement; 0 for none. */
  readonly timeoutMs?: number
  /** Ends the statement under way when its asker is gone. */
  readonly signal?: AbortSignal
}

/**
 * Runs statements of our own in one read-only transaction, a snapshot, with the rights of `role`; those
 * of the login without one. It takes one connection, and a second one for a moment if the asker leaves.
 */
export function readSnapshot<T>(
  query: Kysely<Database>,
  { timeoutMs = 0, signal, role }: ReadLimits & { readonly role?: string | undefined },
  use: (snapshot: Kysely<Database>) => Promise<T>,
): Promise<T> {
  return query
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      // Compiling the expressions of a mart takes longer than they do.
      const { rows } = await sql<{ pid: number }>`
        select
          set_config('statement_timeout', ${String(timeoutMs)}, true),
          set_config('jit', 'off', true),
          pg_backend_pid() as pid`.execute(snapshot)
      if (role !== undefined) await sql`set local role ${sql.id(role)}`.execute(snapshot)
      if (signal === undefined) return use(snapshot)
      return endedBy(
        signal,
        () => cancel(query, rows[0]?.pid ?? 0),
        () => use(snapshot),
      )
    })
}

/** Time between two cancellations: one that comes between two statements ends neither. */
const againMs = 100

async function endedBy<T>(
  signal: AbortSignal,
  end: () => Promise<unknown>,
  use: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  let isOver = false
  let ending: Promise<void> | undefined
  const endAll = async () => {
    while (!isOver) {
      await end().catch(() => undefined)
      if (!isOver) await delay(againMs)
    }
  }
  const onAbort = () => {
    ending = endAll()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await use()
  } finally {
    isOver = true
    signal.removeEventListener('abort', onAbort)
    // One that came later would end a statement of whoever is lent the connection next.
    await ending
  }
}

/** The server would notice a closed connection only when it sends something. */
function cancel(query: Kysely<Database>, pid: number) {
  return sql`select pg_cancel_backend(${pid})`.execute(query)
}
