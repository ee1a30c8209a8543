import { Random } from '../../../src/sandbox/random.ts'
import type { Case, Reference } from './run-case.ts'

export const faults = ['kill', 'cut', 'crash', 'cancel', 'terminate'] as const
export type Fault = (typeof faults)[number]

/**
 * Every case of a fault. A kill comes before each boundary and after the last. Where a statement takes
 * effect outside of a transaction, another kill comes between its sending and its answer. A cut loses
 * each statement and each chunk of COPY, or the answer to it. A crash comes before each statement. An
 * administrator cancels each statement and each chunk of COPY, or terminates its backend.
 * Nothing leaves the process between two boundaries, so a kill after one equals a kill before the next.
 */
export function casesOf(fault: Fault, { program, here }: Reference): Case[] {
  const crossed = (fault === 'kill' ? program : here).map((boundary, index) => ({
    ...boundary,
    at: index + 1,
  }))
  const befores = crossed.filter(({ phase }) => phase === 'before')
  if (fault === 'crash')
    return befores.flatMap(({ kind, at }) => (kind === 'sql' ? [{ fault, at }] : []))
  if (fault === 'cancel' || fault === 'terminate') {
    const answered = befores.filter(({ kind, name }) => /sql|copy/.test(kind) && name !== 'connect')
    return answered.map(({ at }) => ({ fault, at }))
  }
  if (fault === 'cut') {
    const wire = befores.filter(({ kind }) => kind === 'sql' || kind === 'copy')
    return wire.flatMap(({ at }) => [
      { fault, at, isDelivered: false },
      { fault, at, isDelivered: true },
    ])
  }
  const takesEffect = effects(program)
  const kills = befores.flatMap(({ at }): Case[] => {
    const there: Case = { fault, at, isSent: false }
    return takesEffect.has(at) ? [there, { fault, at, isSent: true }] : [there]
  })
  return [...kills, { fault, at: program.length, isSent: false }]
}

/** Numbers of the statements that are COMMIT or stand outside of a transaction. */
function effects(program: Reference['program']): Set<number> {
  const numbers = new Set<number>()
  let isWithin = false
  for (const [index, { kind, name, phase }] of program.entries()) {
    if (kind !== 'sql' || phase !== 'before') continue
    if (name === 'begin' || name === 'start') isWithin = true
    else if (name === 'commit' || name === 'rollback') isWithin = false
    if (!isWithin && !/^(connect|select)/.test(name)) numbers.add(index + 1)
  }
  return numbers
}

/** Every n-th case, and the kept ones. */
export function sized<T>(cases: readonly T[], every: number, isKept: (one: T) => boolean): T[] {
  const start = Math.floor(every / 2)
  return cases.filter((one, index) => index % every === start || isKept(one))
}

/** Pairs of kills, the second of them in the run that follows the first. */
export function pairsOf({ program }: Reference, count: number, seed: number): Case[] {
  const random = new Random(seed, 1)
  const draw = () => random.integer(1, program.length)
  return Array.from({ length: count }, () => ({
    fault: 'kill',
    at: draw(),
    again: draw(),
    isSent: false,
  }))
}
