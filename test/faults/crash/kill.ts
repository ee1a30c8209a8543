import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { startThrowaway } from '../../support/global-setup.ts'
import { casesOf, type How, hows, pairsOf, sized } from './cases.ts'
import {
  type Case,
  type Means,
  nameOf,
  type Outcome,
  parseCase,
  play,
  playReference,
  type Reference,
} from './play.ts'
import { type PrivateServer, prepareNight, startPrivateServer } from './private-server.ts'
import { compile } from './program.ts'
import { type Night, nights } from './world.ts'

// An accident at every boundary of a night of two accounts of five pages, one case each:
//   tsx test/faults/crash/kill.ts
//   tsx test/faults/crash/kill.ts --only kill --every 10
//   tsx test/faults/crash/kill.ts --night next --case cut:212:heard

const casesPerWord = 50

interface Order {
  readonly means: Omit<Means, 'server'>
  readonly played: Case
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [...hows] },
    night: { type: 'string', multiple: true, default: [...nights] },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: String(Number.MAX_SAFE_INTEGER) },
    pairs: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    case: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: String(availableParallelism()) },
    boundaries: { type: 'boolean', default: false },
  },
})

/** Set by Ctrl-C: cases under way are played to their end, and the servers stopped. */
let isOver = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    isOver = true
  })

if (process.send === undefined) process.exitCode = (await campaign()) ? 0 : 1
else work()

/** One of the processes among which the cases are dealt out; for crashes it has a server of its own. */
function work() {
  let server: PrivateServer | undefined
  let own: Means | undefined
  process.on('message', async ({ means, played }: Order) => {
    if (played.how === 'crash' && own === undefined) {
      const { program, ground } = means
      server = await startPrivateServer(ground.night)
      // Each migrated database has a secret of its own, which the digests of people depend on.
      const reference = await playReference(server.ground, program)
      own = { program, ground: server.ground, reference, server }
    }
    process.send?.(await play(played, played.how === 'crash' && own !== undefined ? own : means))
  })
  process.on('disconnect', () => server?.remove())
}

async function campaign(): Promise<boolean> {
  const startedAt = Date.now()
  const program = await compile()
  const server = await startThrowaway()
  let failed = 0
  try {
    for (const night of nights.filter((name) => values.night.includes(name))) {
      const ground = await prepareNight(server.url, `cosell_kill_${night}`, night)
      const reference = await playReference(ground, program)
      say(
        `\nThe ${night} night crosses ${reference.program.length} boundaries: ${kinds(reference)}`,
      )
      if (values.boundaries) sayBoundaries(reference)
      failed += await playAll({ ground, program, reference }, night)
    }
  } finally {
    await server.stop()
    await program.remove()
  }
  say(`\n${failed} of all cases failed; ${secondsSince(startedAt)} s.`)
  return failed === 0 && !isOver
}

async function playAll(means: Order['means'], night: Night): Promise<number> {
  say(row(['', 'cases', 'went on', 'shifted', 'failed', 's']))
  let failed = 0
  for (const [name, cases] of chosen(means.reference)) {
    const startedAt = Date.now()
    const outcomes = await dealt(cases, means, night)
    const wrong = outcomes.filter(({ problems }) => problems.length > 0).length
    failed += wrong
    const wentOn = outcomes.filter(({ isWithstood }) => isWithstood).length
    const shifted = outcomes.filter(({ isAsNamed }) => !isAsNamed).length
    say(row([name, outcomes.length, wentOn, shifted, wrong, secondsSince(startedAt)]))
  }
  return failed
}

function chosen(reference: Reference): [string, Case[]][] {
  if (values.case.length > 0) return [['named', values.case.map(parseCase)]]
  const isInRange = ({ at }: Case) => at >= Number(values.from) && at <= Number(values.to)
  const lists = hows
    .filter((how) => values.only.includes(how))
    .map((how: How): [string, Case[]] => [
      how,
      sized(casesOf(how, reference).filter(isInRange), Number(values.every), () => false),
    ])
  const pairs = pairsOf(reference, Number(values.pairs), Number(values.seed))
  return pairs.length === 0 ? lists : [...lists, ['kill twice', pairs]]
}

/** Deals cases out to processes; says at once what failed and how to play it again. */
async function dealt(
  cases: readonly Case[],
  means: Order['means'],
  night: Night,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const waiting = [...cases]
  const job = async () => {
    const child = fork(new URL(import.meta.url), { stdio: 'inherit' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      for (
        let played = waiting.shift();
        played !== undefined && !isOver;
        played = waiting.shift()
      ) {
        const outcome = await new Promise<Outcome>((resolve, reject) => {
          const exit = (code: number | null) => reject(new Error(`a worker ended with ${code}`))
          child.once('exit', exit)
          child.once('message', (message) => {
            child.off('exit', exit)
            resolve(message as Outcome)
          })
          child.send({ means, played } satisfies Order)
        })
        outcomes.push(outcome)
        if (outcomes.length % casesPerWord === 0) warn(`  ${outcomes.length} of ${cases.length}`)
        if (outcome.problems.length > 0) sayFailure(played, outcome, means.reference, night)
      }
    } finally {
      child.disconnect()
      await ended
    }
  }
  await Promise.all(Array.from({ length: Math.min(Number(values.jobs), cases.length) }, job))
  return outcomes
}

function sayFailure(played: Case, { problems }: Outcome, reference: Reference, night: Night) {
  const trace = played.how === 'kill' ? reference.program : reference.here
  const { kind, name, phase } = trace[played.at - 1] ?? {}
  say(`${nameOf(played)} (${phase} ${kind} ${name})`)
  for (const problem of problems) say(`  ${problem.replaceAll('\n', '\n  ')}`)
  say(`  again: npx tsx test/faults/crash/kill.ts --night ${night} --case ${nameOf(played)}`)
}

function kinds({ program }: Reference): string {
  const counts = new Map<string, number>()
  for (const { kind } of program) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
}

function sayBoundaries({ program }: Reference) {
  for (const [index, { kind, name, phase }] of program.entries())
    say(`${String(index + 1).padStart(5)}  ${phase.padEnd(6)}  ${kind.padEnd(4)}  ${name}`)
}

function row(cells: readonly (string | number)[]): string {
  const [name, ...numbers] = cells.map((cell) => cell.toLocaleString('en'))
  return [String(name).padEnd(12), ...numbers.map((number) => number.padStart(9))].join('')
}

function secondsSince(startedAt: number): number {
  return Math.round((Date.now() - startedAt) / 1000)
}

/** Progress, which is not part of the table. */
function warn(text: string): void {
  process.stderr.write(`${text}\n`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
