import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { startThrowaway } from '../../support/global-setup.ts'
import { casesOf, type Fault, faults, pairsOf, sized } from './cases.ts'
import { type PrivateServer, prepareNight, startPrivateServer } from './private-server.ts'
import { compile } from './program.ts'
import {
  type Case,
  type CaseContext,
  nameOf,
  type Outcome,
  parseCase,
  type Reference,
  runCase,
  runReference,
} from './run-case.ts'
import { type Night, nights } from './world.ts'

// A fault at every boundary of a night of two accounts of five pages, one case each:
//   tsx test/faults/crash/run-all.ts
//   tsx test/faults/crash/run-all.ts --only kill --every 10
//   tsx test/faults/crash/run-all.ts --night rebuild --only cancel --only terminate --every 5
//   tsx test/faults/crash/run-all.ts --night import --only kill --every 5
//   tsx test/faults/crash/run-all.ts --night next --case cut:212:delivered

const casesPerWord = 50

interface Order {
  readonly context: Omit<CaseContext, 'server'>
  readonly oneCase: Case
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [...faults] },
    night: { type: 'string', multiple: true, default: ['first', 'next'] },
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

/** Set by Ctrl-C: running cases end first, then the servers are stopped. */
let isOver = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    isOver = true
  })

if (process.send === undefined) process.exitCode = (await campaign()) ? 0 : 1
else work()

/** One of the processes that run cases; for crashes it has a server of its own. */
function work() {
  let server: PrivateServer | undefined
  let own: CaseContext | undefined
  process.on('message', async ({ context, oneCase }: Order) => {
    if (oneCase.fault === 'crash' && own === undefined) {
      const { program, testServer } = context
      server = await startPrivateServer(testServer.night)
      // Each migrated database has a secret of its own, which the digests of people depend on.
      const reference = await runReference(server.testServer, program)
      own = { program, testServer: server.testServer, reference, server }
    }
    process.send?.(
      await runCase(oneCase, oneCase.fault === 'crash' && own !== undefined ? own : context),
    )
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
      const testServer = await prepareNight(server.url, `cosell_kill_${night}`, night)
      const reference = await runReference(testServer, program)
      print(
        `\nThe ${night} night crosses ${reference.program.length} boundaries: ${kinds(reference)}`,
      )
      if (values.boundaries) printBoundaries(reference)
      failed += await runAll({ testServer, program, reference }, night)
    }
  } finally {
    await server.stop()
    await program.remove()
  }
  print(`\n${failed} of all cases failed; ${secondsSince(startedAt)} s.`)
  return failed === 0 && !isOver
}

async function runAll(context: Order['context'], night: Night): Promise<number> {
  print(row(['', 'cases', 'went on', 'shifted', 'failed', 's']))
  let failed = 0
  for (const [name, cases] of chosen(context.reference)) {
    const startedAt = Date.now()
    const outcomes = await runInProcesses(cases, context, night)
    const wrong = outcomes.filter(({ problems }) => problems.length > 0).length
    failed += wrong
    const wentOn = outcomes.filter(({ hasRecovered }) => hasRecovered).length
    const shifted = outcomes.filter(({ isSameBoundary }) => !isSameBoundary).length
    print(row([name, outcomes.length, wentOn, shifted, wrong, secondsSince(startedAt)]))
  }
  return failed
}

function chosen(reference: Reference): [string, Case[]][] {
  if (values.case.length > 0) return [['named', values.case.map(parseCase)]]
  const isInRange = ({ at }: Case) => at >= Number(values.from) && at <= Number(values.to)
  const lists = faults
    .filter((how) => values.only.includes(how))
    .map((fault: Fault): [string, Case[]] => [
      fault,
      sized(casesOf(fault, reference).filter(isInRange), Number(values.every), () => false),
    ])
  const pairs = pairsOf(reference, Number(values.pairs), Number(values.seed))
  return pairs.length === 0 ? lists : [...lists, ['kill twice', pairs]]
}

/** Runs cases in several processes; prints each failure at once, with the command that repeats it. */
async function runInProcesses(
  cases: readonly Case[],
  context: Order['context'],
  night: Night,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const waiting = [...cases]
  const job = async () => {
    const child = fork(new URL(import.meta.url), { stdio: 'inherit' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      for (
        let oneCase = waiting.shift();
        oneCase !== undefined && !isOver;
        oneCase = waiting.shift()
      ) {
        const outcome = await new Promise<Outcome>((resolve, reject) => {
          const exit = (code: number | null) => reject(new Error(`a worker ended with ${code}`))
          child.once('exit', exit)
          child.once('message', (message) => {
            child.off('exit', exit)
            resolve(message as Outcome)
          })
          child.send({ context, oneCase } satisfies Order)
        })
        outcomes.push(outcome)
        if (outcomes.length % casesPerWord === 0) warn(`  ${outcomes.length} of ${cases.length}`)
        if (outcome.problems.length > 0) printFailure(oneCase, outcome, context.reference, night)
      }
    } finally {
      child.disconnect()
      await ended
    }
  }
  await Promise.all(Array.from({ length: Math.min(Number(values.jobs), cases.length) }, job))
  return outcomes
}

function printFailure(oneCase: Case, { problems }: Outcome, reference: Reference, night: Night) {
  const trace = oneCase.fault === 'kill' ? reference.program : reference.here
  const { kind, name, phase } = trace[oneCase.at - 1] ?? {}
  print(`${nameOf(oneCase)} (${phase} ${kind} ${name})`)
  for (const problem of problems) print(`  ${problem.replaceAll('\n', '\n  ')}`)
  print(`  again: npx tsx test/faults/crash/run-all.ts --night ${night} --case ${nameOf(oneCase)}`)
}

function kinds({ program }: Reference): string {
  const counts = new Map<string, number>()
  for (const { kind } of program) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
}

function printBoundaries({ program }: Reference) {
  for (const [index, { kind, name, phase }] of program.entries())
    print(`${String(index + 1).padStart(5)}  ${phase.padEnd(6)}  ${kind.padEnd(4)}  ${name}`)
}

function row(cells: readonly (string | number)[]): string {
  const [name, ...numbers] = cells.map((cell) => cell.toLocaleString('en'))
  return [String(name).padEnd(12), ...numbers.map((number) => number.padStart(9))].join('')
}

function secondsSince(startedAt: number): number {
  return Math.round((Date.now() - startedAt) / 1000)
}

/** Prints progress, which is not part of the table. */
function warn(text: string): void {
  process.stderr.write(`${text}\n`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
