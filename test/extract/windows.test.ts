import { describe, expect, test } from 'vitest'
import { advanceWatermark, planRead } from '../../src/extract/windows.ts'

const settled = {
  watermark: '2026-06-30T04:44:27.836804Z',
  lastSweepAt: '2026-06-29T05:17:00Z',
  full: false,
  now: new Date('2026-07-01T05:17:00Z'),
  sweepDaysMax: 7,
  overlapHours: 72,
}

describe('what is read', () => {
  test.each([
    { facts: {}, mode: 'incremental', why: 'a sweep two days old is recent' },
    { facts: { full: true }, mode: 'full', why: 'it was asked for' },
    { facts: { watermark: null }, mode: 'full', why: 'nothing was published yet' },
    { facts: { lastSweepAt: null }, mode: 'full', why: 'no sweep was ever complete' },
    {
      facts: { now: new Date('2026-07-06T05:17:00Z') },
      mode: 'incremental',
      why: 'seven days to the second are recent',
    },
    {
      facts: { now: new Date('2026-07-06T05:17:01Z') },
      mode: 'full',
      why: 'a second later the sweep is due',
    },
  ])('$mode: $why', ({ facts, mode }) => {
    expect(planRead({ ...settled, ...facts }).mode).toBe(mode)
  })

  test('begins the overlap before the watermark, whatever the time zone and its summer time', () => {
    expect(planRead(settled).since).toBe('2026-06-27T04:44:27.836Z')
    const march = { watermark: '2026-03-30T01:30:00Z', lastSweepAt: '2026-03-30T01:00:00Z' }
    const now = new Date('2026-03-30T05:00:00Z')
    expect(planRead({ ...settled, ...march, now }).since).toBe('2026-03-27T01:30:00.000Z')
  })
})

describe('the watermark', () => {
  const before = '2026-06-01T00:00:00Z'
  const start = '2026-07-01T05:17:00.000Z'
  test.each([
    {
      before,
      latest: '2026-06-30T04:44:27.836804Z',
      after: '2026-06-30T04:44:27.836804Z',
      why: 'moves to the latest source time',
    },
    { before, latest: '2099-01-01T00:00:00Z', after: start, why: 'stops at the start of the read' },
    { before, latest: '2026-05-01T00:00:00Z', after: before, why: 'never goes back' },
    { before, latest: null, after: before, why: 'stays when nothing was read' },
    { before: null, latest: null, after: null, why: 'does not begin with nothing' },
    { before: null, latest: before, after: before, why: 'begins with the first read' },
  ])('$why', ({ before, latest, after }) => {
    expect(advanceWatermark(before, latest, start)).toBe(after)
  })
})
