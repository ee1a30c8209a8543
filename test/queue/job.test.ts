import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jobsOf, readDays } from '../../src/cli/commands/load/enqueue.ts'
import { exitCodes, type FailureKind } from '../../src/exit-codes.ts'
import { keyOf, verdictOf } from '../../src/queue/job.ts'
import { leastQueueNode, loadQueueLibrary } from '../../src/queue/load-library.ts'

const none = { next: 'none' }
const givenUp = { next: 'given_up' }
const again = (pauseSeconds: number) => ({ next: 'again', pauseSeconds })

describe('the verdict about a job', () => {
  test.each<[FailureKind | undefined, number, object]>([
    [undefined, 1, none],
    [undefined, 25, none],
    ['tryAgainLater', 1, again(60)],
    ['tryAgainLater', 2, again(120)],
    ['tryAgainLater', 7, again(3_600)],
    ['tryAgainLater', 19, again(3_600)],
    ['tryAgainLater', 20, givenUp],
    ['accountHeld', 1, again(60)],
    ['accountHeld', 20, givenUp],
    ['signIn', 1, givenUp],
    ['configuration', 1, givenUp],
    ['usage', 1, givenUp],
    ['checkFailed', 1, givenUp],
    ['sourceBroken', 1, givenUp],
    ['bug', 1, givenUp],
    ['terminated', 1, again(0)],
    ['terminated', 25, again(0)],
    ['interrupted', 1, again(0)],
    ['hangup', 1, again(0)],
  ])('%s at try %i gives %j', (kind, tries, expected) => {
    expect(verdictOf(kind, tries)).toEqual(expected)
  })

  test('a job that fails for ever is given up after half a day, and never without a pause', () => {
    fc.assert(
      fc.property(fc.constantFrom<FailureKind>('tryAgainLater', 'accountHeld'), (kind) => {
        let seconds = 0
        for (let tries = 1; ; tries++) {
          const verdict = verdictOf(kind, tries)
          if (verdict.next !== 'again') break
          expect(verdict.pauseSeconds).toBeGreaterThanOrEqual(60)
          seconds += verdict.pauseSeconds
        }
        expect(seconds).toBeGreaterThan(12 * 3_600)
        expect(seconds).toBeLessThan(20 * 3_600)
      }),
    )
  })
})

describe('the key of a job', () => {
  test('runs of one account share a key, and nothing else does', () => {
    const names = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/)
    const days = fc.constantFrom('2022-01-01', '2023-01-01', '2024-01-01')
    const jobs = fc.oneof(
      fc.record({ kind: fc.constant('run' as const), account: names }),
      fc.record({ kind: fc.constant('backfill' as const), account: names, from: days }),
      fc.record({ kind: fc.constant('backfill' as const), account: names, from: days, to: days }),
    )
    fc.assert(
      fc.property(jobs, jobs, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(keyOf(one) === keyOf(other)).toBe(isSame)
      }),
    )
  })
})

describe('the jobs of an enqueue', () => {
  const accounts = [{ name: 'north' }, { name: 'south' }]

  test.each([
    [
      {},
      [
        { kind: 'run', account: 'north' },
        { kind: 'run', account: 'south' },
      ],
    ],
    [
      { backfill: true as const, from: '2022-01-01' },
      [
        { kind: 'backfill', account: 'north', from: '2022-01-01' },
        { kind: 'backfill', account: 'south', from: '2022-01-01' },
      ],
    ],
    [
      { backfill: true as const, from: '2022-01-01', to: '2023-01-01' },
      [
        { kind: 'backfill', account: 'north', from: '2022-01-01', to: '2023-01-01' },
        { kind: 'backfill', account: 'south', from: '2022-01-01', to: '2023-01-01' },
      ],
    ],
  ])('%j gives one an account', (flags, expected) => {
    expect(jobsOf(accounts, readDays(flags))).toEqual(expected)
  })

  test.each([
    [{ backfill: true as const }],
    [{ from: '2022-01-01' }],
    [{ to: '2022-01-01' }],
    [{ backfill: true as const, from: '2023-01-01', to: '2022-01-01' }],
    [{ backfill: true as const, from: 'January' }],
  ])('%j is wrong usage', (flags) => {
    expect(() => readDays(flags)).toThrow(
      expect.objectContaining({ exitCode: exitCodes.usage.code }),
    )
  })
})

describe('the library of the queue', () => {
  test.each(['20.19.0', '20.20.2', '22.11.0'])(
    'Node.js %s gets 78 and what to do',
    async (version) => {
      await expect(loadQueueLibrary(version)).rejects.toMatchObject({
        code: 'queue.node',
        exitCode: 78,
        message: expect.stringContaining(`need Node.js ${leastQueueNode} or newer, got ${version}`),
      })
    },
  )
})
