import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { CosellError } from '../../src/errors.ts'
import { type IoBoundary, ioChannelName } from '../../src/io-boundary.ts'
import { extendLease } from '../../src/load/runs/lease.ts'
import { rebuild } from '../../src/pipeline/rebuild.ts'
import { run } from '../../src/pipeline/run.ts'
import {
  afterBoundary,
  afterTick,
  atStart,
  type Stillness,
  stallOf,
  startWatchdog,
  unlessStalled,
} from '../../src/pipeline/watchdog.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { withDatabase } from '../support/database.ts'
import { withWire } from '../support/wire.ts'
import { contextOf, failureOf, withPipeline } from '../support/with-pipeline.ts'

const sqlBoundary = (name: string, phase: IoBoundary['phase'] = 'before'): IoBoundary => ({
  kind: 'sql',
  name,
  phase,
})

/** Lets minutes pass on a clock that ticks every half minute. */
function letPass(stillness: Stillness, minutes: number): Stillness {
  let passed = stillness
  for (let tick = 0; tick < 2 * minutes; tick++) passed = afterTick(passed, 30_000, 30_000)
  return passed
}

const limitMs = 20 * 60_000

describe('the stillness of a run', () => {
  test('a run without a boundary for the limit has stalled, and not a moment before', () => {
    const asked = afterBoundary(atStart, sqlBoundary('insert dw.fact_referral'))
    expect(stallOf(letPass(asked, 19.5), limitMs)).toBeUndefined()
    const stall = stallOf(letPass(asked, 20), limitMs)
    expect(stall).toMatchObject({ code: 'run.stalled', exitCode: 75 })
    expect(stall?.message).toContain('no progress for 20 minutes')
    expect(stall?.message).toContain('waited for the end of sql "insert dw.fact_referral"')
  })

  test('a run that goes on step by step never stalls', () => {
    let stillness = atStart
    for (let step = 0; step < 100; step++) {
      stillness = afterBoundary(letPass(stillness, 19), { kind: 'copy', name: 'x', phase: 'after' })
      expect(stallOf(stillness, limitMs)).toBeUndefined()
    }
    expect(stallOf(letPass(stillness, 20), limitMs)?.message).toContain(
      'its last step was the end of copy "x"',
    )
  })

  test.each([
    'connect',
    'begin',
    'select',
    'commit',
    'rollback',
    'update etl.lease',
    'select etl.lease',
  ])('a boundary of "%s" alone is no progress', (name) => {
    let stillness = afterBoundary(atStart, sqlBoundary('select raw.payload'))
    for (let beat = 0; beat < 80; beat++) {
      stillness = afterTick(afterBoundary(stillness, sqlBoundary(name)), 15_000, 30_000)
    }
    expect(stallOf(stillness, limitMs)?.message).toContain('"select raw.payload"')
  })

  test('a process that was stopped for hours has time to go on', () => {
    const resumed = afterTick(letPass(atStart, 15), 5 * 3_600_000, 30_000)
    expect(stallOf(resumed, limitMs)).toBeUndefined()
  })

  test('a heartbeat crosses no boundary that counts as progress', () =>
    withDatabase(async (db) => {
      let stillness = afterBoundary(atStart, sqlBoundary('insert dw.fact_referral'))
      const last = stillness.last
      let crossed = 0
      const listen = (boundary: unknown) => {
        crossed += 1
        stillness = afterBoundary(stillness, boundary as IoBoundary)
      }
      subscribe(ioChannelName, listen)
      await extendLease(db, 1, 1)
      unsubscribe(ioChannelName, listen)
      expect(crossed).toBeGreaterThan(1)
      expect(stillness.last).toBe(last)
    }))
})

describe('unlessStalled', () => {
  test('unlessStalled ends a wait for a promise that never settles', async () => {
    const stalled = new AbortController()
    const ended = unlessStalled(new Promise(() => undefined), stalled.signal)
    const reason = new CosellError('run.stalled', 'it stalled')
    stalled.abort(reason)
    await expect(ended).rejects.toBe(reason)
  })

  test('unlessStalled gives the work its grace, and its own error counts', async () => {
    const stalled = new AbortController()
    const work = new Promise((_, reject) => setTimeout(() => reject(new Error('its own')), 20))
    const ended = unlessStalled(work, stalled.signal, 10_000)
    stalled.abort(new CosellError('run.stalled', 'it stalled'))
    await expect(ended).rejects.toThrow('its own')
  })
})

describe('a run that waits for ever', () => {
  const population = { referrals: 20, seed: 5, pageCap: 20 }
  const stillMs = 1_500

  test.each([
    { what: 'a page of the landing zone', words: 'pii.payload as cut', load: rebuild },
    {
      what: 'a landed page',
      words: 'update etl.extract_window',
      load: (one: never) => run(one, false),
    },
    { what: 'a publish', words: 'insert into "etl"."run_table"', load: rebuild },
  ] as const)(
    'a run whose connection swallows $what ends with 75, is failed and frees the account',
    ({ words, load }) =>
      withPipeline(population, async (nights) => {
        const { db, url, home, sandbox } = nights
        if (load === rebuild) await nights.run()
        await withWire(url, async (wire) => {
          const { stalled, stop } = startWatchdog(stillMs)
          const warehouse = await openDatabase(wire.url)
          const context = contextOf(warehouse, home, [], demoSettings(sandbox.url))
          const started = performance.now()
          wire.pauseAt(words, () => new Promise(() => undefined))
          const failure = await failureOf(load({ ...context, stalled } as never))
          expect(failure).toMatchObject({ code: 'run.stalled', exitCode: 75 })
          expect(failure.message).toMatch(/waited for the end of sql "\w+ (raw|pii|etl)\.\w+"/)
          expect(performance.now() - started).toBeLessThan(20_000)
          stop()
          const last = await db
            .selectFrom('etl.run')
            .select(['run_status', 'error_message'])
            .orderBy('run_id', 'desc')
            .limit(1)
            .executeTakeFirstOrThrow()
          expect(last).toEqual({ run_status: 'failed', error_message: failure.message })
          const held = await sql`
            select from etl.lease where expires_at > clock_timestamp()`.execute(db)
          expect(held.rows).toHaveLength(0)
          await warehouse.close()
        })
        expect(await nights.rebuild()).toMatchObject({ status: 'published' })
      }),
  )
})
