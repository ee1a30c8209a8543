import { describe, expect, test } from 'vitest'
import {
  advance,
  formatDuration,
  type Pace,
  progressLine,
  type Step,
} from '../../src/terminal/progress.ts'

/** Steps of a phase, each at its second. */
function paceOf(...steps: readonly [second: number, step: Step][]): Pace {
  let pace: Pace | undefined
  for (const [second, step] of steps) pace = advance(pace, step, second * 1000)
  if (pace === undefined) throw new Error('a pace needs a step')
  return pace
}

const reading = (done: number, total?: number): Step => ({
  phase: 'reading',
  done,
  total,
  unit: 'referrals',
})

const lineAt = (second: number, pace: Pace, columns = 80) =>
  progressLine(pace, second * 1000, columns)

describe('progressLine', () => {
  test('a count with a total has a rate and the time left', () => {
    // 4,000 in 10 s are 400 a second; 16,000 are left, which takes 40 s.
    const pace = paceOf([0, reading(0, 20_000)], [10, reading(4_000, 20_000)])
    expect(lineAt(10, pace)).toBe('reading 4,000 of 20,000 referrals, 400 a second, 40 s left')
  })

  test('a count without a total has a rate alone', () => {
    const pace = paceOf([0, reading(0)], [10, reading(4_000)])
    expect(lineAt(10, pace)).toBe('reading 4,000 referrals, 400 a second')
  })

  test('a count that is resumed takes its rate from what was done since', () => {
    const pace = paceOf([0, reading(9_000, 10_000)], [10, reading(9_500, 10_000)])
    expect(lineAt(10, pace)).toBe('reading 9,500 of 10,000 referrals, 50 a second, 10 s left')
  })

  test('a part stands before its count', () => {
    const step = { ...reading(700, 2_000), part: 'page 7 of 20' }
    expect(lineAt(0, paceOf([0, step]))).toBe('reading page 7 of 20, 700 of 2,000 referrals, 0 s')
  })

  test('a total that was exceeded is left out', () => {
    const pace = paceOf([0, reading(0, 100)], [10, reading(200, 100)])
    expect(lineAt(10, pace)).toBe('reading 200 referrals, 20 a second')
  })

  test('a total of zero is left out', () => {
    expect(lineAt(0, paceOf([0, reading(0, 0)]))).toBe('reading 0 referrals, 0 s')
  })

  test('the first two seconds show the time instead of a rate', () => {
    const pace = paceOf([0, reading(0, 100)], [1, reading(50, 100)])
    expect(lineAt(1.9, pace)).toBe('reading 50 of 100 referrals, 1 s')
    expect(lineAt(2, pace)).toBe('reading 50 of 100 referrals, 25 a second, 2 s left')
  })

  test('a count that stands still shows its time, and later a falling rate', () => {
    expect(lineAt(9, paceOf([0, reading(100, 200)]))).toBe('reading 100 of 200 referrals, 9 s')
    const stalled = paceOf([0, reading(0, 200)], [10, reading(100, 200)])
    expect(lineAt(50, stalled)).toContain('2.0 a second, 50 s left')
  })

  test('the rate follows the last twenty seconds', () => {
    const steps = Array.from({ length: 61 }, (_, second): [number, Step] => [
      second,
      reading(second <= 30 ? second * 100 : 3_000 + (second - 30) * 10, 10_000),
    ])
    expect(lineAt(60, paceOf(...steps))).toBe(
      'reading 3,300 of 10,000 referrals, 10 a second, 12 min left',
    )
  })

  test('the pace of a long phase keeps a few samples', () => {
    const steps = Array.from({ length: 5_000 }, (_, tick): [number, Step] => [
      tick / 10,
      reading(tick),
    ])
    expect(paceOf(...steps).samples.length).toBeLessThan(25)
  })

  test('a phase without a count shows the time since its start, which a new part does not reset', () => {
    const phase = 'publishing'
    const pace = paceOf([0, { phase, part: 'step 1 of 9' }], [3, { phase, part: 'step 2 of 9' }])
    expect(lineAt(4.9, pace)).toBe('publishing: step 2 of 9, 4 s')
  })

  test('a new phase begins anew', () => {
    const pace = paceOf([0, reading(0)], [60, { phase: 'publishing' }])
    expect(lineAt(61, pace)).toBe('publishing, 1 s')
  })

  test('a second attempt of a phase begins to count anew', () => {
    const pace = paceOf([0, reading(0)], [10, reading(1_000)], [11, reading(0)])
    expect(lineAt(12, pace)).toBe('reading 0 referrals, 1 s')
  })

  test.each([
    { columns: 81, length: 58 },
    { columns: 59, length: 58 },
    { columns: 58, length: 57 },
    { columns: 20, length: 19 },
    { columns: 1, length: 0 },
  ])('a line on $columns columns has $length characters', ({ columns, length }) => {
    const pace = paceOf([0, reading(0, 20_000)], [10, reading(4_000, 20_000)])
    const line = lineAt(10, pace, columns)
    expect(line).toHaveLength(length)
    expect(line.endsWith('…')).toBe(length > 0 && length < 58)
  })
})

test.each([
  [59, '59 s'],
  [60, '1 min'],
  [61, '2 min'],
  [3_540, '59 min'],
  [3_541, '1 h 0 min'],
  [7_260, '2 h 1 min'],
])('formatDuration writes %i seconds as %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text)
})
