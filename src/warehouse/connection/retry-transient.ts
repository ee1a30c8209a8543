import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import type { Database } from '../tables.generated.ts'
import { codeOf, databaseFailure, isDropped, type Kysely, type Transaction } from './database.ts'

/** Code of the error for staged rows that are gone and have to be staged again. */
export const stageLost = 'stage.lost'

const attemptsMax = 5
/** An administrator cancelled the statement: once it may be chance, twice it is meant. */
const cancelAttemptsMax = 2
/** 0.2 + 0.8 + 3.2 + 12.8 seconds: most restarts and failovers are over by then. */
const firstPauseMs = 200
const pauseGrowth = 4

const queryCanceled = '57014'

/**
 * Repeats the whole of `work` after a transient failure: a lost connection, a server restart, a
 * deadlock, a serialization failure, a lock timeout. `work` must be idempotent, also after half of
 * it was done; `isAgain` is true from the second attempt on. An outer `retryTransient` does not
 * repeat the last failure.
 *
 * @throws CosellError when the last attempt fails too.
 */
export async function retryTransient<T>(
  work: (isAgain: boolean) => Promise<T>,
  wait: (ms: number) => Promise<unknown> = sleep,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt > 1)
    } catch (error) {
      if (attempt >= attemptsAllowed(error)) throw attempt === 1 ? error : databaseFailure(error)
      await wait(pauseMs(attempt, Math.random()))
    }
  }
}

/**
 * Runs `use` in the transaction that `query` is, or else in one of its own, which is repeated after a
 * transient failure.
 */
export function inTransaction<T>(
  query: Kysely<Database>,
  use: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  if (query.isTransaction) return use(query as Transaction<Database>)
  return retryTransient(() => query.transaction().execute(use))
}

/** Largest number of attempts after an error; waiting does not fix full disks and standbys. */
function attemptsAllowed(error: unknown): number {
  if (error instanceof CosellError) return error.code === stageLost ? attemptsMax : 1
  const code = codeOf(error)
  if (code === queryCanceled) return cancelAttemptsMax
  const isTransient = /^(08\w{3}|40\w{3}|55P03|57P0\d|E[A-Z]+)$/.test(code) || isDropped(error)
  return isTransient ? attemptsMax : 1
}

/** Pause before the next attempt; half of it is random, so that two that collided do not again. */
export function pauseMs(attempt: number, random: number): number {
  return firstPauseMs * pauseGrowth ** (attempt - 1) * (0.5 + random / 2)
}
