import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { LandedResource } from '../../src/load/landing/read-landed.ts'
import { acquireLease } from '../../src/load/runs/lease.ts'
import { createLog } from '../../src/log.ts'
import { type EarlyLoading, startEarlyLoad } from '../../src/pipeline/early-load.ts'
import { startLanding } from '../../src/pipeline/land-pages.ts'
import type { Run } from '../../src/pipeline/run-context.ts'
import { notAsked, startStopwatch } from '../../src/pipeline/run-summary.ts'
import { openDatabase, type Warehouse } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { countRows, digestState } from '../support/digest.ts'
import {
  anAccount,
  aRun,
  referralIdOf,
  silent,
  type TestAccount,
} from '../support/load-referrals.ts'
import { aReferral } from '../support/referral-builder.ts'
import { recordStatements } from '../support/sent-statements.ts'
import { withWire } from '../support/wire.ts'
import { contextOf, failureOf, withPipeline } from '../support/with-pipeline.ts'

const log = createLog({ write: () => undefined, isTerminal: false }, 'silent')

async function aFirstRun(account: TestAccount): Promise<Run> {
  const { warehouse, lease, reference } = account
  const settings = { COSELL_API_URL: 'http://127.0.0.1:9', COSELL_ACCESS_TOKEN: 'a token' }
  return {
    ...contextOf(warehouse, '/nowhere', [], settings),
    log,
    lease,
    reference,
    runId: await aRun(account),
    startedAt: '2026-01-05T02:00:00.000Z',
    stopwatch: startStopwatch(),
    asked: () => notAsked,
    tell: () => undefined,
  }
}

interface FirstPages {
  readonly account: TestAccount
  readonly run: Run
  readonly early: EarlyLoading
  /** Lands one page, and waits until the early load has taken it. */
  land(referrals: readonly object[]): Promise<void>
  /** Referrals that another connection sees in the star. */
  seen(): Promise<number>
}

const withFirstPages = (
  use: (pages: FirstPages) => Promise<void>,
  limits?: Parameters<typeof startEarlyLoad>[1],
) => withDatabase((db, _, warehouse) => playFirstPages(db, warehouse, use, limits))

async function playFirstPages(
  db: Kysely<Database>,
  warehouse: Warehouse,
  use: (pages: FirstPages) => Promise<void>,
  limits?: Parameters<typeof startEarlyLoad>[1],
) {
  const account = await anAccount(warehouse)
  const run = await aFirstRun(account)
  const early = await startEarlyLoad(run, limits)
  if (early === undefined) throw new Error('expected an early load')
  const landing = startLanding(run, early.onLanded)
  const page = { requestId: 'a request', fetchedAt: run.startedAt, count: null, nextLink: null }
  const land = (referrals: readonly object[]) => landing.landPage({ ...page, referrals } as never)
  const seen = async () => (await countRows(db, /^dw\.fact_referral$/))['dw.fact_referral'] ?? 0
  try {
    await use({ account, run, early, land, seen })
  } finally {
    await early.abandon()
  }
}

const referral = (no: number, changes = {}) => aReferral({ id: referralIdOf(no), ...changes })
const end = (rowsRead: number) => ({ watermark: null, rowsRead })

describe('early load', () => {
  test('a first run reads nothing back, and a rebuild of what it landed changes nothing', () =>
    withPipeline({ referrals: 300 }, async ({ run, rebuild, db }) => {
      const sent = await recordStatements(() => run())
      const readBack = sent.filter(({ text }) => text.includes('"landed"."payload"'))
      expect(readBack).toEqual([])
      const before = await digestState(db)
      expect(await rebuild()).toMatchObject({ seen: 300, rows_written: 0 })
      expect(await digestState(db)).toEqual(before)
    }))

  test('nobody sees the rows of an early load before the last page, and everybody all of them behind it', () =>
    withFirstPages(async ({ early, land, seen }) => {
      await land([referral(1), referral(2)])
      await land([referral(3)])
      expect(await seen()).toBe(0)
      early.end(end(3))
      expect(await early.published).toMatchObject({ changed: 3, quarantined: 0 })
      expect(await seen()).toBe(3)
    }))

  test('a referral that two pages show alike is published once', () =>
    withFirstPages(async ({ early, land, seen }) => {
      await land([referral(1), referral(2)])
      await land([referral(2), referral(3)])
      early.end(end(4))
      expect(await early.published).toMatchObject({
        reconciliation: { fetched: 3, inserted: 3, rows_read: 4, duplicates: 1 },
      })
      expect(await seen()).toBe(3)
    }))

  test.each([
    {
      why: 'a referral that changes between two pages',
      meanwhile: ({ land }: FirstPages) =>
        land([referral(1, { updatedDateTime: '2026-01-04T00:00:00Z', name: 'Other' })]),
    },
    {
      why: 'a row that PostgreSQL rejects',
      meanwhile: ({ account }: FirstPages) =>
        sql`alter table dw.fact_registration add constraint rejected check (registration_no > 1)`.execute(
          account.warehouse.query,
        ),
    },
    {
      why: 'a connection that the server ends',
      meanwhile: ({ account }: FirstPages) =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and state = 'idle in transaction'`.execute(
          account.warehouse.query,
        ),
    },
  ])('$why ends an early load, with nothing published', ({ meanwhile }) =>
    withFirstPages(async (pages) => {
      await pages.land([referral(1)])
      await meanwhile(pages)
      pages.early.end(end(2))
      expect(await pages.early.published).toBeUndefined()
      expect(await pages.seen()).toBe(0)
    }),
  )

  test.each([
    { why: 'a page that does not come', limits: { openMsMax: 60_000, waitMsMax: 50 } },
    { why: 'a read that takes long', limits: { openMsMax: 0, waitMsMax: 60_000 } },
  ])('$why ends an early load, and the next page lands all the same', ({ limits }) =>
    withFirstPages(async ({ early, land, account }) => {
      if (limits.openMsMax > 0) await early.published
      await land([referral(1)])
      expect(await early.published).toBeUndefined()
      await land([referral(2)])
      expect(await countRows(account.warehouse.query, /^raw\.payload$/)).toEqual({
        'raw.payload': 2,
      })
    }, limits),
  )

  test('an early load that hangs is given up, and the pages land all the same', () =>
    withFirstPages(
      async ({ early, land, account }) => {
        const { query } = account.warehouse
        const blocked = await query.startTransaction().execute()
        await sql`lock table dw.dim_referral in access exclusive mode`.execute(blocked)
        for (const no of [1, 2, 3, 4]) await land([referral(no)])
        await blocked.rollback().execute()
        expect(await early.published).toBeUndefined()
        expect(await countRows(query, /^raw\.payload$/)).toEqual({ 'raw.payload': 4 })
      },
      { openMsMax: 60_000, waitMsMax: 500 },
    ))

  test('an early load of many pages leaves no listener behind a page', () =>
    withFirstPages(async ({ early, land }) => {
      const warnings: Error[] = []
      const note = (warning: Error) => void warnings.push(warning)
      process.on('warning', note)
      for (let no = 1; no <= 30; no++) await land([referral(no)])
      early.end(end(30))
      expect(await early.published).toMatchObject({ changed: 30 })
      process.off('warning', note)
      expect(warnings).toEqual([])
    }))

  test.each([
    { moment: 'delivered', why: 'whose commit arrived is published', published: { changed: 1 } },
    { moment: 'undelivered', why: 'whose commit was lost publishes nothing', published: undefined },
  ] as const)('an early load $why, though the connection was cut', ({ moment, published }) =>
    withDatabase((db, url) =>
      withWire(url, async (wire) => {
        const warehouse = await openDatabase(wire.url, silent)
        await playFirstPages(db, warehouse, async ({ early, land, seen }) => {
          await land([referral(1)])
          wire.cutAt(['insert into etl.run_table', 'commit'], moment)
          early.end(end(1))
          const result = await early.published
          if (published === undefined) expect(result).toBeUndefined()
          else expect(result).toMatchObject(published)
          expect(await seen()).toBe(published?.changed ?? 0)
          expect(wire.isDone()).toBe(true)
        })
        await warehouse.close()
      }),
    ),
  )

  test('a lost lease ends an early load with an error, and nothing is published', () =>
    withFirstPages(async ({ account, early, land, seen }) => {
      await land([referral(1)])
      const { query } = account.warehouse
      await sql`update etl.lease set expires_at = now() - interval '1 hour'`.execute(query)
      const next = await acquireLease(query, account.key, 'the next one', silent)
      early.end(end(1))
      expect(await failureOf(early.published)).toMatchObject({ code: 'lease.held' })
      expect(await seen()).toBe(0)
      await next.release()
    }))

  test('an early load that is abandoned leaves no open transaction', () =>
    withFirstPages(async ({ account, early, land }) => {
      await land([referral(1)])
      await early.abandon()
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'`.execute(
        account.warehouse.query,
      )
      expect(rows).toEqual([])
    }))

  test('an early load is for accounts of which nothing has landed', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const run = await aFirstRun(account)
      const resources: LandedResource[] = []
      const landing = startLanding(run, async (landed) => void resources.push(...landed))
      await landing.landOne({
        referral: referral(1),
        requestId: 'a request',
        fetchedAt: run.startedAt,
      } as never)
      await landing.landRest()
      expect(resources).toHaveLength(1)
      expect(await startEarlyLoad(run)).toBeUndefined()
    }))
})
