import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { landPage } from '../../../src/load/landing/land-page.ts'
import { readLanded } from '../../../src/load/landing/read-landed.ts'
import { fencedTransaction } from '../../../src/load/runs/fenced-transaction.ts'
import { stageRows } from '../../../src/load/staging/stage.ts'
import { run } from '../../../src/pipeline/run.ts'
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
  'insert into stg.listed_referral',
  ['insert into stg.listed_referral', 'update etl.extract_window'],
  ['update etl.extract_window', 'commit'],
  'insert into etl.principal_referral',
  'referral_presence',
  ['insert into etl.principal_referral', 'commit'],
  'lock table etl.lease',
  'truncate table',
  'from "raw"."payload" as "landed"',
  'copy stg.dim_referral',
  'copy stg.fact_referral_history',
  'analyze stg.dim_referral',
  'fresh as materialized',
  'insert into etl.enum_value',
  'insert into "dw"."dim_referral"',
  'analyze stg.referral_key',
  ['delete from "dw"."fact_registration"'],
  'insert into "dw"."fact_acv_schedule"',
  'insert into "pii"."contact"',
  'delete from etl.dq_finding',
  'update etl.quarantine',
  'with offenders as materialized',
  'insert into "etl"."run_table"',
  ['insert into "etl"."run_table"', 'commit'],
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
    { words: 'insert into "etl"."run"', why: 'begins in the ledger' },
    { words: 'update "etl"."extract_window"', why: 'records in the ledger what it read' },
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

  test('a publish that cannot be serialized is retried', () =>
    withStaged(async (account, _, url) => {
      await alterDatabase(
        { db: account.warehouse.query, url },
        `default_transaction_isolation = 'repeatable read'`,
      )
      const strict = await openDatabase(url)
      let times = 0
      const done = await fencedTransaction(strict.query, account.lease, async (transaction) => {
        times++
        await sql`select 1 from etl.setting`.execute(transaction)
        const raise = sql`update etl.setting set setting_value = setting_value
          where setting_name = 'fiscal_year_start_month'`
        if (times === 1) await raise.execute(account.warehouse.query)
        await raise.execute(transaction)
        return 'done'
      })
      expect([done, times]).toEqual(['done', 2])
      await strict.close()
    }))

  test('a publish that runs into the lock timeout is retried when the lock is free', () =>
    withStaged(async (account, _, url) => {
      await alterDatabase({ db: account.warehouse.query, url }, `lock_timeout = '100ms'`)
      const hasty = await openDatabase(url)
      let times = 0
      let isFree: Promise<unknown> = Promise.resolve()
      await account.warehouse.query.transaction().execute(async (holder) => {
        await sql`lock table dw.dim_tag in exclusive mode`.execute(holder)
        isFree = fencedTransaction(hasty.query, account.lease, async (transaction) => {
          times++
          await sql`lock table dw.dim_tag in exclusive mode`.execute(transaction)
        })
        while (times < 2) await new Promise((resolve) => setTimeout(resolve, 20))
      })
      await isFree
      expect(times).toBeGreaterThan(1)
      await hasty.close()
    }))
})

describe('a run that PostgreSQL blocks', () => {
  test.each([
    {
      why: 'a statement may not take as long as it waits',
      setting: `statement_timeout = '300ms'`,
      locked: true,
      says: /57014: .*statement timeout/,
    },
    {
      why: 'every transaction is read only, as after a failover',
      setting: 'default_transaction_read_only = on',
      locked: false,
      says: /25006/,
    },
  ])('a run ends with 75 when $why, and the next one goes on', ({ setting, locked, says }) =>
    withPipeline(population, async (nights) => {
      const { db, url } = nights
      await alterDatabase(nights, setting)
      const ending = () => exitOf(runOver(url, nights))
      const failure = locked
        ? await db.transaction().execute(async (holder) => {
            await sql`lock table dw.fact_acv_schedule in exclusive mode`.execute(holder)
            return ending()
          })
        : await ending()
      expect(failure).toMatchObject({ exitCode: 75, message: expect.stringMatching(says) })
      expect(await countOf({ query: db }, 'dw.fact_referral')).toBe(0)
      await alterDatabase(nights, `${setting.split(' ')[0]} to default`)
      expect(await runOver(url, nights)).toMatchObject({ changed: population.referrals })
    }),
  )

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
      what: 'a cursor',
      use: async (warehouse: Warehouse, wire: Wire) => {
        const numbers = sql<{ no: number }>`(select no from generate_series(1, 9) as no)`
        const rows = warehouse.query.selectFrom(numbers.as('numbers')).selectAll().stream(1)
        for await (const _ of rows) wire.swallow()
      },
    },
  ])('a silent network ends $what after the timeout', ({ use }) =>
    withDatabase((_, url) =>
      withWire(url, async (wire) => {
        const warehouse = await openDatabase(wire.url, silent, silenceMs)
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
    const { changed } = await landPage(db, account.lease, {
      runId,
      windowNo: 1,
      landings: ids.map((resource_id) => ({ ...landing, resource_id })),
    })
    expect(changed).toBe(ids.length)
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
    { codes: ['57014'], why: 'a statement that ran out of time once' },
  ])('retryTransient outlasts $why', async ({ codes }) => {
    const { waits, ...ended } = await failing(codes)
    expect(ended).toEqual({ result: 'done' })
    expect(waits).toHaveLength(codes.length)
  })

  test.each([
    { codes: Array(9).fill('57P01'), tries: 5, kind: 'tryAgainLater', why: 'four times' },
    { codes: Array(9).fill('57014'), tries: 2, kind: 'tryAgainLater', why: 'once for time' },
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
