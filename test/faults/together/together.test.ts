import { expect, inject, test } from 'vitest'
import { runTogether } from './run-together.ts'

// The sized-down part of `npm run test:together`.

test('eight accounts load at once as they would one after the other, with long publishes, new statuses and kills', async () => {
  const result = await runTogether({
    server: inject('databaseUrl'),
    template: inject('databaseTemplate'),
    door: inject('programDoor'),
    accounts: 8,
    referrals: 20,
    kills: 2,
    publishSeconds: 1,
    nights: 1,
  })
  expect(result.problems).toEqual([])
  expect(result).toMatchObject({ processes: 11, deadlocks: 0 })
  expect(result.newPairs).toBeGreaterThan(3)
}, 180_000)
