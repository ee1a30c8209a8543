import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { naiveReaders } from './naive.ts'
import { drawOptions, strategies } from './options.ts'
import { play } from './play.ts'
import { type Failure, playSeeds } from './tally.ts'

const corpus: readonly Failure[] = JSON.parse(
  readFileSync(new URL('../fixtures/paging-corpus.json', import.meta.url), 'utf8'),
)

/** Number of seeds per strategy; `campaign.ts` plays more. */
const seeds = 1000

test.each(strategies)(
  '%s: nothing is missed in 1,000 worlds that change while they are read',
  {
    timeout: 120_000,
  },
  async (strategy) => {
    const tally = await playSeeds(strategy, { from: 1, count: seeds })
    // Prints the first failure as an entry to paste into the corpus.
    expect(tally.failures.slice(0, 1).map((failure) => JSON.stringify(failure))).toEqual([])
    expect(tally).toMatchObject({ worlds: seeds, misses: 0 })
    expect(tally.owed).toBeGreaterThan(seeds * 100)
    expect(tally.leftOver / tally.owed).toBeLessThan(1 / 5_000)
    const kinds = ['insert', 'update', 'hide', 'return', 'silent', 'bulk', 'future']
    for (const kind of [...kinds, 'late insert', 'late update'])
      expect(tally.happened[kind], kind).toBeGreaterThan(seeds / 10)
  },
)

test.each(corpus)('paging misses nothing in a world of the corpus: $why', async ({ options }) => {
  expect((await play(options)).misses).toEqual([])
})

test.each(strategies)('readers by %s know what the server does', async (strategy) => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const { capabilities, options } = await play({ ...drawOptions(strategy, seed), nights: 1 })
    const { dateFilter, links, skip, top, pageCap } = options.server
    // A page that exhausts `$top` has no next link.
    const nextLink = links && (top === 'page' || pageCap < 2 * options.pageSize)
    const literal = dateFilter === 'bare' || dateFilter === 'quoted' ? dateFilter : null
    const filters = { createdFilter: literal, updatedFilter: literal }
    expect(capabilities).toMatchObject({ ...filters, nextLink, skip: skip === 'obeyed' })
  }
})

test.each([
  { order: 'createdDateTime desc', quiet: 5, busy: 20 },
  { order: 'createdDateTime asc', quiet: 5, busy: 20 },
  { order: 'updatedDateTime desc', quiet: 25, busy: 25 },
  { order: 'updatedDateTime asc', quiet: 25, busy: 25 },
] as const)(
  'paging $order by a bare offset misses rows, so the simulation can see a miss',
  async (row) => {
    const readers = naiveReaders(row.order)
    const range = { from: 1, count: 30 }
    const quiet = await playSeeds('skip', range, { readers, rate: 'quiet' })
    const busy = await playSeeds('skip', range, { readers, rate: 'busy' })
    expect(quiet.failures.length).toBeGreaterThanOrEqual(row.quiet)
    expect(busy.failures.length).toBeGreaterThanOrEqual(row.busy)
  },
)

test('nights that look at no registration miss silent changes, so the simulation can see one', async () => {
  const range = { from: 1, count: 100 }
  const { failures } = await playSeeds('filter+links', range, { sampleCount: 0, rate: 'quiet' })
  expect(failures.length).toBeGreaterThanOrEqual(5)
  for (const { why } of failures) expect(why).toContain('after the quiet night')
})
