import { Random } from '../../src/sandbox/random.ts'

/** Paging behaviour of the simulated server, which `probe` has to discover. */
export interface ServerVariant {
  /** `ignored`: `$filter` is accepted and has no effect. */
  readonly dateFilter: 'bare' | 'quoted' | 'refused' | 'ignored'
  readonly links: boolean
  readonly skip: 'obeyed' | 'ignored' | 'refused'
  readonly pageCap: number
  readonly top: 'page' | 'total'
  readonly count: 'page' | 'total'
  /** A filter on the status of the registration; refused when left out. */
  readonly statusFilter?: 'obeyed' | 'ignored' | 'refused'
}

/** Parameters that determine a world. As JSON they are an entry of the corpus. */
export interface WorldOptions {
  readonly strategy: Strategy
  readonly seed: number
  readonly rate: Rate
  readonly rows: number
  readonly pageSize: number
  /** Number of nights on which the source changes; a quiet night and full reads follow. */
  readonly nights: number
  /** Lead of the host's clock over the server's. */
  readonly skewMs: number
  readonly server: ServerVariant
  /**
   * Reads by id of a night, as where reviews are known to move `updatedDateTime`, although they do not
   * here; all of them when left out.
   */
  readonly sampleCount?: number
}

/**
 * Rate of change. `quiet` updates half a row per request and `busy` two; a page has 5 to 10 rows. A
 * `storm` updates more rows than a page holds, so a list by update time never comes to rest. Then
 * the next night has to bring the rows that a read left out or did not reach.
 */
export type Rate = 'quiet' | 'busy' | 'storm'

/** Ways of reading; each has servers on which the real readers choose it. */
export const strategies = ['filter+links', 'filter+skip', 'links', 'skip', 'windows'] as const
export type Strategy = (typeof strategies)[number]

const minuteMs = 60_000

/** Draws the options of a world; the same seed and strategy give the same world. */
export function drawOptions(strategy: Strategy, seed: number): WorldOptions {
  const random = new Random(seed, 11, strategies.indexOf(strategy))
  // A stream of its own, so that the other options of a seed stay as they were.
  const reviews = new Random(seed, 14, strategies.indexOf(strategy))
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
    server: { ...drawServer(random, strategy, pageSize), ...drawStatusFilter(reviews) },
    ...(reviews.chance(0.2) ? { sampleCount: reviews.integer(3, 9) } : {}),
  }
}

function drawStatusFilter(random: Random): Pick<ServerVariant, 'statusFilter'> {
  return { statusFilter: random.pick(['obeyed', 'ignored', 'refused'] as const) }
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
    // Only `$skip` can continue a chain of links that ends at `$top`.
    top: skip === 'obeyed' ? random.pick(['page', 'total']) : 'page',
    count: random.pick(['page', 'total']),
  }
}
