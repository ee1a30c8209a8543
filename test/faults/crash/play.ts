import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { CosellError } from '../../../src/errors.ts'
import type { Boundary } from '../../../src/io-boundary.ts'
import type { PrivateServer } from './private-server.ts'
import { type Program, runProgram } from './program.ts'
import { withWire } from './wire.ts'
import {
  accountNames,
  type Ground,
  letLeasesLapse,
  readersSee,
  readLeftovers,
  runHere,
  type World,
  withWorld,
} from './world.ts'

/** One accident. Written `kill:12`, `kill:12:sent`, `kill:12+40`, `cut:12:heard`, `crash:12`. */
export type Case =
  | { readonly how: 'kill'; readonly at: number; readonly isSent: boolean; readonly again?: number }
  | { readonly how: 'cut'; readonly at: number; readonly isHeard: boolean }
  | { readonly how: 'crash'; readonly at: number }

/** What a night without accidents is like. */
export interface Reference {
  /** Boundaries that the program crosses, in order. */
  readonly program: readonly Boundary[]
  /** As above, of the run in this process, which sends no ping. */
  readonly here: readonly Boundary[]
  /** What readers may see: before the night, with one of the accounts, and after it. */
  readonly before: string
  readonly halves: readonly string[]
  readonly after: string
  readonly leftovers: string
}

export interface Outcome {
  readonly name: string
  readonly problems: readonly string[]
  /** The accident befell the boundary that had this number in the reference. */
  readonly isAsNamed: boolean
  /** The run that met the accident ended well all the same. */
  readonly isWithstood: boolean
  readonly seconds: number
}

/** What cases are played with. */
export interface Means {
  readonly ground: Ground
  readonly program: Pick<Program, 'door'>
  readonly reference: Reference
  /** For crashes: the server that the ground is on. */
  readonly server?: PrivateServer
}

export function nameOf(played: Case): string {
  if (played.how === 'crash') return `crash:${played.at}`
  if (played.how === 'cut') return `cut:${played.at}:${played.isHeard ? 'heard' : 'unheard'}`
  const again = played.again === undefined ? '' : `+${played.again}`
  return `kill:${played.at}${again}${played.isSent ? ':sent' : ''}`
}

export function parseCase(name: string): Case {
  const parts = /^(kill|cut|crash):(\d+)(?:\+(\d+))?(?::(sent|heard|unheard))?$/.exec(name)
  if (parts === null) throw new Error(`--case: not a case: ${name}`)
  const [, how, number, again, word] = parts
  const at = Number(number)
  if (how === 'crash') return { how, at }
  if (how === 'cut') return { how, at, isHeard: word === 'heard' }
  const more = again === undefined ? {} : { again: Number(again) }
  return { how: 'kill', at, isSent: word === 'sent', ...more }
}

/** Plays the quiet night: in a process, in this one, and of each account alone. */
export async function playReference(
  ground: Ground,
  program: Pick<Program, 'door'>,
): Promise<Reference> {
  const halves: string[] = []
  for (const name of accountNames) {
    const one = (world: World) => runHere(world).then(() => readersSee(world))
    halves.push(await withWorld(ground, one, [name]))
  }
  const told = await withWorld(ground, async (world) => {
    const before = await readersSee(world)
    const end = await runProgram(program, { env: world.settings, cwd: world.home })
    if (end.code !== 0) throw new Error(`the quiet night failed: ${end.stderr}`)
    const after = await readersSee(world)
    return { before, after, program: end.boundaries, leftovers: await readLeftovers(world) }
  })
  const here: Boundary[] = []
  await withWorld(ground, async (world) => {
    await whileWatching(
      (boundary) => here.push(boundary),
      () => runHere(world),
    )
    const isSame = (await readersSee(world)) === told.after
    if (!isSame) throw new Error('two quiet nights differ')
  })
  return { ...told, halves, here }
}

/** Plays one case in a world of its own. */
export async function play(played: Case, means: Means): Promise<Outcome> {
  const started = performance.now()
  const problems: string[] = []
  const found = await withWorld(means.ground, async (world) => {
    const accident = await meetAccident(played, world, means)
    problems.push(...accident.problems)
    await checkAfterwards(world, means.reference, accident.isWithstood, problems)
    return accident
  }).catch((error: unknown) => {
    problems.push(String(error instanceof Error ? error.stack : error))
    return { isAsNamed: false, isWithstood: false }
  })
  const seconds = (performance.now() - started) / 1000
  const { isAsNamed, isWithstood } = found
  return { name: nameOf(played), problems, isAsNamed, isWithstood, seconds }
}

interface Accident {
  readonly problems: readonly string[]
  readonly isAsNamed: boolean
  readonly isWithstood: boolean
}

function meetAccident(played: Case, world: World, means: Means): Promise<Accident> {
  if (played.how === 'kill') return killed(played, world, means)
  if (played.how === 'cut') return cut(played, world, means.reference)
  return crashed(played, world, means)
}

/** What must hold after any accident, and after the runs that follow it. */
async function checkAfterwards(
  world: World,
  reference: Reference,
  isWithstood: boolean,
  problems: string[],
) {
  const seen = await readersSee(world)
  if (![reference.before, ...reference.halves, reference.after].includes(seen))
    problems.push('readers saw an account half published')
  if (isWithstood && seen !== reference.after)
    problems.push('the run said that it had published, and readers do not see it')
  await letLeasesLapse(world)
  // A run that went on by itself has nothing left for the next one to do.
  if (!isWithstood) await runHere(world)
  if ((await readersSee(world)) !== reference.after)
    problems.push('the next run did not end as if nothing had happened')
  const { rows_written: rows } = await runHere(world)
  if (rows !== 0) problems.push(`the run after that wrote ${rows} rows`)
  const leftovers = await readLeftovers(world)
  if (leftovers !== reference.leftovers)
    problems.push(`expected ${reference.leftovers}, got ${leftovers}`)
}

type Kill = Extract<Case, { how: 'kill' }>

async function killed(played: Kill, world: World, { program, reference }: Means) {
  const blows = [played.at, ...(played.again === undefined ? [] : [played.again])]
  const problems: string[] = []
  let isAsNamed = true
  for (const [place, at] of blows.entries()) {
    if (place > 0) await letLeasesLapse(world)
    const blow = { at, isSent: played.isSent }
    const end = await runProgram(program, { env: world.settings, cwd: world.home, blow })
    // The second run has less to do, and may be over before it is struck.
    const isOver = place > 0 && end.code === 0
    if (end.signal !== 'SIGKILL' && !isOver)
      problems.push(`not killed at ${at}: ${end.code ?? end.signal} ${end.stderr.slice(-400)}`)
    if (place === 0) isAsNamed = isSame(end.boundaries[0], reference.program[at - 1])
  }
  return { problems, isAsNamed, isWithstood: false }
}

async function cut(
  { at, isHeard }: Extract<Case, { how: 'cut' }>,
  world: World,
  reference: Reference,
): Promise<Accident> {
  return withWire(world.url, async (wire) => {
    let struck: Boundary | undefined
    const ending = await endOf(
      world,
      at,
      (boundary) => {
        struck = boundary
        wire.cutNext(isHeard)
      },
      wire.url,
    )
    const problems = [...ending.problems]
    if (wire.cuts() !== 1) problems.push(`expected one cut, got ${wire.cuts()}`)
    return { ...ending, problems, isAsNamed: isSame(struck, reference.here[at - 1]) }
  })
}

async function crashed(
  { at }: Extract<Case, { how: 'crash' }>,
  world: World,
  { server, reference }: Means,
): Promise<Accident> {
  let struck: Boundary | undefined
  let restarted: Promise<void> | undefined
  const ending = await endOf(world, at, (boundary) => {
    struck = boundary
    server?.crash()
    restarted = server?.start()
  })
  await restarted
  const isStruck = restarted !== undefined
  const problems = isStruck ? ending.problems : [...ending.problems, 'the server did not crash']
  return { ...ending, problems, isAsNamed: isSame(struck, reference.here[at - 1]) }
}

/** Runs the night here and strikes at the boundary; an accident may only cost the time until the next run. */
async function endOf(
  world: World,
  at: number,
  strike: (boundary: Boundary) => void,
  url: string = world.url,
): Promise<Pick<Accident, 'problems' | 'isWithstood'>> {
  let crossed = 0
  const watch = (boundary: Boundary) => {
    crossed += 1
    if (crossed === at) strike(boundary)
  }
  try {
    await whileWatching(watch, () => runHere(world, url))
    return { problems: [], isWithstood: true }
  } catch (error) {
    const isLater = error instanceof CosellError && error.kind === 'tryAgainLater'
    const text = `ended otherwise than with "try again later": ${describe(error)}`
    return { problems: isLater ? [] : [text], isWithstood: false }
  }
}

/** Tells `watch` of every boundary that this process crosses meanwhile. */
export async function whileWatching<T>(watch: (boundary: Boundary) => void, use: () => Promise<T>) {
  const listen = (message: unknown) => watch(message as Boundary)
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

function isSame(one: Boundary | undefined, other: Boundary | undefined): boolean {
  return one?.kind === other?.kind && one?.name === other?.name && one?.phase === other?.phase
}
