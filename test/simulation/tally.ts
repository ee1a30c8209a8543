import { drawOptions, type Strategy, type WorldOptions } from './options.ts'
import { type Outcome, play, type Readers, realReaders } from './play.ts'

/** Totals over many worlds of one strategy. */
export interface Tally {
  worlds: number
  nights: number
  requests: number
  /** Number of rows on all pages. */
  rows: number
  /** Number of rows that reads were obliged to land. */
  owed: number
  misses: number
  /** Owed rows that changed again during the read and came a night later. */
  leftOver: number
  /** Number of changes by kind. */
  readonly happened: Record<string, number>
  readonly failures: Failure[]
}

/** World with a miss and its reason; an entry of the corpus. */
export interface Failure {
  readonly why: string
  readonly options: WorldOptions
}

const countNames = ['worlds', 'nights', 'requests', 'rows', 'owed', 'misses', 'leftOver'] as const

export function emptyTally(): Tally {
  const numbers = { worlds: 0, nights: 0, requests: 0, rows: 0, owed: 0, misses: 0, leftOver: 0 }
  return { ...numbers, happened: {}, failures: [] }
}

/** Plays the worlds of `count` seeds, starting at `from`. */
export async function playSeeds(
  strategy: Strategy,
  { from, count }: { from: number; count: number },
  { readers = realReaders, ...changed }: { readers?: Readers } & Partial<WorldOptions> = {},
): Promise<Tally> {
  const tally = emptyTally()
  for (let seed = from; seed < from + count; seed += 1) {
    add(tally, await play({ ...drawOptions(strategy, seed), ...changed }, readers))
  }
  return tally
}

function add(tally: Tally, outcome: Outcome): void {
  const { options, misses, happened } = outcome
  const first = misses[0]
  if (first !== undefined) {
    const why = `night ${first.night}, ${first.during}: ${first.what}`
    tally.failures.push({ why, options })
  }
  const { nights, requests, rows, owed, leftOver } = outcome
  const counts = { worlds: 1, nights, requests, rows, owed, leftOver, misses: misses.length }
  merge(tally, { ...counts, happened })
}

/** Adds the numbers of another tally, not its failures. */
export function merge(tally: Tally, other: Omit<Tally, 'failures'>): void {
  for (const name of countNames) tally[name] += other[name]
  for (const [kind, times] of Object.entries(other.happened))
    tally.happened[kind] = (tally.happened[kind] ?? 0) + times
}
