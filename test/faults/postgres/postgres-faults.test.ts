import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { landPage } from '../../../src/load/landing/land-page.ts'
import { readLanded } from '../../../src/load/landing/read-landed.ts'
import { fencedTransaction } from '../../../src/load/runs/fenced-transaction.ts'
import { stageRows } from '../../../src/load/staging/stage.ts'
import { rebuild } from '../../../src/pipeline/rebuild.ts'
import { run } from '../../../src/pipeline/run.ts'
import type { RunContext } from '../../../src/pipeline/run-context.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import {
  databaseFailure,
  openDatabase,
  type Warehouse,
} from '../../../src/warehouse/connection/database.ts'
import { pauseMs, retryTransient } from '../../../src/warehouse/connection/retry-transient.ts'
import { withDatabase } from '../../support/database.ts'
import { type Digest, digestState } from '../../support/digest.ts'
import {
  aLanding,
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  publishStaged,
  referralIdOf,
  silent,
  stageLanded,
  type TestAccount,
  untilWaiting,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'
import { type Wire, withWire } from '../../support/wire.ts'
import {
  contextOf,
  failureOf as exitOf,
  type TestPipeline,
  withPipeline,
} from '../../support/with-pipeline.ts'

const population = { referrals: 60, seed: 5, pageCap: 20 }
const timeoutMs = 180_000

/** The time of reading may differ. */
const state = ({ db }: Pick<TestPipeline, 'db'>): Promise<Digest> =>
  digestState(db, ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_partner_account'])

/** Runs a night over connections of its own; returns its log too. */
async function runOver(url: string, { sandbox, home }: TestPipeline, full = false) {
  const warehouse = await openDatabase(url, silent)
  try {
    const settings = demoSettings(sandbox.url)
    return await run(contextOf(warehouse, home, [], settings), full)
  } finally {
    await warehouse.close()
  }
}

const alterDatabase = async ({ db, url }: Pick<TestPipeline, 'db' | 'url'>, setting: string) =>
  sql.raw(`alter database ${new URL(url).pathname.slice(1)} set ${setting}`).execute(db)

/** Statements of a night, by a phrase that each has alone; each is retried after a cut. */
const statements: readonly (string | readonly string[])[] = [
  'with fetched as',
  ['with fetched as', 'update etl.extract_window'],
  'insert into stg.listed_referral',
  ['insert into stg.listed_referral', 'commit'],
  'insert into etl.principal_referral',
  'referral_presence',
  ['insert into etl.principal_referral', 'commit'],
  'delete from stg.dim_referral',
  "set_config('enable_sort'",
  'landed.version_no',
  'copy stg.dim_referral',
  'copy stg.fact_referral_history',
  'analyze stg.dim_referral',
  'fresh as materialized',
  'from stg.enum_value as s',
  'insert into dw.dim_referral',
  'delete from dw.fact_registration',
  'insert into dw.fact_referral_history',
  'insert into pii.contact',
  'delete from dw.fact_finding',
  'update etl.quarantine',
  'offenders as materialized',
  'insert into etl.run_table',
  ['insert into etl.run_table', 'commit'],
]

describe('a run whose connection is cut', () => {
  // Only what is copied or committed makes a difference between delivered and undelivered.
  const isKept = (words: string | readonly string[]) => /copy|commit/.test(String(words))
  test.each([
    { moment: 'undelivered', statements },
    { moment: 'delivered', statements: statements.filter(isKept) },
  ] as const)(
    'a run goes on after a cut at each of its statements ($moment)',
    async ({ moment, statements }) => {
      const change = ({ sandbox }: TestPipeline) => void sandbox.change(3, 'revalue')
      const quiet = await quietly(statements.length, change)
      await withPipeline(population, (nights) =>
        withWire(nights.url, async (wire) => {
          for (const [index, words] of statements.entries()) {
            if (index > 0) change(nights)
            wire.cutAt(words, moment)
            const summary = await runOver(wire.url, nights, index % 2 === 0)
            expect(wire.isDone(), `${words}`).toBe(true)
            expect(summary, `${words}`).toMatchObject({ status: 'published', quarantined: 0 })
          }
          expect(await state(nights)).toEqual(quiet)
        }),
      )
    },
    timeoutMs,
  )

  test.each([
    { words: 'insert into etl.run ', why: 'begins in the ledger' },
    {
      words: 'update etl.extract_window set window_status',
      why: 'records in the ledger what it read',
    },
  ])('a run that is cut where it $why ends with 75, and the next one goes on', ({ words }) =>
    withPipeline(population, (nights) =>
      withWire(nights.url, async (wire) => {
        wire.cutAt(words, 'undelivered')
        expect(await exitOf(runOver(wire.url, nights))).toMatchObject({ exitCode: 75 })
        expect(wire.isDone()).toBe(true)
        expect(await countOf({ query: nights.db }, 'dw.fact_referral')).toBe(0)
        expect(await nights.run()).toMatchObject({ changed: population.referrals })
      }),
    ),
  )

  test('a run that is cut lands the absence of a referral once', () =>
    withPipeline(population, (nights) =>
      withWire(nights.url, async (wire) => {
        await nights.run()
        nights.sandbox.vanish(2)
        wire.cutAt(['referral_absence', 'commit'], 'delivered')
        expect(await runOver(wire.url, nights, true)).toMatchObject({ missing: 0 })
        expect(wire.isDone()).toBe(true)
        const absences = await nights.db
          .selectFrom('raw.payload')
          .select('version_no')
          .where('resource_type', '=', 'referral_absence')
          .execute()
        expect(absences).toEqual([{ version_no: 1 }, { version_no: 1 }])
      }),
    ))
})

/** Runs the given number of nights without faults. */
async function quietly(count: number, change: (nights: TestPipeline) => void): Promise<Digest> {
  let digest: Digest = {}
  await withPipeline(population, async (nights) => {
    for (let night = 0; night < count; night++) {
      if (night > 0) change(nights)
      await nights.run(night % 2 === 0)
    }
    digest = await state(nights)
  })
  return digest
}

async function withStaged<T>(
  use: (account: TestAccount, publishIt: () => Promise<unknown>, url: string) => Promise<T>,
): Promise<T> {
  return withDatabase(async (_, url, warehouse) => {
    const account = await anAccount(warehouse)
    const runId = await aRun(account)
    const wires = [1, 2, 3].map((no) => aReferral({ id: referralIdOf(no) }))
    await landReferrals(account, runId, wires)
    const staged = await stageLanded(account, 'unpublished')
    return use(account, () => publishStaged(account, runId, staged), url)
  })
}

describe('a publish that meets another transaction', () => {
  test('a publish that is the victim of a deadlock is retried', () =>
    withStaged(async (account, publishIt, url) => {
      const other = await openDatabase(url)
      let publishing: Promise<unknown> | undefined
      await other.query.transaction().execute(async (holder) => {
        // The session whose deadlock timeout ends first is the victim.
        await sql`set local deadlock_timeout = '60s'`.execute(holder)
        await sql`lock table dw.fact_acv_schedule in exclusive mode`.execute(holder)
        publishing = publishIt()
        await untilWaiting(account.warehouse, 1)
        await sql`lock table dw.dim_referral in exclusive mode`.execute(holder)
      })
      expect(await publishing).toMatchObject({ staged: 3, changed: 3 })
      await other.close()
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(3)
    }))

  test.each([
    { error: 'serialization_failure', why: 'cannot be serialized' },
    { error: 'query_canceled', why: 'is cancelled once' },
  ])('a publish that $why is retried', ({ error }) =>
    withStaged(async ({ warehouse, lease }) => {
      let times = 0
      const done = await fencedTransaction(warehouse.query, lease, async (transaction) => {
        times++
        const raise = `do $$ begin raise exception 'no' using errcode = '${error}'; end $$`
        if (times === 1) await sql.raw(raise).execute(transaction)
        return 'done'
      })
      expect([done, times]).toEqual(['done', 2])
    }),
  )

  test('a publish that runs into a lock timeout is retried when the lock is free', () =>
    withStaged(async ({ warehouse, lease }) => {
      let times = 0
      let isFree: Promise<unknown> = Promise.resolve()
      await warehouse.query.transaction().execute(async (holder) => {
        await sql`lock table dw.dim_tag in exclusive mode`.execute(holder)
        isFree = fencedTransaction(warehouse.query, lease, async (transaction) => {
          times++
          await sql`set local lock_timeout = '100ms'`.execute(transaction)
          await sql`lock table dw.dim_tag in exclusive mode`.execute(transaction)
        })
        while (times < 2) await sleep(20)
      })
      await isFree
      expect(times).toBeGreaterThan(1)
    }))

  test('a transaction whose rollback was cancelled leaves no connection that is still in it', () =>
    withDatabase(async (db, url) => {
      const warehouse = await openDatabase(url, silent)
      let cancelling: Promise<unknown> = Promise.resolve()
      const failing = warehouse.query.transaction().execute(async (transaction) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(
          transaction,
        )
        // Cancelled again and again, also while the rollback is sent.
        cancelling = sql
          .raw(
            `do $$ declare until timestamptz := clock_timestamp() + interval '100 ms'; begin
              while clock_timestamp() < until loop perform pg_cancel_backend(${rows[0]?.pid}); end loop;
            end $$`,
          )
          .execute(db)
        await sleep(20)
        await sql`select 1 / 0`.execute(transaction)
      })
      await failureOf(failing)
      await cancelling
      const again = () => warehouse.query.transaction().execute((one) => sql`select 1`.execute(one))
      for (let tries = 0; tries < 4; tries++) expect((await again()).rows).toHaveLength(1)
      await warehouse.close()
    }))
})

describe('a run that PostgreSQL blocks', () => {
  test('a run ends with 75 when every transaction is read only, and the next one goes on', () =>
    withPipeline(population, async (nights) => {
      const { db, url } = nights
      await alterDatabase(nights, 'default_transaction_read_only = on')
      const failure = await exitOf(runOver(url, nights))
      expect(failure).toMatchObject({ exitCode: 75, message: expect.stringMatching(/25006/) })
      expect(await countOf({ query: db }, 'dw.fact_referral')).toBe(0)
      await alterDatabase(nights, 'default_transaction_read_only to default')
      expect(await runOver(url, nights)).toMatchObject({ changed: population.referrals })
    }))

  test('a run ends with 75 when the user may not open another connection', () =>
    withPipeline(population, async (nights) => {
      await withRole(nights, 'connection limit 1', async (url) => {
        const failure = await exitOf(runOver(url, nights))
        expect(failure).toMatchObject({ exitCode: 75, message: expect.stringMatching(/53300/) })
        expect(await countOf({ query: nights.db }, 'dw.fact_referral')).toBe(0)
        const left = await nights.db.selectFrom('stg.dim_referral').select('referral_no').execute()
        expect(left).toEqual([])
      })
      // The lease could not be released either, and lapses.
      await sql`update etl.lease set expires_at = clock_timestamp()`.execute(nights.db)
      expect(await nights.run()).toMatchObject({ changed: population.referrals })
    }))

  test('a run that lacks a right ends with 78 and names the table', () =>
    withPipeline(population, async (nights) => {
      await withRole(nights, '', async (url, role) => {
        await sql`revoke insert on dw.fact_registration from ${sql.id(role)}`.execute(nights.db)
        const failure = await exitOf(runOver(url, nights))
        expect(failure).toMatchObject({ exitCode: 78, code: 'database.forbidden' })
        expect(failure.message).toContain('fact_registration')
        expect(failure.message).toContain('Grant')
        expect(await countOf({ query: nights.db }, 'dw.fact_referral')).toBe(0)
        await sql`grant insert on dw.fact_registration to ${sql.id(role)}`.execute(nights.db)
        expect(await runOver(url, nights)).toMatchObject({ changed: population.referrals })
      })
    }))
})

/** Runs `use` with the address of a role that may load and nothing else. */
async function withRole(
  { db, url }: TestPipeline,
  limits: string,
  use: (url: string, role: string) => Promise<void>,
) {
  const role = `cosell_test_loader_${process.pid}`
  await sql.raw(`create role ${role} login password 'for tests' ${limits}`).execute(db)
  const schemas = 'dw, mart, raw, pii, etl, stg'
  try {
    await sql
      .raw(
        `grant usage, create on schema ${schemas} to ${role};
        grant all on all tables in schema ${schemas} to ${role};
        grant all on all sequences in schema ${schemas} to ${role};
        do $$ declare t regclass; begin
          for t in select oid from pg_class where relkind = 'r' and relnamespace = 'stg'::regnamespace
          loop execute format('alter table %s owner to ${role}', t); end loop; end $$`,
      )
      .execute(db)
    const theirs = new URL(url)
    theirs.username = role
    theirs.password = 'for tests'
    await use(theirs.href, role)
  } finally {
    await sql
      .raw(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
      .execute(db)
  }
}

describe('a network that swallows what is sent', () => {
  const silenceMs = 500

  test.each([
    {
      what: 'a statement',
      use: (warehouse: Warehouse, wire: Wire) => {
        wire.swallow()
        return sql`select 1`.execute(warehouse.query)
      },
    },
    {
      what: 'a COPY',
      use: async (warehouse: Warehouse, wire: Wire) => {
        const { lease } = await anAccount(warehouse)
        async function* batches() {
          wire.swallow()
          yield { 'stg.dim_tag': [aTag] }
        }
        return stageRows(warehouse, lease, batches())
      },
    },
    {
      what: 'a read of the landing zone',
      use: async (warehouse: Warehouse, wire: Wire) => {
        const account = await anAccount(warehouse)
        const wires = Array.from({ length: 600 }, (_, no) => aReferral({ id: referralIdOf(no) }))
        await landReferrals(account, await aRun(account), wires)
        for await (const _ of readLanded(warehouse.query, account.key, 'all')) wire.swallow()
      },
    },
  ])('a silent network ends $what after the timeout', ({ use }) =>
    withDatabase((_, url) =>
      withWire(url, async (wire) => {
        const warehouse = await openDatabase(wire.url, silent, { silentMsMax: silenceMs })
        const started = performance.now()
        const failure = await failureOf(use(warehouse, wire))
        expect(databaseFailure(failure)).toMatchObject({ exitCode: 75 })
        expect(performance.now() - started).toBeLessThan(10 * silenceMs)
        await warehouse.close()
      }),
    ),
  )
})

const aTag = {
  ...{ partner_account_key: 1, referral_no: 1 },
  ...{ tag_group: 'Product', tag_type: 'Products', tag_id: 'Azure' },
}

test('timeouts of a database end neither a run nor a rebuild', async () => {
  let expected: Digest = {}
  await withPipeline(population, async (nights) => {
    await nights.run()
    expected = await state(nights)
  })
  await withPipeline(population, async (nights) => {
    const { db, url, sandbox, home } = nights
    const timeouts = [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
      'idle_session_timeout',
    ]
    for (const name of timeouts) await alterDatabase(nights, `${name} = '100ms'`)
    const longer = () => sleep(500)
    /** Makes a statement wait for a lock, and a transaction idle, for longer than the timeouts. */
    const slowly = (load: (context: RunContext) => Promise<unknown>) =>
      withWire(url, async (wire) => {
        const warehouse = await openDatabase(wire.url, silent)
        try {
          const settings = demoSettings(sandbox.url)
          let loading: Promise<unknown> | undefined
          await db.transaction().execute(async (holder) => {
            await sql`set local idle_in_transaction_session_timeout = 0`.execute(holder)
            await sql`lock table dw.fact_acv_schedule in exclusive mode`.execute(holder)
            loading = load(contextOf(warehouse, home, [], settings))
            await untilWaiting({ query: db }, 1)
            await longer()
          })
          wire.pauseAt('insert into etl.run_table', longer)
          expect(await loading).toMatchObject({ status: 'published' })
          expect(wire.isDone()).toBe(true)
        } finally {
          await warehouse.close()
        }
      })
    await slowly((context) => run(context, false))
    expect(await state(nights)).toEqual(expected)
    await sql`delete from dw.fact_acv_schedule`.execute(db)
    await slowly(rebuild)
    expect(await state(nights)).toEqual(expected)
  })
})

test('other defaults of the database change nothing that is published', async () => {
  let expected: Digest = {}
  await withPipeline(population, async (nights) => {
    await nights.run()
    expected = await state(nights)
  })
  const foreign = [
    `DateStyle = 'German, DMY'`,
    `TimeZone = 'Asia/Kathmandu'`,
    `IntervalStyle = 'sql_standard'`,
    'search_path = hijack, pg_catalog',
    'standard_conforming_strings = off',
    'array_nulls = off',
    'extra_float_digits = -5',
    `bytea_output = 'escape'`,
    `default_transaction_isolation = 'serializable'`,
    `lc_messages = 'C'`,
    `lc_numeric = 'C'`,
    'transform_null_equals = on',
  ]
  await withPipeline(population, async (nights) => {
    for (const setting of foreign) await alterDatabase(nights, setting)
    await sql
      .raw(`create schema hijack;
        create function hijack.now() returns timestamptz language sql as 'select timestamptz ''2001-01-01''';
        create function hijack.clock_timestamp() returns timestamptz language sql
          as 'select timestamptz ''2001-01-01''';
        create function hijack.lower(text) returns text language sql as 'select ''hijacked''';
        create function hijack.coalesced() returns text language sql as 'select ''hijacked'''`)
      .execute(nights.db)
    expect(await runOver(nights.url, nights)).toMatchObject({ changed: population.referrals })
    expect(await state(nights)).toEqual(expected)
  })
})

test('lists of 100,000 ids stay below the 65,535 parameters of a statement', () =>
  withDatabase(async (db, _, warehouse) => {
    const account = await anAccount(warehouse)
    const runId = await aRun(account)
    const landing = aLanding({ id: 'one', eTag: 'x' })
    const ids = Array.from({ length: 100_000 }, (_, no) => referralIdOf(no))
    const landed = await landPage(db, account.lease, {
      runId,
      windowNo: 1,
      landings: ids.map((resource_id) => ({ ...landing, resource_id })),
    })
    expect(landed).toHaveLength(ids.length)
    let read = 0
    for await (const _ of readLanded(db, account.key, { ids })) read++
    expect(read).toBe(ids.length)
  }))

describe('retryTransient', () => {
  const failing = (codes: readonly (string | undefined)[]) => {
    const waits: number[] = []
    let tries = 0
    const work = async () => {
      if (tries < codes.length) {
        const code = codes[tries++]
        const lost = 'Connection terminated unexpectedly'
        throw code === undefined ? new Error(lost) : Object.assign(new Error('no'), { code })
      }
      return 'done'
    }
    const ended = retryTransient(work, async (ms) => waits.push(ms))
    return ended.then(
      (result) => ({ result, waits }),
      (error: unknown) => ({ failure: databaseFailure(error), waits }),
    )
  }

  test.each([
    { codes: ['57P01', '57P02', '57P03', 'ECONNRESET'], why: 'a restart' },
    { codes: ['08006', undefined, 'ECONNREFUSED', 'EPIPE'], why: 'a lost connection' },
    { codes: ['40P01', '40001', '55P03'], why: 'another transaction' },
    { codes: ['57014'], why: 'a statement that was cancelled once' },
  ])('retryTransient outlasts $why', async ({ codes }) => {
    const { waits, ...ended } = await failing(codes)
    expect(ended).toEqual({ result: 'done' })
    expect(waits).toHaveLength(codes.length)
  })

  test.each([
    { codes: Array(9).fill('57P01'), tries: 5, kind: 'tryAgainLater', why: 'four times' },
    {
      codes: Array(9).fill('57014'),
      tries: 2,
      kind: 'tryAgainLater',
      why: 'once after a cancellation',
    },
    { codes: ['53100'], tries: 1, kind: 'tryAgainLater', why: 'not at all for a full disk' },
    { codes: ['53300'], tries: 1, kind: 'tryAgainLater', why: 'not for too many connections' },
    { codes: ['53400'], tries: 1, kind: 'tryAgainLater', why: 'not for a limit of the server' },
    { codes: ['25006'], tries: 1, kind: 'tryAgainLater', why: 'not for a standby' },
    { codes: ['42501'], tries: 1, kind: 'configuration', why: 'not for a missing right' },
    { codes: ['42601'], tries: 1, kind: 'bug', why: 'not for a fault of ours' },
  ])('retryTransient retries $why', async ({ codes, tries, kind }) => {
    const { waits, ...ended } = await failing(codes)
    expect(ended).toMatchObject({ failure: { kind } })
    expect(waits).toHaveLength(tries - 1)
  })

  test('retryTransient waits longer each time, with random pauses', () => {
    expect([1, 2, 3, 4].map((tries) => pauseMs(tries, 1))).toEqual([200, 800, 3200, 12_800])
    expect(pauseMs(4, 0)).toBe(6400)
  })
})
