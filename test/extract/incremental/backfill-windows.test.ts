import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Capabilities } from '../../../src/extract/api/capabilities.ts'
import {
  estimateCalls,
  explainStrategy,
  filterOf,
  planWindows,
  readSpan,
  stateOf,
  strategyOf,
  type WindowAttempt,
} from '../../../src/extract/incremental/backfill-windows.ts'

const now = new Date('2026-06-30T23:59:59.999Z')

const capabilities: Capabilities = {
  createdFilter: 'bare',
  updatedFilter: 'quoted',
  statusFilter: false,
  nextLink: true,
  skip: true,
  pageCap: null,
  count: 'total',
}

describe('readSpan', () => {
  test.each([
    {
      asked: { from: '2025-01-15', to: '2025-03-01' },
      span: ['2025-01-15T00:00:00Z', '2025-03-01T00:00:00Z'],
      why: 'the second day is not read',
    },
    {
      asked: { from: '2026-06-30' },
      span: ['2026-06-30T00:00:00Z', '2026-07-01T00:00:00Z'],
      why: 'without an end it ends tomorrow, so today is read',
    },
    {
      asked: { from: '2026-06-01', to: '2099-01-01' },
      span: ['2026-06-01T00:00:00Z', '2026-07-01T00:00:00Z'],
      why: 'nothing was created after tomorrow',
    },
    {
      asked: { from: '2024-02-29', to: '2024-03-01' },
      span: ['2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'],
      why: 'leap days are days',
    },
  ])('readSpan of $asked.from to $asked.to: $why', ({ asked, span: [from, to] }) => {
    expect(readSpan(asked, now)).toEqual({ from, to })
  })

  test.each([
    { asked: { from: '2025-03-01', to: '2025-03-01' }, code: 'backfill.span', says: '2025-03-01' },
    { asked: { from: '2025-03-02', to: '2025-03-01' }, code: 'backfill.span', says: '2025-03-02' },
    { asked: { from: '2026-07-01' }, code: 'backfill.span', says: 'which is tomorrow' },
    { asked: { from: '2025-02-30' }, code: 'backfill.date', says: '--from' },
    { asked: { from: '2025-13-01' }, code: 'backfill.date', says: '"2025-13-01"' },
    { asked: { from: '2025-1-1' }, code: 'backfill.date', says: 'YYYY-MM-DD' },
    { asked: { from: '' }, code: 'backfill.date', says: '""' },
    { asked: { from: '01/02/2025' }, code: 'backfill.date', says: 'YYYY-MM-DD' },
    { asked: { from: '0205-01-01' }, code: 'backfill.date', says: '2000-01-01' },
    { asked: { from: '2025-01-01', to: 'today' }, code: 'backfill.date', says: '--to' },
    { asked: { from: '2025-01-01T00:00:00Z' }, code: 'backfill.date', says: '--from' },
  ])('readSpan rejects $asked.from to $asked.to as wrong usage', ({ asked, code, says }) => {
    const refusal = expect.objectContaining({
      kind: 'usage',
      exitCode: 2,
      code,
      message: expect.stringContaining(says),
    })
    expect(() => readSpan(asked, now)).toThrow(refusal)
  })
})

describe('planWindows', () => {
  test('planWindows gives calendar months cut to the span', () => {
    const span = { from: '2024-11-15T00:00:00Z', to: '2025-02-03T00:00:00Z' }
    expect(planWindows(span, 'created').map(({ from }) => from.slice(0, 10))).toEqual([
      '2024-11-15',
      '2024-12-01',
      '2025-01-01',
      '2025-02-01',
    ])
    expect(planWindows(span, 'created').at(-1)?.to).toBe(span.to)
  })

  test('planWindows leaves no gap or overlap, and no window longer than a month', () => {
    const day = fc.integer({ min: 0, max: 12_000 })
    const spanOf = (first: number, days: number) => {
      const at = (no: number) => new Date(Date.UTC(2000, 0, 1 + no)).toISOString().slice(0, 10)
      return { from: `${at(first)}T00:00:00Z`, to: `${at(first + days)}T00:00:00Z` }
    }
    const property = fc.property(day, fc.integer({ min: 1, max: 2_000 }), (first, days) => {
      const span = spanOf(first, days)
      const windows = planWindows(span, 'created')
      expect(windows[0]?.from).toBe(span.from)
      expect(windows.at(-1)?.to).toBe(span.to)
      for (const [index, { from, to }] of windows.entries()) {
        expect(from < to).toBe(true)
        if (index > 0) expect(from).toBe(windows[index - 1]?.to)
        const lastInstant = new Date(Date.parse(to) - 1).toISOString()
        expect(lastInstant.slice(0, 7)).toBe(from.slice(0, 7))
      }
    })
    fc.assert(property, { seed: 4, numRuns: 200 })
  })

  test.each(['updated', 'everything'] as const)(
    'planWindows gives one window for the strategy %s',
    (strategy) => {
      const span = { from: '2020-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }
      expect(planWindows(span, strategy)).toEqual([span])
    },
  )
})

describe('explainStrategy', () => {
  const span = { from: '2020-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }
  test.each([
    { found: {}, strategy: 'created', says: /by creation date: month by month/ },
    {
      found: { createdFilter: null },
      strategy: 'updated',
      says: /does not filter by creation date: what was updated since 2020-01-01 is read/,
    },
    {
      found: { createdFilter: null, updatedFilter: null },
      strategy: 'everything',
      says: /does not filter by creation date, nor by update: every referral up to 2026-01-01/,
    },
  ] as const)('explainStrategy: $strategy', ({ found, strategy, says }) => {
    expect(strategyOf({ ...capabilities, ...found })).toBe(strategy)
    expect(explainStrategy(strategy, span)).toMatch(says)
  })
})

describe('stateOf a window', () => {
  const window = { from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' }
  const attempt = (changes: Partial<WindowAttempt> = {}): WindowAttempt => ({
    run_id: 7,
    run_status: 'failed',
    filter_from: '2025-01-01T00:00:00Z',
    filter_to: '2025-02-01T00:00:00Z',
    window_status: 'running',
    resume_at: '?page=3',
    ...changes,
  })
  const done = { window_status: 'done', resume_at: null }
  const started = { state: 'new', resumeAt: null, isRead: false }
  const stopped = { state: 'unfinished', resumeAt: '?page=3', isRead: false }

  test.each([
    { attempts: [], is: { ...started, runId: null }, why: 'nobody tried' },
    { attempts: [attempt()], is: stopped, why: 'it failed on the way' },
    { attempts: [attempt({ run_status: 'running' })], is: stopped, why: 'it was killed' },
    {
      attempts: [attempt({ run_status: 'abandoned' })],
      is: stopped,
      why: 'another run published the pages it had, and the rest is missing',
    },
    {
      attempts: [attempt({ resume_at: null })],
      is: started,
      why: 'it stopped before its first page',
    },
    {
      attempts: [attempt({ ...done, run_status: 'failed' })],
      is: { state: 'unfinished', resumeAt: null, isRead: true },
      why: 'all is landed and nothing published',
    },
    {
      attempts: [attempt({ ...done, run_status: 'published' })],
      is: { state: 'done' },
      why: 'it was published',
    },
    {
      attempts: [attempt({ ...done, run_status: 'abandoned' })],
      is: { state: 'done' },
      why: 'all was landed, and another run published it',
    },
    {
      attempts: [attempt({ ...done, run_status: 'published' }), attempt({ run_id: 8 })],
      is: { ...stopped, runId: 8 },
      why: 'a later try stopped',
    },
    {
      attempts: [attempt({ run_id: 8 }), attempt({ ...done, run_status: 'published' })],
      is: { ...stopped, runId: 8 },
      why: 'a later try stopped, in whatever order the ledger tells it',
    },
    {
      attempts: [attempt({ filter_to: '2025-01-20T00:00:00Z' })],
      is: started,
      why: 'that was a shorter window',
    },
  ])('a window is $is.state: $why', ({ attempts, is }) => {
    expect(stateOf(window, attempts, 'created')).toMatchObject(is)
  })

  const earlier = { filter_to: '2025-01-31T00:00:00Z' }
  test.each([
    {
      attempts: [attempt({ ...earlier, resume_at: 'x' })],
      is: { state: 'unfinished', resumeAt: 'x' },
      why: 'yesterday it ended yesterday, and goes on today',
    },
    {
      attempts: [attempt({ ...earlier, ...done, run_status: 'published' })],
      is: { state: 'new' },
      why: 'what yesterday finished lacks today',
    },
    {
      attempts: [attempt({ ...earlier, ...done })],
      is: { state: 'new' },
      why: 'what yesterday landed lacks today',
    },
  ])('a window without a filter is $is.state: $why', ({ attempts, is }) => {
    expect(stateOf(window, attempts, 'updated')).toMatchObject(is)
  })
})

describe('estimateCalls', () => {
  test.each([
    { referrals: 0, calls: 1, why: 'an empty window is found empty by a call' },
    { referrals: 99, calls: 1 },
    { referrals: 100, calls: 2 },
    { referrals: 12_345, calls: 125 },
  ])('estimateCalls: $referrals referrals take $calls calls', ({ referrals, calls }) => {
    expect(estimateCalls(referrals, 100)).toBe(calls)
  })

  test('estimateCalls is finite where a page holds one referral', () => {
    expect(estimateCalls(7, 1)).toBe(7)
  })

  const window = { from: '2025-01-01T00:00:00Z', to: '2025-02-01T00:00:00Z' }
  test.each([
    {
      found: {},
      filter: 'createdDateTime ge 2025-01-01T00:00:00Z and createdDateTime lt 2025-02-01T00:00:00Z',
    },
    {
      found: { createdFilter: 'quoted' },
      filter:
        "createdDateTime ge '2025-01-01T00:00:00Z' and createdDateTime lt '2025-02-01T00:00:00Z'",
    },
    { found: { createdFilter: null }, filter: "updatedDateTime ge '2025-01-01T00:00:00Z'" },
    { found: { createdFilter: null, updatedFilter: null }, filter: undefined },
  ] as const)('a window is counted by $filter', ({ found, filter }) => {
    expect(filterOf(window, { ...capabilities, ...found })).toBe(filter)
  })
})
