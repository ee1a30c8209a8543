import { Random } from '../../../src/sandbox/population/random.ts'
import type { Case, Reference } from './play.ts'

export const hows = ['kill', 'cut', 'crash'] as const
export type How = (typeof hows)[number]

/**
 * Every accident of a kind. A kill strikes before each boundary, after the last, and where a
 * statement takes effect by itself also between its leaving and its answer; a cut strikes each
 * statement and each chunk of COPY unheard and unanswered; a crash comes before each statement.
 * Between what comes after one boundary and before the next nothing leaves the process, so the two
 * would be the same accident.
 */
export function casesOf(how: How, { program, here }: Reference): Case[] {
  const crossed = (how === 'kill' ? program : here).map((boundary, index) => ({
    ...boundary,
    at: index + 1,
  }))
  const befores = crossed.filter(({ phase }) => phase === 'before')
  if (how === 'crash')
    return befores.flatMap(({ kind, at }) => (kind === 'sql' ? [{ how, at }] : []))
  if (how === 'cut') {
    const wire = befores.filter(({ kind }) => kind === 'sql' || kind === 'copy')
    return wire.flatMap(({ at }) => [
      { how, at, isHeard: false },
      { how, at, isHeard: true },
    ])
  }
  const takesEffect = effects(program)
  const kills = befores.flatMap(({ at }): Case[] => {
    const there: Case = { how, at, isSent: false }
    return takesEffect.has(at) ? [there, { how, at, isSent: true }] : [there]
  })
  return [...kills, { how, at: program.length, isSent: false }]
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

/** Each `every`th case, and those that `isKept`. */
export function sized<T>(cases: readonly T[], every: number, isKept: (one: T) => boolean): T[] {
  const start = Math.floor(every / 2)
  return cases.filter((one, index) => index % every === start || isKept(one))
}

/** Pairs of kills, the second of them in the run that follows the first. */
export function pairsOf({ program }: Reference, count: number, seed: number): Case[] {
  const random = new Random(seed, 1)
  const draw = () => random.integer(1, program.length)
  return Array.from({ length: count }, () => ({
    how: 'kill',
    at: draw(),
    again: draw(),
    isSent: false,
  }))
}
