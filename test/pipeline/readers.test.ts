import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { demoSettings } from '../../src/sandbox/settings.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../src/warehouse/tables.generated.ts'
import { whileLocked } from '../support/load-referrals.ts'
import {
  failureOf,
  type TestPipeline,
  withPipeline,
  withSandbox,
} from '../support/with-pipeline.ts'

const population = { referrals: 250, seed: 11, broken: 4 }
const timeoutMs = 120_000

/**
 * Tables that a dashboard reads, without those that a load fills before its publish: the account, its run
 * while it goes on, and members that all accounts share.
 */
const read = (Object.keys(tables) as TableName[]).filter(
  (name) =>
    name.startsWith('dw.') &&
    ![
      'dw.dim_partner_account',
      'dw.dim_status',
      'dw.dim_currency',
      'dw.dim_date',
      'dw.fx_rate',
      'dw.fact_run',
    ].includes(name),
)

/** Rows and content of a table, surrogates, hashes and run numbers included. */
const totalOf = (table: TableName) => sql<string>`(
  select count(*) || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)), 0)
  from ${sql.table(table)} t)`

const publications = sql<number>`(
  select count(*) from etl.run where run_status = 'published')`

/** Sessions that have written and not yet committed. */
const writers = sql<number>`(
  select count(*) from pg_stat_activity
  where datname = current_database() and backend_xid is not null)`

/** The whole star in one statement, and whether a session was writing meanwhile. */
async function look(db: Kysely<Database>) {
  const totals = sql.join(read.map((table) => sql`${table}::text, ${totalOf(table)}`))
  const { rows } = await sql<{ state: string; writers: number }>`
    select jsonb_build_object('publications', ${publications}, ${totals})::text as state,
      ${writers} as writers`.execute(db)
  return rows[0] ?? { state: '', writers: 0 }
}

/** The whole star in a statement for each table, as a dashboard reads it under repeatable read. */
async function lookAround(db: Kysely<Database>) {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (transaction) => {
      const counted = await sql<{ publications: number; writers: number }>`
        select ${publications} as publications, ${writers} as writers`.execute(transaction)
      const { publications: number = 0, writers: sessions = 0 } = counted.rows[0] ?? {}
      const totals: Record<string, unknown> = { publications: number }
      for (const table of read) {
        await sleep(1)
        const { rows } = await sql<{ total: string }>`
          select ${totalOf(table)} as total`.execute(transaction)
        totals[table] = rows[0]?.total
      }
      const sorted = await sql<{ state: string }>`
        select ${JSON.stringify(totals)}::jsonb::text as state`.execute(transaction)
      return { state: sorted.rows[0]?.state ?? '', writers: sessions }
    })
}

/** Repeats `observe` while `load` goes on; returns all that was observed. */
async function observeDuring<T>(observe: () => Promise<T>, load: Promise<unknown>): Promise<T[]> {
  let isOver = false
  const over = load.finally(() => {
    isOver = true
  })
  // Awaited below; until then its failure must not count as an unhandled rejection.
  over.catch(() => undefined)
  const observed: T[] = []
  while (!isOver) observed.push(await observe())
  await over
  return observed
}

/** Seven loads of every kind, with their names. */
function loadsOf({ sandbox, run, rebuild }: TestPipeline): [string, () => Promise<unknown>][] {
  const damaged = (broken: number) => () =>
    withSandbox({ ...population, broken }, async (other) => run(true, demoSettings(other.url)))
  const afterwards = (happens: () => unknown, load: () => Promise<unknown>) => () => {
    happens()
    return load()
  }
  return [
    ['a first load', () => run()],
    ['a night with changes', afterwards(() => sandbox.change(40), run)],
    ['new referrals', afterwards(() => sandbox.arrive(15), run)],
    [
      'a full read that misses some',
      afterwards(
        () => sandbox.vanish(6),
        () => run(true),
      ),
    ],
    ['the full read after it', () => run(true)],
    ['a rebuild', () => rebuild()],
    ['one that is refused at its end', () => failureOf(damaged(30)())],
  ]
}

test(
  'a reader during loads sees the result of one publish, never a mixture',
  () =>
    withPipeline(population, async (nights) => {
      const [asker, dashboard] = await Promise.all([
        openDatabase(nights.url),
        openDatabase(nights.url),
      ])
      try {
        const looks: Record<string, number> = {}
        let before = (await look(nights.db)).state
        for (const [what, load] of loadsOf(nights)) {
          const loading = load()
          const [one, several] = await Promise.all([
            observeDuring(() => look(asker.query), loading),
            observeDuring(() => lookAround(dashboard.query), loading),
          ])
          const after = (await look(nights.db)).state
          const isRefused = what.includes('refused')
          expect(after === before, what).toBe(isRefused)
          for (const observed of [one, several]) {
            const states = observed.map(({ state }) => state)
            const isNew = states.map((state) => state === after)
            expect(
              states.filter((state) => state !== before && state !== after),
              what,
            ).toEqual([])
            // Once published, it stays.
            expect(
              [...isNew].sort((a, b) => Number(a) - Number(b)),
              what,
            ).toEqual(isNew)
          }
          const amidst = one.filter((seen) => seen.writers > 0 && seen.state === before).length
          expect(amidst, `${what}: looks while rows were written`).toBeGreaterThan(0)
          looks[what] = one.length + several.length
          before = after
        }
        console.info('looks during', looks)
      } finally {
        await Promise.all([asker.close(), dashboard.close()])
      }
    }),
  timeoutMs,
)

/** Modes of the locks that other sessions hold or wait for on tables of a schema. */
async function locksIn(db: Kysely<Database>, schema: string): Promise<string[]> {
  const { rows } = await sql<{ mode: string }>`
    select distinct l.mode
    from pg_locks l
    join pg_class c on c.oid = l.relation
    where l.database = (select oid from pg_database where datname = current_database())
      and c.relnamespace::regnamespace::text = ${schema}
      and l.pid <> pg_backend_pid()
    order by l.mode`.execute(db)
  return rows.map((row) => row.mode)
}

/** Waits until a statement waits for a lock. */
async function untilOneWaits(db: Kysely<Database>) {
  for (;;) {
    const waiting = await sql`
      select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    if (waiting.rows.length > 0) return
    await sleep(5)
  }
}

/** Lock modes compatible with a reader's lock: all but ACCESS EXCLUSIVE. */
const harmless = ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock']

describe('a publish', () => {
  test(
    'a publish holds no lock that a reader would wait for',
    () =>
      withPipeline(population, async (nights) => {
        const { db, warehouse } = nights
        for (const [what, load] of loadsOf(nights).slice(0, 6)) {
          let loading: Promise<unknown> | undefined
          // Its last table but one: all locks of the transaction are held by then.
          await whileLocked(warehouse, 'etl.run_table', async () => {
            loading = load()
            await untilOneWaits(db)
            // A second full read in one night is no second look, and may change no row.
            const mayWriteNothing = what === 'the full read after it'
            for (const schema of mayWriteNothing ? [] : ['dw', 'pii']) {
              expect(await locksIn(db, schema), what).toContain('RowExclusiveLock')
            }
            for (const schema of ['dw', 'mart', 'pii', 'raw']) {
              expect(harmless, what).toEqual(expect.arrayContaining(await locksIn(db, schema)))
            }
          })
          await loading
        }
      }),
    timeoutMs,
  )

  test(
    'a publish and a reader who keeps every table open do not wait for one another',
    () =>
      withPipeline(population, async (nights) => {
        const [reader, watcher] = await Promise.all([
          openDatabase(nights.url),
          openDatabase(nights.url),
        ])
        const dw = (Object.keys(tables) as TableName[]).filter((name) => name.startsWith('dw.'))
        try {
          await reader.query.transaction().execute(async (transaction) => {
            const own = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(
              transaction,
            )
            const pid = own.rows[0]?.pid ?? 0
            for (const table of dw) {
              await sql`lock table ${sql.table(table)} in access share mode`.execute(transaction)
            }
            for (const load of loadsOf(nights)
              .slice(0, 6)
              .map(([, one]) => one)) {
              const waits = await observeDuring(async () => {
                await look(transaction)
                // Found by blocking sessions: tables of other tests' databases have the same numbers.
                const { rows } = await sql`
                  select 1 from pg_stat_activity
                  where ${pid} = any(pg_blocking_pids(pid))`.execute(watcher.query)
                return rows.length
              }, load())
              expect(waits.filter((count) => count > 0)).toEqual([])
              expect(waits.length).toBeGreaterThan(3)
            }
          })
        } finally {
          await Promise.all([reader.close(), watcher.close()])
        }
      }),
    timeoutMs,
  )
})
