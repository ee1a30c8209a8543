import { describe, expect, test } from 'vitest'
import { changeKinds } from '../../src/sandbox/population/change.ts'
import { Simulation } from '../../src/sandbox/population/simulation.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { listPath, withSandbox } from './client.ts'

const byId = (referrals: Referral[]) => new Map(referrals.map((each) => [each.id, each]))
const decided = ['Approved', 'Passed', 'Failed', 'ActionRequired']

describe('Simulation.change', () => {
  const simulation = new Simulation(2000, 1, 0)
  const before = byId(simulation.referrals())
  const startMs = simulation.nowMs
  const changed = simulation.change(50)
  const after = byId(simulation.referrals())

  test('a day with changes alters exactly the referrals that it returns', () => {
    const different = [...after.keys()].filter(
      (id) => JSON.stringify(before.get(id)) !== JSON.stringify(after.get(id)),
    )
    expect(different.sort()).toEqual([...changed].sort())
    expect(changed).toHaveLength(50)
  })

  test('changed referrals get a time of that day, in order, and a new eTag', () => {
    const stamps = changed.map((id) => Date.parse(after.get(id)?.updatedDateTime ?? ''))
    const loud = stamps.filter((ms) => ms >= startMs)
    expect(loud.length).toBeGreaterThan(45)
    expect(loud).toEqual([...loud].sort((a, b) => a - b))
    expect(Math.max(...loud)).toBeLessThan(simulation.nowMs)
    for (const id of changed) {
      const [old, fresh] = [before.get(id), after.get(id)]
      const isSilent = old?.updatedDateTime === fresh?.updatedDateTime
      expect(old?.eTag === fresh?.eTag).toBe(isSilent)
    }
  })

  test('changed referrals keep ids, engagements and times of creation', () => {
    for (const id of changed) {
      const { engagementId, createdDateTime } = before.get(id) ?? {}
      expect(after.get(id)).toMatchObject({ id, engagementId, createdDateTime })
    }
  })

  test('changes advance open referrals before they rewrite finished ones', () => {
    const moved = changed.filter((id) => {
      const [old, fresh] = [before.get(id), after.get(id)]
      return old?.status !== 'Closed' || old?.registrationStatus !== fresh?.registrationStatus
    })
    expect(moved.length).toBeGreaterThan(35)
  })
})

test('equal seeds give equal changes in equal order', () => {
  const [one, other] = [new Simulation(300, 2, 0), new Simulation(300, 2, 0)]
  for (const count of [5, 20, 1]) expect(one.change(count)).toEqual(other.change(count))
  expect(JSON.stringify(one.referrals())).toBe(JSON.stringify(other.referrals()))
})

test('a silent change decides a registration and leaves updatedDateTime and eTag', () => {
  const simulation = new Simulation(2000, 1, 0)
  const before = byId(simulation.referrals())
  const ids = simulation.change(3, 'silent')
  const after = byId(simulation.referrals())
  expect(ids).toHaveLength(3)
  for (const id of ids) {
    const [old, fresh] = [before.get(id), after.get(id)]
    expect(fresh?.registrations).not.toEqual(old?.registrations)
    expect(fresh?.registrationStatus).toBe(fresh?.registrations?.[0]?.status)
    expect([fresh?.updatedDateTime, fresh?.eTag]).toEqual([old?.updatedDateTime, old?.eTag])
  }
})

test('silent changes occur without being requested, but seldom', () => {
  const simulation = new Simulation(600, 1, 0)
  let silent = 0
  for (let day = 0; day < 40; day++) {
    const before = byId(simulation.referrals())
    const changed = simulation.change(12)
    const after = byId(simulation.referrals())
    silent += changed.filter(
      (id) => before.get(id)?.updatedDateTime === after.get(id)?.updatedDateTime,
    ).length
  }
  expect(silent).toBeGreaterThan(0)
  expect(silent).toBeLessThan(48)
})

test.each(changeKinds)('the change %s can be requested', (kind) => {
  expect(new Simulation(2000, 1, 0).change(2, kind)).toHaveLength(2)
})

test('a won deal can be registered, approved and reopened', () => {
  const simulation = new Simulation(400, 1, 0)
  const find = (id: string | undefined) => byId(simulation.referrals()).get(id)
  const [id] = simulation.change(1, 'register')
  expect(find(id)).toMatchObject({
    registrationStatus: 'ReviewPending',
    registrations: [{ status: 'ReviewPending', type: 'AzureIPCoSell' }],
  })
  simulation.change(400, 'review')
  expect(decided).toContain(find(id)?.registrationStatus)
  simulation.change(400, 'reopen')
  expect(find(id)?.registrationStatus).toBe('ActionRequired')
})

test('a manual review takes an approval back and leaves its instant', () => {
  const simulation = new Simulation(2000, 1, 0)
  const [id] = simulation.change(1, 'revoke')
  const registration = byId(simulation.referrals()).get(id)?.registrations?.[0]
  expect(registration?.status).toBe('Failed')
  const approved = simulation
    .referrals()
    .flatMap(({ registrations }) => registrations ?? [])
    .filter(
      ({ status, statusHistory }) => status === 'Failed' && statusHistory?.approvedDateTime != null,
    )
  expect(approved.length).toBeGreaterThan(1)
  // Seldom, as in the figures of the demo.
  expect(approved.length).toBeLessThan(12)
})

test('referrals that become visible late have old times of update', () =>
  withSandbox({ referrals: 40 }, async ({ sandbox, walk }) => {
    const before = sandbox.now()
    const appeared = sandbox.appear(5)
    const served = (await walk()).flatMap((page) => page.value)
    const late = served.filter((each) => appeared.includes(each.id ?? ''))
    expect(late).toHaveLength(5)
    expect(late.every((each) => (each.updatedDateTime ?? '') < before)).toBe(true)
    const old = late.filter((each) => (each.updatedDateTime ?? '') < '2026-06-01')
    expect(old.length).toBeGreaterThan(2)
  }))

test('more changes than referrals change each of them once', () => {
  expect(new Set(new Simulation(30, 1, 0).change(100)).size).toBe(30)
})

test('new referrals arrive and others vanish', () =>
  withSandbox({ referrals: 40 }, async ({ sandbox, walk }) => {
    const [before, arrived, gone] = [sandbox.now(), sandbox.arrive(3), sandbox.vanish(2)]
    const served = (await walk()).flatMap((page) => page.value)
    expect(served).toHaveLength(41)
    for (const id of gone) expect(served.some((each) => each.id === id)).toBe(false)
    const fresh = served.filter((each) => arrived.includes(each.id ?? ''))
    expect(fresh.every((each) => (each.createdDateTime ?? '') >= before.slice(0, 19))).toBe(true)
  }))

test('named referrals vanish from the list and by id, and reappear as they were', () =>
  withSandbox({ referrals: 40 }, async ({ sandbox, walk, get }) => {
    const before = sandbox.referrals()
    const named = before.slice(3, 5).map(({ id }) => id ?? '')
    expect(sandbox.vanish(named)).toEqual(named)
    expect(sandbox.referrals()).toEqual(before.filter(({ id }) => !named.includes(id ?? '')))
    expect((await get(`${listPath}/${named[0]}`)).status).toBe(404)
    expect(sandbox.reappear()).toEqual(named)
    expect(sandbox.reappear()).toEqual([])
    expect(byId((await walk()).flatMap((page) => page.value))).toEqual(byId(before))
  }))

test('changes, arrivals and disappearances can be requested over HTTP without a token', () =>
  withSandbox({ referrals: 40 }, async ({ sandbox }) => {
    const post = (path: string) => fetch(`${sandbox.url}/sandbox/${path}`, { method: 'POST' })
    const { changed, now } = (await (await post('change?count=4')).json()) as {
      changed: string[]
      now: string
    }
    expect(changed).toHaveLength(4)
    expect(now).toBe('2026-07-01T06:00:00.000Z')
    expect((await post('change?count=x')).status).toBe(400)
    expect((await post('change?kind=explode')).status).toBe(400)
    const state = await (await fetch(`${sandbox.url}/sandbox/state`)).json()
    expect(state).toMatchObject({ now, referrals: 40, options: { seed: 1 } })
    expect(JSON.stringify(state)).not.toContain('refresh-token')
  }))
