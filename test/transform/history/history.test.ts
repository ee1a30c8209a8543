import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LandedVersion } from '../../../src/transform/context.ts'
import {
  aReferral,
  aRegistration,
  type Observed,
  only,
  rowsOfVersions,
} from '../../support/referral-builder.ts'

const created = '2025-01-01T08:00:00Z'

/** A referral of three properties and what matters; nothing about it is closed or registered. */
function deal(updated: string, changes: object = {}) {
  return aReferral({
    createdDateTime: created,
    updatedDateTime: updated,
    acceptedDateTime: null,
    closedDateTime: null,
    status: 'New',
    substatus: 'Received',
    registrationStatus: 'None',
    registrations: [],
    ...changes,
  })
}

const active = { status: 'Active', substatus: 'Accepted' }
const won = { status: 'Closed', substatus: 'Won' }

function sighting(
  kind: 'absence' | 'presence',
  at: string,
  no: number,
  payload: object = {},
): LandedVersion {
  return {
    version_no: no,
    resource_type: kind === 'absence' ? 'referral_absence' : 'referral_presence',
    observed_at: at,
    source_updated_text: null,
    payload,
    people: null,
  }
}

function historyOf(observed: readonly Observed[], presence: readonly LandedVersion[] = []) {
  return rowsOfVersions(observed, presence)['stg.fact_referral_history']
}

/** Each version as `from status`, `~` when estimated, `missing` when it is. */
function spansOf(observed: readonly Observed[], presence: readonly LandedVersion[] = []) {
  return historyOf(observed, presence).map((version) => {
    const from = version.valid_from.replace(/(:00)?\.000000Z$/, '')
    const marks = `${version.is_estimated ? ' ~' : ''}${version.is_missing ? ' missing' : ''}`
    return `${from} ${version.referral_status}${marks}`
  })
}

describe('history before the first observation', () => {
  test.each([
    {
      why: 'New since it was created, observed since it was updated',
      wire: deal('2025-02-01T00:00:00Z'),
      spans: ['2025-01-01T08:00 New ~', '2025-02-01T00:00 New'],
    },
    {
      why: 'observed since it was created when nothing happened since',
      wire: deal(created),
      spans: ['2025-01-01T08:00 New'],
    },
    {
      why: 'Active since it was accepted, New before',
      wire: deal('2025-02-01T00:00:00Z', { ...active, acceptedDateTime: '2025-01-05T00:00:00Z' }),
      spans: ['2025-01-01T08:00 New ~', '2025-01-05T00:00 Active ~', '2025-02-01T00:00 Active'],
    },
    {
      why: 'Active since it was created when it has no time of acceptance',
      wire: deal('2025-02-01T00:00:00Z', active),
      spans: ['2025-01-01T08:00 Active ~', '2025-02-01T00:00 Active'],
    },
    {
      why: 'accepted a moment before it was created counts as created Active',
      wire: deal('2025-02-01T00:00:00Z', { ...active, acceptedDateTime: '2025-01-01T07:59:59.3Z' }),
      spans: ['2025-01-01T08:00 Active ~', '2025-02-01T00:00 Active'],
    },
    {
      why: 'Closed since it was closed, Active since accepted, New before',
      wire: deal('2025-03-01T00:00:00Z', {
        ...won,
        acceptedDateTime: '2025-01-05T00:00:00Z',
        closedDateTime: '2025-02-20T00:00:00Z',
      }),
      spans: [
        '2025-01-01T08:00 New ~',
        '2025-01-05T00:00 Active ~',
        '2025-02-20T00:00 Closed ~',
        '2025-03-01T00:00 Closed',
      ],
    },
    {
      why: 'Closed since the update of the day on which it was closed',
      wire: deal('2025-02-20T09:18:01Z', { ...won, closedDateTime: '2025-02-20T09:17:38Z' }),
      spans: ['2025-01-01T08:00 New ~', '2025-02-20T09:18:01 Closed'],
    },
    {
      why: 'Closed at the latest when it was updated',
      wire: deal('2025-03-01T00:00:00Z', won),
      spans: ['2025-01-01T08:00 New ~', '2025-03-01T00:00 Closed'],
    },
    {
      why: 'milestones before the creation are moved to it',
      wire: deal('2025-03-01T00:00:00Z', {
        ...won,
        acceptedDateTime: '2024-06-01T00:00:00Z',
        closedDateTime: '2024-05-01T00:00:00Z',
      }),
      spans: ['2025-01-01T08:00 Closed ~', '2025-03-01T00:00 Closed'],
    },
    {
      why: 'a closing in the future is moved back to the update',
      wire: deal('2025-03-01T00:00:00Z', { ...won, closedDateTime: '2031-01-01T00:00:00Z' }),
      spans: ['2025-01-01T08:00 New ~', '2025-03-01T00:00 Closed'],
    },
    {
      why: 'an undocumented status holds since the creation',
      wire: deal('2025-03-01T00:00:00Z', { status: 'Paused' }),
      spans: ['2025-01-01T08:00 Paused ~', '2025-03-01T00:00 Paused'],
    },
  ])('history before the first observation: $why', ({ wire, spans }) =>
    expect(spansOf([{ wire }])).toEqual(spans),
  )

  test('an estimated version has the deal value and no registration', () => {
    const wire = deal('2025-03-01T00:00:00Z', {
      ...won,
      registrationStatus: 'Approved',
      registrations: [aRegistration({ registrationDateTime: null, statusHistory: null })],
    })
    const [estimated, observed] = historyOf([{ wire }])
    expect(estimated).toMatchObject({
      deal_value_amount: '120000',
      registration_status: 'None',
      registered_acv_amount: null,
    })
    expect(observed).toMatchObject({
      registered_acv_amount: '40000',
      registration_status: 'Approved',
    })
  })
})

describe('a later observation', () => {
  const first = { wire: deal('2025-02-01T00:00:00Z'), at: '2025-02-02T00:00:00Z' }

  test('a later observation opens a version at its source time', () => {
    const wire = deal('2025-03-01T00:00:00Z', {
      ...active,
      acceptedDateTime: '2025-02-15T00:00:00Z',
    })
    const history = historyOf([first, { wire, at: '2025-03-05T00:00:00Z' }])
    expect(history.map((version) => version.valid_from_date)).toEqual([
      '2025-01-01',
      '2025-02-01',
      '2025-02-15',
      '2025-03-01',
    ])
    expect(history[1]).toMatchObject({
      valid_to: '2025-02-15T00:00:00.000000Z',
      is_current: false,
      is_estimated: false,
      days_in_version: 14,
    })
    expect(history[2]).toMatchObject({
      previous_referral_status: 'New',
      referral_substatus: 'Accepted',
      is_estimated: true,
      is_status_change: true,
      is_valid_transition: true,
    })
    expect(history[3]).toMatchObject({
      is_estimated: false,
      is_status_change: false,
      observed_at: '2025-03-05T00:00:00.000000Z',
    })
  })

  test('a later observation without a tracked change opens no version', () => {
    const wire = deal('2025-03-01T00:00:00Z', { name: 'Another name', team: [] })
    expect(spansOf([first, { wire, at: '2025-03-05T00:00:00Z' }])).toEqual(spansOf([first]))
  })

  test('a value of September is none of February, and an estimate has the value seen before', () => {
    const dealValue = (amount: number) => ({ details: { dealValue: amount, currency: 'USD' } })
    const accepted = { ...active, acceptedDateTime: '2025-01-05T00:00:00Z' }
    const seen = [
      {
        wire: deal('2025-02-01T00:00:00Z', { ...accepted, ...dealValue(100) }),
        at: '2025-02-02T00:00:00Z',
      },
      {
        wire: deal('2025-09-01T00:00:00Z', {
          ...won,
          acceptedDateTime: '2025-01-05T00:00:00Z',
          closedDateTime: '2025-08-01T00:00:00Z',
          ...dealValue(900),
        }),
        at: '2025-09-02T00:00:00Z',
      },
    ]
    const lines = historyOf(seen).map((version) =>
      [
        version.valid_from_date,
        version.referral_status,
        version.deal_value_amount,
        version.is_estimated,
      ].join(' '),
    )
    expect(lines).toEqual([
      '2025-01-01 New 100 true',
      '2025-01-05 Active 100 true',
      '2025-02-01 Active 100 false',
      '2025-08-01 Closed 100 true',
      '2025-09-01 Closed 900 false',
    ])
  })

  test('the night that saw a referral open is a witness against an earlier closing', () => {
    const wire = deal('2025-03-01T00:00:00Z', { ...won, closedDateTime: '2025-01-20T00:00:00Z' })
    expect(spansOf([first, { wire, at: '2025-03-05T00:00:00Z' }])).toEqual([
      '2025-01-01T08:00 New ~',
      '2025-02-01T00:00 New',
      '2025-02-02T00:00 Closed ~',
      '2025-03-01T00:00 Closed',
    ])
  })

  test('a change without a newer source time counts from its observation', () => {
    const closed = deal('2025-02-01T00:00:00Z', won)
    const reviewed = { ...closed, registrationStatus: 'Passed' }
    const seen = [
      { wire: closed, at: '2025-02-02T00:00:00Z' },
      { wire: reviewed, at: '2025-02-09T00:00:00Z' },
    ]
    expect(spansOf(seen).at(-1)).toBe('2025-02-09T00:00 Closed')
  })

  test('an observation of an older source time enters the past', () => {
    const newer = { wire: deal('2025-04-01T00:00:00Z', won), at: '2025-04-02T00:00:00Z' }
    const older = { wire: deal('2025-03-01T00:00:00Z', active), at: '2025-04-03T00:00:00Z' }
    const inOrder = historyOf([first, older, newer])
    expect(historyOf([first, newer, older]).map(({ valid_from }) => valid_from)).toEqual(
      inOrder.map(({ valid_from }) => valid_from),
    )
    expect(inOrder.at(-1)).toMatchObject({ referral_status: 'Closed', is_current: true })
  })

  test('two updates that differ in the seventh digit are two versions', () => {
    const seen = [
      { wire: deal('2025-03-01T00:00:00.1234567Z', active), at: '2025-03-02T00:00:00Z' },
      { wire: deal('2025-03-01T00:00:00.1234568Z', won), at: '2025-03-02T00:00:00Z' },
    ]
    for (const observed of [seen, [...seen].reverse()]) {
      const row = only(rowsOfVersions(observed)['stg.dim_referral'])
      expect(row.referral_status).toBe('Closed')
    }
  })

  test('a reopened referral keeps its closing in history and raises a finding', () => {
    const closed = { wire: deal('2025-03-01T00:00:00Z', won) }
    const again = { wire: deal('2025-04-01T00:00:00Z', active) }
    const rows = rowsOfVersions([first, closed, again])
    expect(rows['stg.fact_referral_history'].at(-1)).toMatchObject({ is_valid_transition: false })
    expect(only(rows['stg.fact_referral']).closed_at).toBeNull()
    expect(only(rows['stg.dq_finding'])).toMatchObject({
      rule_code: 'status_transition_not_allowed',
      item_ref: 'version 4',
      observed_value: 'Closed > Active',
    })
  })

  test('a transition of an undocumented status is neither allowed nor forbidden', () => {
    const history = historyOf([first, { wire: deal('2025-03-01T00:00:00Z', { status: 'Paused' }) }])
    expect(history.map((version) => version.is_valid_transition)).toEqual([null, true, null])
  })
})

describe('the closing time', () => {
  const open = { wire: deal('2025-02-01T00:00:00Z'), at: '2025-02-02T00:00:00Z' }
  const closed = { wire: deal('2025-03-01T00:00:00Z', won), at: '2025-03-02T00:00:00Z' }
  const stated = {
    wire: deal('2025-03-01T00:00:00Z', { ...won, closedDateTime: '2025-02-27T12:00:00Z' }),
  }
  const lost = { wire: deal('2025-05-01T00:00:00Z', { status: 'Closed', substatus: 'Lost' }) }
  const again = { wire: deal('2025-04-01T00:00:00Z', active) }

  test.each([
    { why: 'is null while the referral is open', seen: [open], at: null, basis: null },
    {
      why: 'is the source time where there is one',
      seen: [open, stated],
      at: '2025-02-27',
      basis: 'source',
    },
    {
      why: 'is otherwise the update that closed it',
      seen: [open, closed],
      at: '2025-03-01',
      basis: 'observed',
    },
    {
      why: 'is at the latest the update of a referral first seen closed',
      seen: [closed],
      at: '2025-03-01',
      basis: 'estimated',
    },
    {
      why: 'is null once the referral is open again',
      seen: [open, closed, again],
      at: null,
      basis: null,
    },
    {
      why: 'is the last closing of a reopened referral',
      seen: [open, closed, again, lost],
      at: '2025-05-01',
      basis: 'observed',
    },
    {
      why: 'stays when a closed referral changes',
      seen: [closed, lost],
      at: '2025-03-01',
      basis: 'estimated',
    },
  ])('the closing time $why', ({ seen, at, basis }) => {
    const fact = only(rowsOfVersions(seen)['stg.fact_referral'])
    expect([fact.closed_date, fact.closed_at_basis]).toEqual([at, basis])
  })
})

describe('a referral that is no longer returned', () => {
  const seen = [{ wire: deal('2025-02-01T00:00:00Z'), at: '2025-02-02T00:00:00Z' }]
  const absence = (day: number, principal?: string) =>
    sighting('absence', `2025-03-0${day}T00:00:00Z`, day, principal ? { principal } : {})
  const presence = (day: number) => sighting('presence', `2025-03-0${day}T00:00:00Z`, day)

  test.each([
    { why: 'is there after one full read without it', presence: [absence(1)], since: null },
    { why: 'is missing from the second one on', presence: [absence(1), absence(2)], since: 2 },
    {
      why: 'is missing no longer once it returns',
      presence: [absence(1), absence(2), presence(3)],
      since: null,
    },
    {
      why: 'is there when it was seen in between',
      presence: [absence(1), presence(2), absence(3)],
      since: null,
    },
    {
      why: 'is missing again after two more',
      presence: [absence(1), absence(2), presence(3), absence(4), absence(5)],
      since: 5,
    },
    {
      why: 'is there when two different users did not see it, once each',
      presence: [absence(1, 'anna'), absence(2, 'ben')],
      since: null,
    },
    {
      why: 'is missing when one of two users did not see it twice',
      presence: [absence(1, 'anna'), absence(2, 'ben'), absence(3, 'anna'), absence(4, 'ben')],
      since: 3,
    },
    {
      why: 'is there when another user saw it in between',
      presence: [absence(1, 'anna'), presence(2), absence(3, 'anna'), absence(4, 'ben')],
      since: null,
    },
    {
      why: 'is missing when two reads by unknown users, one of them unnamed, did not see it',
      presence: [absence(1), absence(2, 'unknown')],
      since: 2,
    },
  ])('a referral that is no longer returned $why', ({ presence, since }) => {
    const row = only(rowsOfVersions(seen, presence)['stg.dim_referral'])
    expect(row.is_missing).toBe(since !== null)
    expect(row.missing_since).toBe(since === null ? null : `2025-03-0${since}T00:00:00.000000Z`)
  })

  test('a missing referral has versions for its absence and its return', () => {
    const observed = [absence(1), absence(2), presence(4)]
    expect(spansOf(seen, observed)).toEqual([
      '2025-01-01T08:00 New ~',
      '2025-02-01T00:00 New',
      '2025-03-02T00:00 New missing',
      '2025-03-04T00:00 New',
    ])
  })

  test('a missing referral returns with a new payload', () => {
    const back = { wire: deal('2025-03-08T00:00:00Z', active), at: '2025-03-09T00:00:00Z' }
    const row = only(rowsOfVersions([...seen, back], [absence(1), absence(2)])['stg.dim_referral'])
    expect(row.is_missing).toBe(false)
  })
})

describe('history of any observations', () => {
  const instant = fc
    .integer({ min: 0, max: 400 })
    .map((hours) => new Date(Date.UTC(2024, 11, 28) + hours * 3_600_000).toISOString())
  const observation = fc.record({
    updated: instant,
    at: instant,
    accepted: fc.option(instant),
    closed: fc.option(instant),
    state: fc.constantFrom(
      { status: 'New', substatus: 'Received' },
      active,
      won,
      { status: 'Closed', substatus: 'Lost' },
      { status: 'Paused', substatus: null },
    ),
    value: fc.constantFrom(1, 2),
  })
  const presence = fc.array(
    fc.tuple(
      fc.constantFrom('absence' as const, 'presence' as const),
      instant,
      fc.constantFrom('anna', 'ben'),
    ),
  )
  const landedOf = (seen: readonly ['absence' | 'presence', string, string][]) =>
    seen.map(([kind, at, principal], index) => sighting(kind, at, index + 1, { principal }))
  const observations = fc.array(observation, { minLength: 1, maxLength: 6 })

  const toObserved = (
    all: readonly (typeof observation extends fc.Arbitrary<infer O> ? O : never)[],
  ) =>
    all.map(({ updated, at, accepted, closed, state, value }, index): Observed => {
      const milestones = { acceptedDateTime: accepted, closedDateTime: closed }
      const wire = deal(updated, { ...state, ...milestones, details: { dealValue: value } })
      return { wire, at, no: index + 1 }
    })

  test('history of any observations has no gap, no overlap and one current version', () => {
    fc.assert(
      fc.property(observations, presence, (all, seen) => {
        const landedSightings = landedOf(seen)
        const history = historyOf(toObserved(all), landedSightings)
        for (const [index, version] of history.entries()) {
          const next = history[index + 1]
          expect(version.version_no).toBe(index + 1)
          expect(version.valid_to).toBe(next?.valid_from ?? null)
          expect(version.is_current).toBe(next === undefined)
          if (next === undefined) continue
          expect(next.valid_from > version.valid_from).toBe(true)
          expect(next.tracked_hash).not.toBe(version.tracked_hash)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('history does not depend on the order in which observations arrived', () => {
    fc.assert(
      fc.property(observations, presence, fc.infiniteStream(fc.nat()), (all, seen, numbers) => {
        const observed = toObserved(all)
        const landedSightings = landedOf(seen)
        const mixed = <Item>(items: readonly Item[]): Item[] => {
          const rest = [...items]
          return items.flatMap(() => rest.splice((numbers.next().value ?? 0) % rest.length, 1))
        }
        expect(rowsOfVersions(mixed(observed), mixed(landedSightings))).toEqual(
          rowsOfVersions(observed, landedSightings),
        )
      }),
      { numRuns: 200 },
    )
  })
})
