import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { CosellError } from '../../../src/errors.ts'
import type { IoBoundary } from '../../../src/io-boundary.ts'
import type { PrivateServer } from './private-server.ts'
import { type Program, runProgram } from './program.ts'
import { withWire } from './wire.ts'
import {
  accountNames,
  letLeasesLapse,
  readersSee,
  readLeftovers,
  runHere,
  type TestServer,
  type World,
  withWorld,
  wordsOf,
} from './world.ts'

/** One fault at one boundary. Written `kill:12`, `kill:12:sent`, `kill:12+40`, `cut:12:delivered`, `crash:12`, `cancel:12`, `terminate:12`. */
export type Case =
  | {
      readonly fault: 'kill'
      readonly at: number
      readonly isSent: boolean
      readonly again?: number
    }
  | { readonly fault: 'cut'; readonly at: number; readonly isDelivered: boolean }
  | { readonly fault: 'crash' | Order; readonly at: number }

/** What an administrator does to a backend. */
type Order = 'cancel' | 'terminate'

/** A night without faults. */
export interface Reference {
  /** Boundaries that the program crosses, in order. */
  readonly program: readonly IoBoundary[]
  /** Boundaries of the run in this process, which sends no ping. */
  readonly here: readonly IoBoundary[]
  /** States that readers may see: before the night, with one of the accounts, and after it. */
  readonly before: string
  readonly halves: readonly string[]
  readonly after: string
  readonly leftovers: string
}

export interface Outcome {
  readonly name: string
  readonly problems: readonly string[]
  /** Whether the fault hit the boundary that had this number in the reference. */
  readonly isSameBoundary: boolean
  /** Whether the run ended well in spite of the fault. */
  readonly hasRecovered: boolean
  readonly seconds: number
}

/** Everything that a case needs. */
export interface CaseContext {
  readonly testServer: TestServer
  readonly program: Pick<Program, 'door'>
  readonly reference: Reference
  /** The server to crash. */
  readonly server?: PrivateServer
}

export function nameOf(oneCase: Case): string {
  if (oneCase.fault === 'cut')
    return `cut:${oneCase.at}:${oneCase.isDelivered ? 'delivered' : 'undelivered'}`
  if (oneCase.fault !== 'kill') return `${oneCase.fault}:${oneCase.at}`
  const again = oneCase.again === undefined ? '' : `+${oneCase.again}`
  return `kill:${oneCase.at}${again}${oneCase.isSent ? ':sent' : ''}`
}

export function parseCase(name: string): Case {
  const parts =
    /^(kill|cut|crash|cancel|terminate):(\d+)(?:\+(\d+))?(?::(sent|delivered|undelivered))?$/.exec(
      name,
    )
  if (parts === null) throw new Error(`--case: not a case: ${name}`)
  const [, fault, number, again, word] = parts
  const at = Number(number)
  if (fault === 'crash' || fault === 'cancel' || fault === 'terminate') return { fault, at }
  if (fault === 'cut') return { fault, at, isDelivered: word === 'delivered' }
  const more = again === undefined ? {} : { again: Number(again) }
  return { fault: 'kill', at, isSent: word === 'sent', ...more }
}

/** Runs the night without faults: in a process, in this one, and for each account alone. */
export async function runReference(
  testServer: TestServer,
  program: Pick<Program, 'door'>,
): Promise<Reference> {
  const halves: string[] = []
  for (const name of accountNames) {
    const one = (world: World) => runHere(world).then(() => readersSee(world))
    halves.push(await withWorld(testServer, one, [name]))
  }
  const quiet = await withWorld(testServer, async (world) => {
    const before = await readersSee(world)
    const end = await runProgram(program, {
      env: world.settings,
      cwd: world.home,
      words: wordsOf(world),
    })
    if (end.code !== 0) throw new Error(`the quiet night failed: ${end.stderr}`)
    const after = await readersSee(world)
    return { before, after, program: end.boundaries, leftovers: await readLeftovers(world) }
  })
  const here: IoBoundary[] = []
  await withWorld(testServer, async (world) => {
    await whileWatching(
      (boundary) => here.push(boundary),
      () => runHere(world),
    )
    const isSame = (await readersSee(world)) === quiet.after
    if (!isSame) throw new Error('two quiet nights differ')
  })
  return { ...quiet, halves, here }
}

/** Runs one case in a world of its own. */
export async function runCase(oneCase: Case, context: CaseContext): Promise<Outcome> {
  const started = performance.now()
  const problems: string[] = []
  const found = await withWorld(context.testServer, async (world) => {
    const result = await injectFault(oneCase, world, context)
    problems.push(...result.problems)
    await checkAfterwards(world, context.reference, result.hasRecovered, problems)
    return result
  }).catch((error: unknown) => {
    problems.push(String(error instanceof Error ? error.stack : error))
    return { isSameBoundary: false, hasRecovered: false }
  })
  const seconds = (performance.now() - started) / 1000
  const { isSameBoundary, hasRecovered } = found
  return { name: nameOf(oneCase), problems, isSameBoundary, hasRecovered, seconds }
}

interface FaultResult {
  readonly problems: readonly string[]
  readonly isSameBoundary: boolean
  readonly hasRecovered: boolean
}

function injectFault(oneCase: Case, world: World, context: CaseContext): Promise<FaultResult> {
  if (oneCase.fault === 'kill') return killed(oneCase, world, context)
  if (oneCase.fault === 'cut') return cut(oneCase, world, context.reference)
  if (oneCase.fault === 'crash') return crashed(oneCase.at, world, context)
  return ordered(oneCase.fault, oneCase.at, world, context.reference)
}

/** Checks what must hold after any fault, and after the two runs that follow it. */
async function checkAfterwards(
  world: World,
  reference: Reference,
  hasRecovered: boolean,
  problems: string[],
) {
  const seen = await readersSee(world)
  const whole = [reference.before, ...reference.halves, reference.after].map(withoutShared)
  if (!whole.includes(withoutShared(seen))) problems.push('readers saw an account half published')
  if (hasRecovered && seen !== reference.after)
    problems.push('the run said that it had published, and readers do not see it')
  await letLeasesLapse(world)
  // A run that recovered leaves nothing to do for the next one.
  if (!hasRecovered) await runHere(world)
  if ((await readersSee(world)) !== reference.after)
    problems.push('the next run did not end as if nothing had happened')
  const { rows_written: rows } = await runHere(world)
  if (rows !== 0) problems.push(`the run after that wrote ${rows} rows`)
  const leftovers = await readLeftovers(world)
  if (leftovers !== reference.leftovers)
    problems.push(`expected ${reference.leftovers}, got ${leftovers}`)
}

/** Members that belong to no account are added before the publish that needs them. */
const sharedTables = new Set(['dw.dim_status', 'dw.dim_currency', 'etl.enum_value'])

function withoutShared(state: string): string {
  return JSON.stringify(
    JSON.parse(state, (name, value) => (sharedTables.has(name) ? undefined : value)),
  )
}

type Kill = Extract<Case, { fault: 'kill' }>

async function killed(oneCase: Kill, world: World, { program, reference }: CaseContext) {
  const blows = [oneCase.at, ...(oneCase.again === undefined ? [] : [oneCase.again])]
  const problems: string[] = []
  let isSameBoundary = true
  for (const [place, at] of blows.entries()) {
    if (place > 0) await letLeasesLapse(world)
    const blow = { at, isSent: oneCase.isSent }
    const end = await runProgram(program, {
      env: world.settings,
      cwd: world.home,
      words: wordsOf(world),
      blow,
    })
    // The second run has less to do, and may be over before it is hit.
    const isOver = place > 0 && end.code === 0
    if (end.signal !== 'SIGKILL' && !isOver)
      problems.push(`not killed at ${at}: ${end.code ?? end.signal} ${end.stderr.slice(-400)}`)
    if (place === 0) isSameBoundary = isSame(end.boundaries[0], reference.program[at - 1])
  }
  return { problems, isSameBoundary, hasRecovered: false }
}

async function cut(
  { at, isDelivered }: Extract<Case, { fault: 'cut' }>,
  world: World,
  reference: Reference,
): Promise<FaultResult> {
  return withWire(world.url, async (wire) => {
    let hit: IoBoundary | undefined
    const ending = await endOf(
      world,
      at,
      (boundary) => {
        hit = boundary
        wire.cutNext(isDelivered)
      },
      wire.url,
    )
    const problems = [...ending.problems]
    if (wire.cuts() !== 1) problems.push(`expected one cut, got ${wire.cuts()}`)
    return { ...ending, problems, isSameBoundary: isSame(hit, reference.here[at - 1]) }
  })
}

async function crashed(
  at: number,
  world: World,
  { server, reference }: CaseContext,
): Promise<FaultResult> {
  let hit: IoBoundary | undefined
  let restarted: Promise<void> | undefined
  const ending = await endOf(world, at, (boundary) => {
    hit = boundary
    server?.crash()
    restarted = server?.start()
  })
  await restarted
  const isHit = restarted !== undefined
  const problems = isHit ? ending.problems : [...ending.problems, 'the server did not crash']
  return { ...ending, problems, isSameBoundary: isSame(hit, reference.here[at - 1]) }
}

/** Longest time of a run to its end after a statement was cancelled or its backend terminated. */
const secondsMax = 45
/** Cancelling goes on for so long, because an idle backend ignores it and most statements are short. */
const cancelMs = 30
const untilCancellingMs = 3

/** The backend of a statement is cancelled or terminated by an administrator. */
async function ordered(
  order: Order,
  at: number,
  world: World,
  reference: Reference,
): Promise<FaultResult> {
  return withWire(world.url, async (wire) => {
    let hit: IoBoundary | undefined
    let given: Promise<unknown> | undefined
    const give = async (pid: number) => {
      given = order === 'cancel' ? cancelFor(world, pid) : terminate(world, pid)
      await (order === 'cancel' ? sleep(untilCancellingMs) : given)
    }
    const ending = endOf(
      world,
      at,
      (boundary) => {
        hit = boundary
        wire.meetNext(give)
      },
      wire.url,
    )
    const over = new AbortController()
    const late = sleep(secondsMax * 1000, undefined, { signal: over.signal }).then(
      () => ({ problems: [`it did not end within ${secondsMax} s`], hasRecovered: false }),
      () => ({ problems: [], hasRecovered: false }),
    )
    const ended = await Promise.race([ending, late])
    over.abort()
    await given
    const problems = given === undefined ? ['no backend was met'] : []
    return {
      hasRecovered: ended.hasRecovered,
      problems: [...ended.problems, ...problems],
      isSameBoundary: isSame(hit, reference.here[at - 1]),
    }
  })
}

/** Cancels what a backend does, again and again for a moment. */
function cancelFor({ db }: World, pid: number) {
  return sql
    .raw(
      `do $$
      declare
        until timestamptz := clock_timestamp() + interval '${cancelMs} ms';
      begin
        while clock_timestamp() < until loop
          perform pg_cancel_backend(${pid});
        end loop;
      end $$`,
    )
    .execute(db)
}

const terminate = ({ db }: World, pid: number) =>
  sql`select pg_terminate_backend(${pid}::integer)`.execute(db)

/** Runs the night here and injects the fault at the boundary; it may only cost the time until the next run. */
async function endOf(
  world: World,
  at: number,
  inject: (boundary: IoBoundary) => void,
  url: string = world.url,
): Promise<Pick<FaultResult, 'problems' | 'hasRecovered'>> {
  let crossed = 0
  const watch = (boundary: IoBoundary) => {
    crossed += 1
    if (crossed === at) inject(boundary)
  }
  try {
    await whileWatching(watch, () => runHere(world, url))
    return { problems: [], hasRecovered: true }
  } catch (error) {
    const isLater = error instanceof CosellError && error.kind === 'tryAgainLater'
    const text = `ended otherwise than with "try again later": ${describe(error)}`
    return { problems: isLater ? [] : [text], hasRecovered: false }
  }
}

/** Calls `watch` at every boundary that this process crosses during `use`. */
export async function whileWatching<T>(
  watch: (boundary: IoBoundary) => void,
  use: () => Promise<T>,
) {
  const listen = (message: unknown) => watch(message as IoBoundary)
  subscribe('cosell:io', listen)
  try {
    return await use()
  } finally {
    unsubscribe('cosell:io', listen)
  }
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  return `${error instanceof Error ? error.stack : error}${cause ? `\ncaused by ${cause.stack}` : ''}`
}

function isSame(one: IoBoundary | undefined, other: IoBoundary | undefined): boolean {
  return one?.kind === other?.kind && one?.name === other?.name && one?.phase === other?.phase
}
