import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AccountsFailed } from '../../../src/pipeline/accounts/account-outcomes.ts'
import { backfill } from '../../../src/pipeline/backfill/backfill.ts'
import {
  arrivals,
  deadline,
  environmentFor,
  fresh,
  interruptAfter,
  now,
  state,
  withArrivals,
} from '../../support/arrivals.ts'
import { digestState } from '../../support/digest.ts'
import type { TestPipeline } from '../../support/with-pipeline.ts'

const timeoutMs = 120_000

/** Something that happens to a warehouse, or to the source. */
type Event =
  | { kind: 'fill'; first: number; days: number; stopAfter: number | null }
  | { kind: 'night' }
  | { kind: 'change'; count: number; silent: boolean }

const dayOf = (no: number) => new Date(Date.UTC(2026, 6, 1 + no)).toISOString().slice(0, 10)
const spanDays = arrivals + 1

const night: fc.Arbitrary<Event> = fc.constant({ kind: 'night' })
const change: fc.Arbitrary<Event> = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.boolean())
  .map(([count, silent]) => ({ kind: 'change', count, silent }))
const extraFill: fc.Arbitrary<Event> = fc
  .tuple(
    fc.integer({ min: 0, max: spanDays - 1 }),
    fc.integer({ min: 1, max: spanDays }),
    fc.option(fc.integer({ min: 0, max: 4 })),
  )
  .map(([first, days, stopAfter]) => ({ kind: 'fill', first, days, stopAfter }))

/** The whole span in pieces, in random order, some twice, with other events in between. */
const events: fc.Arbitrary<Event[]> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: spanDays - 1 }), { maxLength: 3 }),
    fc.array(fc.oneof(night, change, extraFill, extraFill), { maxLength: 4 }),
  )
  .chain(([cuts, others]) => {
    const ends = [0, ...cuts.sort((left, right) => left - right), spanDays]
    const pieces = ends.slice(1).map((end, index): Event => {
      const first = ends[index] ?? 0
      return { kind: 'fill', first, days: end - first, stopAfter: null }
    })
    const all = [...pieces, ...others]
    return fc.shuffledSubarray(all, { minLength: all.length })
  })

/** Runs one event; returns whether a backfill was stopped on its way. */
async function happen(nights: TestPipeline, event: Event): Promise<boolean> {
  const { sandbox } = nights
  if (event.kind === 'night') await nights.run()
  if (event.kind === 'change') sandbox.change(event.count, event.silent ? 'silent' : undefined)
  if (event.kind !== 'fill') return false
  const span = { from: dayOf(event.first), to: dayOf(Math.min(event.first + event.days, spanDays)) }
  const started = environmentFor(nights)
  if (event.stopAfter !== null) interruptAfter(nights, event.stopAfter, started)
  try {
    await backfill(started.environment, span, { now, pauseMs: 0 })
    return false
  } catch (error) {
    if (!(error instanceof AccountsFailed) || error.failure !== deadline) throw error
    return true
  } finally {
    Reflect.deleteProperty(sandbox.requests, 'push')
  }
}

describe('backfills of random windows', () => {
  test(
    'backfills of random windows leave what one full run leaves while the source stands still',
    async () => {
      let stops = 0
      const property = fc.asyncProperty(events, (drawn) =>
        withArrivals(async (nights) => {
          for (const event of drawn) {
            if (event.kind !== 'change') stops += Number(await happen(nights, event))
          }
          expect(await state(nights.db)).toEqual(await fresh(nights))
        }),
      )
      await fc.assert(property, { seed: 20, numRuns: 5, endOnFailure: true })
      expect(stops).toBeGreaterThan(0)
    },
    timeoutMs,
  )

  test(
    'backfills of random windows and a last run leave the present of one full run',
    async () => {
      // Only the older warehouse has seen the past; see test/pipeline/rebuild.test.ts.
      const past = [
        ...[
          'fact_referral_history',
          'dim_customer',
          'dim_tag',
          'dim_solution',
          'dim_partner_account',
        ],
      ].map((table) => `dw.${table}`)
      const closing = ['closed_at', 'closed_at_basis', 'closed_date', 'days_to_close']
      const leftOut = [
        ...past,
        ...[...closing, 'days_to_registration', 'row_hash'].map(
          (name) => `dw.fact_referral.${name}`,
        ),
        'dw.fact_finding',
        'etl.enum_value',
      ]
      let stops = 0
      const property = fc.asyncProperty(events, (drawn) =>
        withArrivals(async (nights) => {
          await nights.run()
          for (const event of drawn) stops += Number(await happen(nights, event))
          await nights.run()
          const grown = await state(nights.db)
          expect(await digestState(nights.db, leftOut)).toEqual(await fresh(nights, leftOut))
          // A rebuild of the landing zone gives versions that were landed late or twice the same history.
          expect(await nights.rebuild()).toMatchObject({ changed: 0, rows_written: 0 })
          expect(await state(nights.db)).toEqual(grown)
        }),
      )
      await fc.assert(property, { seed: 21, numRuns: 5, endOnFailure: true })
      expect(stops).toBeGreaterThan(0)
    },
    timeoutMs,
  )
})
