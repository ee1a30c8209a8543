import type { ExpectStatic } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import { answerFaults } from './answer-faults.ts'
import { bodyFaults } from './body-faults.ts'
import type { FaultKind, Outcome } from './kinds.ts'
import { pageFaults } from './page-faults.ts'
import { signInFaults } from './sign-in-faults.ts'
import {
  canonicalSource,
  type Fault,
  type Position,
  type Read,
  readEverything,
  singles,
  type World,
  withFault,
} from './world.ts'

export interface FaultCase {
  area: string
  title: string
  position: Position
  kind: FaultKind
}

/** Every kind of fault at every position where it makes sense. */
export const faultCases: readonly FaultCase[] = [
  ...signInFaults,
  ...answerFaults,
  ...bodyFaults,
  ...pageFaults,
].flatMap((kind) =>
  kind.positions.map((position) => ({
    area: kind.area,
    title: `${kind.name} at ${position}`,
    position,
    kind,
  })),
)

export interface Survived {
  case: FaultCase
  outcome: 'recovered' | 'gone' | number
  fired: number
}

/**
 * Reads everything with the fault, then again without it. Asserts the number of injections, the
 * outcome of the run, that no partial page and no early request got through, and that the next run
 * reads everything.
 */
export async function tryFault(faultCase: FaultCase, expect: ExpectStatic): Promise<Survived> {
  const { kind, position } = faultCase
  const { times, inject, when } = kind
  const { outcome = kind.outcome, fires = kind.fires } = kind.except?.[position] ?? {}
  const fault: Fault = { position, times, inject, when }
  const result = await withFault(fault, kind.sandbox ?? {}, async (world, elsewhere) => {
    const faulty = await readEverything(world, kind.options, kind.capabilities)
    const { fired } = world
    expect.soft(outcomeOf(faulty), String(faulty.error)).toEqual(outcome)
    const [least, most] = typeof fires === 'number' ? [fires, fires] : fires
    expect.soft(fired, 'injections').toBeGreaterThanOrEqual(least)
    expect.soft(fired, 'injections').toBeLessThanOrEqual(most)
    checkWhole(world, faulty, expect)
    if (outcome === 'recovered' || outcome === 'gone') checkComplete(world, faulty, expect)
    expect.soft(faulty.gone).toEqual(outcome === 'gone' ? [singles[1]] : [])
    expect.soft(world.seen.tooEarly, 'requests sent too early').toBe(0)
    if (kind.tokenRequests !== undefined)
      expect.soft(world.seen.token, 'requests for tokens').toBe(kind.tokenRequests)
    kind.check?.(world)
    await world.heal()
    const clean = await readEverything(world)
    expect.soft(clean.error).toBeNull()
    checkComplete(world, clean, expect)
    expect.soft(elsewhere(), 'connections elsewhere').toBe(0)
    return { fired, error: faulty.error }
  })
  const exitCode = result.error instanceof CosellError ? result.error.exitCode : null
  return {
    case: faultCase,
    outcome: exitCode ?? (outcome === 'gone' ? 'gone' : 'recovered'),
    fired: result.fired,
  }
}

function outcomeOf({ error, gone }: Read): Outcome | string {
  if (error === null) return gone.length > 0 ? 'gone' : 'recovered'
  return error instanceof CosellError ? [error.exitCode, error.code] : String(error)
}

/** Asserts that every referral read equals the source, and that every page is whole. */
function checkWhole(world: World, read: Read, expect: ExpectStatic): void {
  for (const [id, text] of read.referrals) {
    if (text !== canonicalSource.get(id)) expect.soft(text).toBe(world.altered.get(id))
  }
  expect.soft(read.pages.filter((page) => !world.wholePages.has(page))).toEqual([])
}

function checkComplete(world: World, read: Read, expect: ExpectStatic): void {
  expect.soft([...read.referrals.keys()].sort()).toEqual([...world.source.keys()].sort())
}

const positions: readonly Position[] = ['token', 'first', 'middle', 'last', 'single', 'run']

/** Formats the cases that passed as a table, one line per area. */
export function tableOf(results: readonly Survived[]): string {
  const areas = [...new Set(results.map((result) => result.case.area))]
  const head = ['', 'kinds', ...positions, 'cases', 'fired', 'ended with']
  const lines = areas.map((area) => [
    area,
    ...columns(results.filter((result) => result.case.area === area)),
  ])
  return [head, ...lines, ['all', ...columns(results)]].map(line).join('\n')
}

function columns(results: readonly Survived[]): string[] {
  const count = (position: Position) =>
    results.filter((result) => result.case.position === position).length
  const endings = new Map<string, number>()
  for (const { outcome } of results) {
    const ending = typeof outcome === 'number' ? `exit ${outcome}` : outcome
    endings.set(ending, (endings.get(ending) ?? 0) + 1)
  }
  return [
    String(new Set(results.map((result) => result.case.kind)).size),
    ...positions.map((position) => String(count(position) || '')),
    String(results.length),
    String(results.reduce((sum, { fired }) => sum + fired, 0)),
    [...endings]
      .sort()
      .map(([ending, times]) => `${ending}: ${times}`)
      .join(', '),
  ]
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 || index === 10 ? cell.padEnd(7) : cell.padStart(7)))
    .join(' ')
}
