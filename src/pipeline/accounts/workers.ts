import { availableParallelism } from 'node:os'

/**
 * Accounts side by side unless `--workers` says otherwise. Loading is bound to one core, and what more of
 * them gain is the time that others wait for the API and the database.
 */
export const workersDefault = Math.min(availableParallelism(), 4)
