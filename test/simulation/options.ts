import { Random } from '../../src/sandbox/population/random.ts'

/** How the simulated server pages; what it accepts is for `probe` to find out. */
export interface ServerVariant {
  /** `ignored`: `$filter` is taken and has no effect. */
  readonly dateFilter: 'bare' | 'quoted' | 'refused' | 'ignored'
  readonly links: boolean
  readonly skip: 'obeyed' | 'ignored' | 'refused'
  readonly pageCap: number
  readonly top: 'page' | 'total'
  readonly count: 'page' | 'total'
}

/** Everything that a world is made of; as JSON it is a line of the corpus. */
export interface WorldOptions {
  readonly strategy: Strategy
  readonly seed: number
  readonly rate: Rate
  readonly rows: number
  readonly pageSize: number
  /** Nights during which the source changes; one quiet night and full reads follow. */
  readonly nights: number
  /** How far the clock of the host is ahead of the server's. */
  readonly skewMs: number
  readonly server: ServerVariant
}

/**
 * `quiet` changes half a row per request, `busy` two, of pages with 5 to 10 rows. In a `storm` more
 * rows are updated than a page holds, so no list by update time comes to rest: what a read then
 * leaves out, or cannot end, the next night has to bring.
 */
export type Rate = 'quiet' | 'busy' | 'storm'

/** What lets the real readers choose another way of reading, one world of servers each. */
export const strategies = ['filter+links', 'filter+skip', 'links', 'skip', 'windows'] as const
export type Strategy = (typeof strategies)[number]

const minuteMs = 60_000

/** The options of a seed: the same seed and strategy give the same world. */
export function drawOptions(strategy: Strategy, seed: number): WorldOptions {
  const random = new Random(seed, 11, strategies.indexOf(strategy))
  const pageSize = random.integer(5, 10)
  const rate = random.weighted<Rate>([
    ['quiet', 60],
    ['busy', 37],
    ['storm', 3],
  ])
  return {
    strategy,
    seed,
    rate,
    rows: rate === 'storm' ? 30 : random.integer(30, 80),
    pageSize,
    nights: rate === 'storm' ? 2 : random.integer(3, 4),
    skewMs: random.integer(-5 * minuteMs, 5 * minuteMs),
    server: drawServer(random, strategy, pageSize),
  }
}

function drawServer(random: Random, strategy: Strategy, pageSize: number): ServerVariant {
  const isWithFilter =
    strategy.startsWith('filter') || (strategy === 'windows' && random.chance(0.7))
  const links = strategy.endsWith('links') || (strategy === 'windows' && random.chance(0.5))
  const skip = links ? random.pick(['obeyed', 'ignored', 'refused'] as const) : 'obeyed'
  return {
    dateFilter: isWithFilter
      ? random.pick(['bare', 'quoted'])
      : random.pick(['refused', 'ignored']),
    links,
    skip,
    pageCap: random.chance(0.3) ? random.integer(5, pageSize) : 100,
    // A chain of links that ends at `$top` can only be gone on from by `$skip`.
    top: skip === 'obeyed' ? random.pick(['page', 'total']) : 'page',
    count: random.pick(['page', 'total']),
  }
}
