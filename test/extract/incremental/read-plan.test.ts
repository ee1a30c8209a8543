import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planRead, shortfallOf } from '../../../src/extract/incremental/read-plan.ts'
import { advanceWatermark } from '../../../src/extract/incremental/watermark.ts'
import { latestInstant } from '../../../src/pipeline/land-pages.ts'

const settled = {
  watermark: '2026-06-30T04:44:27.836804Z',
  lastFullReadAt: '2026-06-29T05:17:00Z',
  full: false,
  now: new Date('2026-07-01T05:17:00Z'),
  fullReadDaysMax: 7,
  overlapHours: 72,
}

describe('planRead', () => {
  test.each([
    { facts: {}, mode: 'incremental', why: 'a full read two days old is recent' },
    { facts: { full: true }, mode: 'full', why: 'it was asked for' },
    { facts: { watermark: null }, mode: 'full', why: 'nothing was published yet' },
    { facts: { lastFullReadAt: null }, mode: 'full', why: 'no full read was ever complete' },
    {
      facts: { now: new Date('2026-07-06T05:17:00Z') },
      mode: 'full',
      why: 'the seventh night after the last full read has come',
    },
    {
      facts: { now: new Date('2026-07-05T05:17:00Z') },
      mode: 'incremental',
      why: 'the sixth night is not the seventh',
    },
  ])('planRead is $mode: $why', ({ facts, mode }) => {
    expect(planRead({ ...settled, ...facts }).mode).toBe(mode)
  })

  // The last full read was that of Sunday, 1 November 2026; nights are nominally at 01:00 UTC.
  test.each([
    { at: '01:10', nights: ['01:00', '01:00', '01:00', '01:00', '01:00', '01:00', '01:00'] },
    { at: '01:00', nights: ['01:10', '01:05', '00:50', '01:00', '01:20', '01:00', '00:40'] },
    { at: '01:00', nights: ['02:00', '02:00', '02:00', '02:00', '02:00', '02:00', '02:00'] },
    { at: '01:00', nights: ['00:00', '00:00', '00:00', '00:00', '00:00', '00:00', '00:00'] },
    { at: '23:55', nights: ['23:50', '23:59', '23:57', '23:40', '23:55', '23:51', '23:45'] },
    { at: '00:05', nights: ['00:00', '00:04', '00:01', '00:05', '00:00', '00:02', '00:00'] },
  ])('planRead reads in full in the seventh night and in none before, at $nights', (life) => {
    const modes = life.nights.map((time, index) => {
      const now = new Date(`2026-11-0${index + 2}T${time}:00Z`)
      const lastFullReadAt = `2026-11-01T${life.at}:00Z`
      return planRead({ ...settled, lastFullReadAt, now }).mode
    })
    expect(modes).toEqual([...Array.from({ length: 6 }, () => 'incremental'), 'full'])
  })

  test('planRead reads in full in every night where one day is the limit', () => {
    const daily = { ...settled, fullReadDaysMax: 1, lastFullReadAt: '2026-06-30T05:17:00Z' }
    expect(planRead({ ...daily, now: new Date('2026-07-01T05:02:00Z') }).mode).toBe('full')
    expect(planRead({ ...daily, now: new Date('2026-06-30T13:17:00Z') }).mode).toBe('incremental')
  })

  test('planRead begins before the watermark by the overlap in every time zone', () => {
    expect(planRead(settled).since).toBe('2026-06-27T04:44:27.836Z')
    const march = { watermark: '2026-03-30T01:30:00Z', lastFullReadAt: '2026-03-30T01:00:00Z' }
    const now = new Date('2026-03-30T05:00:00Z')
    expect(planRead({ ...settled, ...march, now }).since).toBe('2026-03-27T01:30:00.000Z')
  })
})

describe('advanceWatermark', () => {
  const before = '2026-06-01T00:00:00.0000000Z'
  const start = '2026-07-01T05:17:00.000Z'
  test.each([
    {
      before,
      latest: '2026-06-30T04:44:27.8368041Z',
      after: '2026-06-30T04:44:27.8368041Z',
      why: 'moves to the latest source time, to its seventh digit',
    },
    {
      before,
      latest: '2099-01-01T00:00:00.0000000Z',
      after: '2026-07-01T05:17:00.0000000Z',
      why: 'stops at the start of the read',
    },
    {
      before,
      latest: '2026-07-01T05:17:00.0000001Z',
      after: '2026-07-01T05:17:00.0000000Z',
      why: 'stops there to the seventh digit',
    },
    { before, latest: '2026-05-01T00:00:00.0000000Z', after: before, why: 'never goes back' },
    { before, latest: null, after: before, why: 'stays when nothing was read' },
    { before, latest: 'last spring', after: before, why: 'stays when that is no instant' },
    {
      before,
      latest: '2026-06-31T00:00:00Z',
      after: before,
      why: 'stays when there is no such day',
    },
    { before: null, latest: 'last spring', after: null, why: 'does not begin with what is none' },
    { before: null, latest: null, after: null, why: 'does not begin with nothing' },
    { before: null, latest: before, after: before, why: 'begins with the first read' },
  ])('advanceWatermark: $why', ({ before, latest, after }) => {
    expect(advanceWatermark(before, latest, start)).toBe(after)
  })

  test.each([
    ['2026-06-30T04:44:27Z', '2026-06-30T04:44:27.0000001Z'],
    ['2026-06-30T04:44:27Z', '2026-06-30T04:44:27.45Z'],
    ['2026-06-30T04:44:27.45Z', '2026-06-30T04:44:27.4500001Z'],
    ['2026-06-30T04:44:27.4499999Z', '2026-06-30T04:44:27.45Z'],
    ['2026-06-30T04:44:27.4579Z', '2026-06-30T04:44:27.46+00:00'],
    ['2026-06-30T04:44:27.4579+00:00', '2026-06-30T04:44:27.45791Z'],
    ['2026-06-30T06:44:27.4+02:00', '2026-06-30T04:44:27.45Z'],
    ['no instant', '2000-01-01T00:00:00Z'],
  ])('advanceWatermark orders %s before %s', (earlier, later) => {
    expect(watermarkOf([earlier, later])).toBe(watermarkOf([later]))
    expect(watermarkOf([later, earlier])).toBe(watermarkOf([later]))
    expect(watermarkOf([later])).not.toBe(watermarkOf([earlier]))
  })

  test('advanceWatermark takes the latest instant, not after the start, and never goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.array(sourceText, { maxLength: 5 }), { maxLength: 4 }), (nights) => {
        let watermark: string | null = null
        let oracle = 0n
        for (const texts of nights) {
          watermark = watermarkOf(texts, watermark)
          const ticks = texts.map(ticksOf).map((tick) => (tick > startTicks ? startTicks : tick))
          oracle = [oracle, ...ticks].reduce((most, tick) => (tick > most ? tick : most))
          expect(watermark === null ? 0n : ticksOf(watermark)).toBe(oracle)
          expect(watermark ?? padded).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  const padded = '2026-07-01T05:17:00.0000000Z'
  const startTicks = ticksOf(padded)

  /** Watermark after a read of referrals with these times. */
  function watermarkOf(texts: readonly string[], before: string | null = null) {
    const latest = texts.reduce(latestInstant, '')
    return advanceWatermark(before, latest, start)
  }
})

const second = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 6, 1, 5, 16, 59), max: Date.UTC(2026, 6, 1, 5, 17, 1) }),
  fc.integer({ min: Date.UTC(2000, 0, 2), max: Date.UTC(2099, 11, 30) }),
)
const sourceText = fc.oneof(
  fc
    .tuple(
      second.map((ms) => new Date(ms).toISOString().slice(0, 19)),
      fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,9}$/)),
      fc.constantFrom('Z', 'Z', '+00:00', '-00:00', '+05:30', '-03:00'),
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('', 'last spring', '0001-01-01T00:00:00Z', '2026-06-31T00:00:00Z', '2026-06-30'),
  fc.constantFrom('2026-06-30T04:44:27', '2026-06-30T04:44:27.45', '2026-06-31'),
  fc.string(),
)

/** Tenths of a microsecond since 1970, computed independently; zero for an invalid instant. */
function ticksOf(text: string): bigint {
  const [, date = '', time = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  // Without time it is the first instant of the day, without zone UTC.
  const milliseconds = Date.parse(`${date}T${time || '00:00:00'}${zone || 'Z'}`)
  if (Number.isNaN(milliseconds) || milliseconds < 0 || date.endsWith('06-31')) return 0n
  return BigInt(milliseconds) * 10_000n + BigInt(fraction.slice(0, 7).padEnd(7, '0'))
}

describe('shortfallOf a full read', () => {
  test.each([
    { seen: 100, greatestCount: 100, count: 'total', lacks: 0, why: 'lacks nothing' },
    { seen: 99, greatestCount: 100, count: 'total', lacks: 1, why: 'lacks what was not read' },
    {
      seen: 101,
      greatestCount: 100,
      count: 'total',
      lacks: 0,
      why: 'may read what came meanwhile',
    },
    { seen: 0, greatestCount: 0, count: 'total', lacks: 0, why: 'of nothing lacks nothing' },
    { seen: 0, greatestCount: 7, count: 'total', lacks: 7, why: 'that is empty lacks all' },
    { seen: 99, greatestCount: 100, count: 'page', lacks: 0, why: 'believes no count of a page' },
    { seen: 99, greatestCount: 100, count: 'unknown', lacks: 0, why: 'believes no unknown count' },
  ] as const)('shortfallOf: $why', ({ lacks, ...counts }) => {
    expect(shortfallOf(counts)).toBe(lacks)
  })
})
