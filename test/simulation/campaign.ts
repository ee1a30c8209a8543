import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { drawOptions, type Strategy, strategies } from './options.ts'
import { play } from './play.ts'
import { emptyTally, merge, playSeeds, type Tally } from './tally.ts'

// Plays many more seeds than the tests have time for:
//   tsx test/simulation/campaign.ts --seeds 20000
//   tsx test/simulation/campaign.ts --seed 4711 --strategy links

interface Share {
  readonly strategy: Strategy
  readonly from: number
  readonly count: number
}

const seedsPerShare = 250
const failuresShown = 5

if (process.send === undefined) await command()
else
  process.on('message', async ({ strategy, from, count }: Share) => {
    process.send?.(await playSeeds(strategy, { from, count }))
  })

async function command(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '20000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      strategy: { type: 'string', multiple: true, default: [...strategies] },
    },
  })
  const chosen = strategies.filter((name) => values.strategy.includes(name))
  if (chosen.length === 0) throw new Error(`--strategy: expected one of ${strategies.join(', ')}.`)
  const isClean =
    values.seed === undefined
      ? await campaign(chosen, Number(values.from), Number(values.seeds))
      : await single(chosen, Number(values.seed))
  process.exitCode = isClean ? 0 : 1
}

/** Plays one seed and prints every miss. */
async function single(chosen: readonly Strategy[], seed: number): Promise<boolean> {
  let isClean = true
  for (const strategy of chosen) {
    const { options, misses, ...numbers } = await play(drawOptions(strategy, seed))
    say(JSON.stringify({ options, ...numbers }))
    for (const { night, during, what } of misses) say(`  night ${night}, ${during}: ${what}`)
    isClean &&= misses.length === 0
  }
  return isClean
}

async function campaign(chosen: readonly Strategy[], from: number, seeds: number) {
  const startedAt = Date.now()
  say(
    row([
      'strategy',
      'seeds',
      'nights',
      'requests',
      'rows read',
      'rows owed',
      'next night',
      'misses',
      's',
    ]),
  )
  let misses = 0
  for (const strategy of chosen) {
    const strategyStartedAt = Date.now()
    const tally = await shared(strategy, from, seeds)
    misses += tally.misses
    const { worlds, nights, requests, rows, owed, leftOver } = tally
    const seconds = Math.round((Date.now() - strategyStartedAt) / 1000)
    say(row([strategy, worlds, nights, requests, rows, owed, leftOver, tally.misses, seconds]))
    for (const failure of tally.failures.slice(0, failuresShown)) say(JSON.stringify(failure))
  }
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  say(`${misses} misses in ${seeds} seeds of ${chosen.length} strategies, ${seconds} s.`)
  return misses === 0
}

/** Plays the seeds of a strategy in parallel, one process per processor. */
async function shared(strategy: Strategy, from: number, seeds: number): Promise<Tally> {
  const total = emptyTally()
  const shares: Share[] = []
  for (let done = 0; done < seeds; done += seedsPerShare)
    shares.push({ strategy, from: from + done, count: Math.min(seedsPerShare, seeds - done) })
  const work = async () => {
    const child = fork(new URL(import.meta.url), { stdio: 'inherit' })
    try {
      for (let share = shares.shift(); share !== undefined; share = shares.shift()) {
        const tally = await new Promise<Tally>((resolve, reject) => {
          child.once('message', (message) => resolve(message as Tally))
          child.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)))
          child.send(share as Share)
        })
        merge(total, tally)
        total.failures.push(...tally.failures)
        child.removeAllListeners('exit')
      }
    } finally {
      child.disconnect()
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  total.failures.sort((one, other) => one.options.seed - other.options.seed)
  return total
}

function row(cells: readonly (string | number)[]): string {
  const [name, ...numbers] = cells.map((cell) => cell.toLocaleString('en'))
  return [String(name).padEnd(14), ...numbers.map((number) => number.padStart(12))].join('')
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
