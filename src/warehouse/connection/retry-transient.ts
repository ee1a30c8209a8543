import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import { codeOf, databaseFailure, isDropped } from './database.ts'

/** Code of the error that says that what was staged is gone, and is to be staged again. */
export const stageLost = 'stage.lost'

const triesMax = 5
/** A statement that ran out of time once may have waited for another; twice, it is too slow. */
const triesOutOfTimeMax = 2
/** 0.2 + 0.8 + 3.2 + 12.8 seconds: most restarts and failovers are over by then. */
const firstPauseMs = 200
const pauseGrowth = 4

const outOfTime = '57014'

/**
 * Does `work` again, all of it, after a failure that says nothing about the work: the connection was
 * lost, the server restarted, a deadlock, a serialization failure, a lock that was not to be had.
 * `work` must take no harm from having been done, or half done, before; from the second time on it
 * is told so. What fails to the last is not done again by a `redo` around this one.
 *
 * @throws CosellError when it was done again and failed all the same.
 */
export async function redo<T>(
  work: (isAgain: boolean) => Promise<T>,
  wait: (ms: number) => Promise<unknown> = sleep,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(tries > 1)
    } catch (error) {
      if (tries >= triesAllowed(error)) throw tries === 1 ? error : databaseFailure(error)
      await wait(pauseMs(tries, Math.random()))
    }
  }
}

/** How often work is done at most that ends like this; full disks and standbys do not pass by waiting. */
function triesAllowed(error: unknown): number {
  if (error instanceof CosellError) return error.code === stageLost ? triesMax : 1
  const code = codeOf(error)
  if (code === outOfTime) return triesOutOfTimeMax
  const isPassing = /^(08\w{3}|40\w{3}|55P03|57P0\d|E[A-Z]+)$/.test(code) || isDropped(error)
  return isPassing ? triesMax : 1
}

/** Half of it by chance, so that two that met once do not meet again. */
export function pauseMs(tries: number, random: number): number {
  return firstPauseMs * pauseGrowth ** (tries - 1) * (0.5 + random / 2)
}
