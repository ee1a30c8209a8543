import { World } from '../../../src/sandbox/population/deal.ts'
import { population } from '../../../src/sandbox/population/population.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'

/** Returns a seeded population as the API serves it. */
export function aPopulation(count: number, seed = 1): Referral[] {
  return JSON.parse(JSON.stringify([...population(new World(seed, count), count)]))
}
