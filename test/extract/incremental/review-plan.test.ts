import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  nextSample,
  planReviews,
  type ReviewFacts,
} from '../../../src/extract/incremental/review-plan.ts'

const status = (name: string, referrals: number, due: number) => ({
  status: name,
  referrals,
  due,
})
const filters = { createdFilter: 'bare', skip: true, statusFilter: true } as const

/** A source of 50,000 referrals as the sandbox invents them. */
const source: ReviewFacts = {
  referrals: 50_000,
  changed: 900,
  statuses: [
    status('ActionRequired', 170, 165),
    status('Approved', 3_002, 40),
    status('None', 40_000, 0),
    status('ReviewPending', 310, 300),
  ],
  pageRows: 100,
  capabilities: filters,
  movesDate: false,
  sampleCount: 25,
}
const unfiltered = { ...filters, statusFilter: false }

describe('planReviews', () => {
  test.each<{ why: string; facts: Partial<ReviewFacts>; plan: ReturnType<typeof planReviews> }>([
    {
      why: 'lists of the statuses where they take fewer requests than reads by id',
      facts: {},
      plan: { way: 'all due', listed: ['ActionRequired', 'Approved', 'ReviewPending'] },
    },
    {
      why: 'reads by id of the few of a status that many have',
      facts: { statuses: [status('Approved', 3_002, 20)] },
      plan: { way: 'all due', listed: [] },
    },
    {
      why: 'reads by id without a filter, while all pages take more requests',
      facts: { capabilities: unfiltered, statuses: [status('ReviewPending', 310, 300)] },
      plan: { way: 'all due', listed: [] },
    },
    {
      why: 'every page where reads by id take more requests',
      facts: { capabilities: unfiltered, statuses: [status('ReviewPending', 600, 600)] },
      plan: { way: 'everything' },
    },
    {
      why: 'a sample of a source that dates its reviews',
      facts: { capabilities: unfiltered, movesDate: true },
      plan: { way: 'sample', count: 25 },
    },
    {
      why: 'lists that take fewer requests than a sample',
      facts: { movesDate: true, statuses: [status('ReviewPending', 310, 300)] },
      plan: { way: 'all due', listed: ['ReviewPending'] },
    },
    {
      why: 'every page of a source where nearly all has changed',
      facts: {
        changed: 49_900,
        statuses: [status('ReviewPending', 100, 50)],
        capabilities: unfiltered,
      },
      plan: { way: 'everything' },
    },
    {
      why: 'nothing by id where nothing is due',
      facts: { statuses: [status('None', 50_000, 0)] },
      plan: { way: 'all due', listed: [] },
    },
  ])('planReviews gives $why', ({ facts, plan }) => {
    expect(planReviews({ ...source, ...facts })).toEqual(plan)
  })

  const statuses = fc.array(
    fc.tuple(fc.nat(5_000), fc.nat(100)).map(([referrals, percent]) => ({
      referrals,
      due: Math.floor((referrals * percent) / 100),
    })),
    { maxLength: 5 },
  )
  const anyFacts = fc
    .record({
      statuses,
      others: fc.nat(50_000),
      changedPercent: fc.nat(100),
      pageRows: fc.integer({ min: 2, max: 200 }),
      createdFilter: fc.constantFrom('bare' as const, null),
      skip: fc.boolean(),
      statusFilter: fc.boolean(),
      movesDate: fc.boolean(),
      sampleCount: fc.nat(100),
    })
    .map(({ others, changedPercent, createdFilter, skip, statusFilter, ...rest }): ReviewFacts => {
      const open = rest.statuses.reduce((sum, { referrals }) => sum + referrals, 0)
      const due = rest.statuses.reduce((sum, one) => sum + one.due, 0)
      const referrals = open + others
      return {
        ...rest,
        statuses: rest.statuses.map((one, index) => ({ status: `status ${index}`, ...one })),
        referrals,
        changed: Math.floor(((referrals - due) * changedPercent) / 100),
        capabilities: { createdFilter, skip, statusFilter },
      }
    })

  /** Requests of a plan, counted page by page and read by read. */
  function countRequests(facts: ReviewFacts, plan: ReturnType<typeof planReviews>): number {
    const { pageRows, capabilities } = facts
    const twentieth = Math.max(1, Math.floor(pageRows / 20))
    const overlap = capabilities.createdFilter ? 1 : capabilities.skip ? twentieth : 0
    const pagesOf = (rows: number, again: number) => {
      let pages = 0
      for (let left = rows; left > 0; left -= pageRows - again) pages += 1
      return pages
    }
    if (plan.way === 'everything') return pagesOf(facts.referrals, overlap) + 3
    let requests = pagesOf(facts.changed, overlap) + 1
    if (plan.way === 'sample') return requests + plan.count
    for (const one of facts.statuses) {
      if (!plan.listed.includes(one.status)) requests += one.due
      else requests += pagesOf(one.referrals + 1, twentieth)
    }
    return requests
  }

  test('planReviews never gives more requests than every page takes, and leaves out only what it may', () => {
    const property = fc.property(anyFacts, (facts) => {
      const plan = planReviews(facts)
      const requests = countRequests(facts, plan)
      expect(requests).toBeLessThanOrEqual(countRequests(facts, { way: 'everything' }))
      // No other plan that sees as much takes fewer requests.
      const byId = countRequests(facts, { way: 'all due', listed: [] })
      expect(requests).toBeLessThanOrEqual(byId)
      if (plan.way === 'sample') {
        expect(facts.movesDate).toBe(true)
        expect(plan.count).toBeLessThanOrEqual(facts.sampleCount)
      }
      if (plan.way === 'all due' && !facts.capabilities.statusFilter)
        expect(plan.listed).toEqual([])
    })
    fc.assert(property, { seed: 16, numRuns: 500 })
  })
})

describe('nextSample', () => {
  test('nextSample takes the ids in turn, and begins again after the last', () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    expect(nextSample(ids, null, 2)).toEqual(['a', 'b'])
    expect(nextSample(ids, 'b', 2)).toEqual(['c', 'd'])
    expect(nextSample(ids, 'd', 2)).toEqual(['e', 'a'])
    expect(nextSample(ids, 'e', 2)).toEqual(['a', 'b'])
    expect(nextSample(ids, 'bb', 1)).toEqual(['c'])
    expect(nextSample(ids, 'c', 9)).toEqual(['d', 'e', 'a', 'b', 'c'])
    expect(nextSample([], 'c', 9)).toEqual([])
  })

  const id = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 3, maxLength: 3 })

  test('nextSample reads each id within n / count nights, where n ids were ever there', () => {
    const property = fc.property(
      fc.uniqueArray(id, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      fc.option(id, { nil: null }),
      fc.array(fc.uniqueArray(id, { maxLength: 10 }), { maxLength: 20 }),
      (staying, count, start, coming) => {
        const nights = Math.ceil(new Set([...staying, ...coming.flat()]).size / count)
        const seen = new Set<string>()
        let last = start
        for (let night = 0; night < nights; night += 1) {
          const ids = [...new Set([...staying, ...(coming[night] ?? [])])].sort()
          const sample = nextSample(ids, last, count)
          for (const sampled of sample) seen.add(sampled)
          last = sample.at(-1) ?? last
        }
        expect(staying.filter((one) => !seen.has(one))).toEqual([])
      },
    )
    fc.assert(property, { seed: 16, numRuns: 300 })
  })
})
