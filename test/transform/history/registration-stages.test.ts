import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  aReferral,
  aRegistration,
  type Observed,
  rowsOfVersions,
} from '../../support/referral-builder.ts'

const created = '2025-01-01T08:00:00Z'
const closed = '2025-02-01T08:00:00Z'

const stageKeys = {
  ReviewPending: 'reviewPendingDateTime',
  ActionRequired: 'actionRequiredDateTime',
  Approved: 'approvedDateTime',
  Passed: 'passedDateTime',
  Failed: 'failedDateTime',
} as const
type StageName = keyof typeof stageKeys

function won(updated: string, registration: object | null) {
  const status = (registration as { status?: string } | null)?.status
  return aReferral({
    createdDateTime: created,
    acceptedDateTime: created,
    closedDateTime: closed,
    updatedDateTime: updated,
    status: 'Closed',
    substatus: 'Won',
    registrationStatus: status ?? 'None',
    registrations: registration === null ? [] : [aRegistration(registration)],
  })
}

const historyOf = (observed: readonly Observed[]) =>
  rowsOfVersions(observed)['stg.fact_referral_history']

/** Versions as `day status acv`, `~` when estimated, without those of the referral's own stages. */
function stagesOf(observed: readonly Observed[]) {
  return historyOf(observed)
    .filter(({ valid_from }) => valid_from >= closed.replace('Z', ''))
    .map((version) => {
      const acv = version.registered_acv_amount ?? '-'
      const mark = version.is_estimated ? ' ~' : ''
      return `${version.valid_from.slice(5, 16)} ${version.registration_status} ${acv}${mark}`
    })
}

describe('a registration that is seen first today', () => {
  const passed = {
    registrationDateTime: '2025-03-01T08:00:00Z',
    status: 'Passed',
    statusHistory: {
      reviewPendingDateTime: '2025-04-10T08:00:00Z',
      actionRequiredDateTime: '2025-03-20T08:00:00Z',
      passedDateTime: '2025-05-01T08:00:00Z',
    },
  }

  test('a first load dates each stage from its own instant, and none before the registration', () => {
    const seen = [{ wire: won('2025-05-01T08:00:00Z', passed), at: '2025-09-01T02:00:00Z' }]
    expect(stagesOf(seen)).toEqual([
      '02-01T08:00 None - ~',
      '03-01T08:00 ReviewPending 40000 ~',
      '03-20T08:00 ActionRequired 40000 ~',
      '04-10T08:00 ReviewPending 40000 ~',
      '05-01T08:00 Passed 40000',
    ])
  })

  test('a later update leaves the stages estimated until it', () => {
    const seen = [{ wire: won('2025-08-01T08:00:00Z', passed), at: '2025-09-01T02:00:00Z' }]
    expect(stagesOf(seen).slice(-2)).toEqual([
      '05-01T08:00 Passed 40000 ~',
      '08-01T08:00 Passed 40000',
    ])
  })

  test('a review after the update is observed from its instant on', () => {
    const seen = [{ wire: won('2025-03-01T08:00:00Z', passed), at: '2025-09-01T02:00:00Z' }]
    expect(stagesOf(seen)).toEqual([
      '02-01T08:00 None - ~',
      '03-01T08:00 ReviewPending 40000 ~',
      '03-20T08:00 ActionRequired 40000 ~',
      '04-10T08:00 ReviewPending 40000 ~',
      '05-01T08:00 Passed 40000',
    ])
  })

  test('a status without an instant holds from the update that shows it', () => {
    const closedByBulk = { ...passed, status: 'Closed' }
    const seen = [{ wire: won('2025-08-01T08:00:00Z', closedByBulk), at: '2025-09-01T02:00:00Z' }]
    expect(stagesOf(seen).slice(-2)).toEqual([
      '05-01T08:00 Passed 40000 ~',
      '08-01T08:00 Closed 40000',
    ])
  })

  test('a registration without any instant begins with the update that shows it', () => {
    const undated = { registrationDateTime: null, status: 'Passed', statusHistory: null }
    const seen = [{ wire: won('2025-08-01T08:00:00Z', undated), at: '2025-09-01T02:00:00Z' }]
    expect(stagesOf(seen)).toEqual(['02-01T08:00 None - ~', '08-01T08:00 Passed 40000'])
  })

  test('a stage before the registration is moved to it', () => {
    const early = {
      registrationDateTime: '2025-03-01T08:00:00Z',
      status: 'Approved',
      statusHistory: { approvedDateTime: '2025-02-10T08:00:00Z' },
    }
    const seen = [{ wire: won('2025-03-01T08:00:00Z', early), at: '2025-09-01T02:00:00Z' }]
    expect(stagesOf(seen)).toEqual(['02-01T08:00 None - ~', '03-01T08:00 Approved 40000'])
  })

  test('the second registration adds its ACV from its own day on', () => {
    const one = { id: 'REG-1', registrationDateTime: '2025-03-01T08:00:00Z', status: 'Approved' }
    const other = { id: 'REG-2', registrationDateTime: '2025-06-01T08:00:00Z', status: 'Approved' }
    const statusHistory = (day: string) => ({ approvedDateTime: `2025-${day}T09:00:00Z` })
    const wire = {
      ...won('2025-06-01T09:00:00Z', null),
      registrationStatus: 'Approved',
      registrations: [
        aRegistration({ ...one, statusHistory: statusHistory('03-01') }),
        aRegistration({ ...other, statusHistory: statusHistory('06-01') }),
      ],
    }
    expect(stagesOf([{ wire, at: '2025-09-01T02:00:00Z' }])).toEqual([
      '02-01T08:00 None - ~',
      '03-01T08:00 ReviewPending 40000 ~',
      '03-01T09:00 Approved 40000 ~',
      '06-01T08:00 ReviewPending 80000 ~',
      '06-01T09:00 Approved 80000',
    ])
  })
})

describe('a review that is seen again', () => {
  const pending = {
    registrationDateTime: '2025-03-01T08:00:00Z',
    status: 'ReviewPending',
    statusHistory: { reviewPendingDateTime: '2025-03-01T08:00:00Z' },
  }
  const registered = '2025-03-01T08:00:00Z'

  test('a review that did not move the update counts from its instant, not from the night', () => {
    const approved = {
      ...pending,
      status: 'Approved',
      statusHistory: { ...pending.statusHistory, approvedDateTime: '2025-03-05T08:00:00Z' },
    }
    const seen = [
      { wire: won(registered, pending), at: '2025-03-02T02:00:00Z' },
      { wire: won(registered, approved), at: '2025-03-09T02:00:00Z' },
    ]
    expect(stagesOf(seen)).toEqual([
      '02-01T08:00 None - ~',
      '03-01T08:00 ReviewPending 40000',
      '03-05T08:00 Approved 40000',
    ])
  })

  test('a stage that a later one overwrote is kept as it was seen', () => {
    const sentBack = (at: string) => ({
      ...pending,
      status: 'ActionRequired',
      statusHistory: { ...pending.statusHistory, actionRequiredDateTime: at },
    })
    const seen = [
      {
        wire: won('2025-03-10T08:00:00Z', sentBack('2025-03-10T08:00:00Z')),
        at: '2025-03-11T02:00:00Z',
      },
      {
        wire: won('2025-04-10T08:00:00Z', {
          ...sentBack('2025-04-10T08:00:00Z'),
          statusHistory: {
            reviewPendingDateTime: '2025-04-01T08:00:00Z',
            actionRequiredDateTime: '2025-04-10T08:00:00Z',
          },
        }),
        at: '2025-04-11T02:00:00Z',
      },
    ]
    expect(stagesOf(seen)).toEqual([
      '02-01T08:00 None - ~',
      '03-01T08:00 ReviewPending 40000 ~',
      '03-10T08:00 ActionRequired 40000',
      '04-01T08:00 ReviewPending 40000 ~',
      '04-10T08:00 ActionRequired 40000',
    ])
  })

  test('an ACV that changes without a stage counts from the update', () => {
    const raised = {
      ...pending,
      contract: { ...aRegistration().contract, value: 240_000 },
    }
    const seen = [
      { wire: won(registered, pending), at: '2025-03-02T02:00:00Z' },
      { wire: won('2025-03-20T08:00:00Z', raised), at: '2025-03-21T02:00:00Z' },
    ]
    expect(stagesOf(seen).slice(-2)).toEqual([
      '03-01T08:00 ReviewPending 40000',
      '03-20T08:00 ReviewPending 80000',
    ])
  })
})

// A life is played forward, one step at a time, as the source lives it; the payload keeps of each
// stage the last instant alone. The oracle looks up the life itself.
const hourMs = 3_600_000
const firstMs = Date.parse(closed)
const at = (hour: number) => new Date(firstMs + hour * hourMs).toISOString()
const steps: readonly StageName[] = ['ActionRequired', 'Approved', 'Passed', 'Failed']

interface Step {
  hour: number
  status: StageName
  isSilent: boolean
}

const lives = fc
  .record({
    hours: fc.uniqueArray(fc.integer({ min: 1, max: 24 * 200 }), { minLength: 1, maxLength: 7 }),
    picks: fc.array(fc.record({ pick: fc.nat(3), isSilent: fc.boolean() }), {
      minLength: 7,
      maxLength: 7,
    }),
    nights: fc.uniqueArray(fc.integer({ min: 0, max: 210 }), { minLength: 1, maxLength: 5 }),
  })
  .map(({ hours, picks, nights }) => {
    const sorted = hours.toSorted((a, b) => a - b)
    const life: Step[] = []
    for (const [index, hour] of sorted.entries()) {
      const before = life.at(-1)?.status
      const { pick = 0, isSilent = false } = picks[index] ?? {}
      const status =
        before === 'ReviewPending' ? (steps[pick] ?? 'Passed') : ('ReviewPending' as const)
      life.push({ hour, status, isSilent: index > 0 && isSilent })
    }
    return { life, nights: nights.toSorted((a, b) => a - b).map((night) => night * 24 + 0.5) }
  })

const statusAt = (life: readonly Step[], hour: number) =>
  life.filter((step) => step.hour <= hour).at(-1)?.status ?? 'None'

/** What a read at an hour gets, and the hour of the update. */
function payloadAt(life: readonly Step[], hour: number) {
  const past = life.filter((step) => step.hour <= hour)
  const updatedHour = past.filter(({ isSilent }) => !isSilent).at(-1)?.hour ?? 0
  const history = Object.fromEntries(past.map((step) => [stageKeys[step.status], at(step.hour)]))
  const registration =
    past.length === 0
      ? null
      : {
          registrationDateTime: at(past[0]?.hour ?? 0),
          status: past.at(-1)?.status,
          statusHistory: history,
        }
  return { wire: won(at(updatedHour), registration), at: at(hour), updatedHour }
}

const dayEnds = (day: number) => day * 24 + 15.99

describe('history of any life of a registration', () => {
  test('history of a life that is seen at every step equals the life', () => {
    fc.assert(
      fc.property(lives, ({ life }) => {
        const seen = life.map(({ hour }) => payloadAt(life, hour + 0.5))
        const history = historyOf(seen)
        for (let day = 0; day < 205; day++) {
          const instant = at(dayEnds(day)).replace('Z', '000Z')
          const version = history.findLast(({ valid_from }) => valid_from <= instant)
          expect(version?.registration_status).toBe(statusAt(life, dayEnds(day)))
          const hasAcv = version?.registered_acv_amount === '40000'
          expect(hasAcv).toBe(statusAt(life, dayEnds(day)) !== 'None')
        }
      }),
      { numRuns: 200 },
    )
  })

  test('history is seamless, begins at the creation and has no stage before the registration', () => {
    fc.assert(
      fc.property(lives, ({ life, nights }) => {
        const seen = nights.map((night) => payloadAt(life, night))
        const history = historyOf(seen)
        expect(history[0]?.valid_from).toBe('2025-01-01T08:00:00.000000Z')
        for (const [index, version] of history.entries()) {
          expect(version.valid_to).toBe(history[index + 1]?.valid_from ?? null)
          const instant = version.valid_from.replace('000Z', 'Z')
          if (instant >= at(life[0]?.hour ?? 0)) continue
          expect(version.registration_status).toBe('None')
          expect(version.registered_acv_amount).toBeNull()
        }
      }),
      { numRuns: 300 },
    )
  })

  test('an observed version holds what a read saw, from its update on and not before', () => {
    fc.assert(
      fc.property(lives, ({ life, nights }) => {
        const seen = nights.map((night) => payloadAt(life, night))
        const firstUpdate = at(seen[0]?.updatedHour ?? 0)
        for (const version of historyOf(seen)) {
          if (version.is_estimated) continue
          const instant = version.valid_from.replace('000Z', 'Z')
          expect(instant >= firstUpdate).toBe(true)
          const hour = (Date.parse(instant) - firstMs) / hourMs
          expect(version.registration_status).toBe(statusAt(life, hour))
        }
        // At each night the state is the one that the night saw.
        for (const [index, night] of nights.entries()) {
          const instant = at(night).replace('Z', '000Z')
          const version = historyOf(seen).findLast(({ valid_from }) => valid_from <= instant)
          expect(version?.registration_status).toBe(statusAt(life, night))
          expect(version?.is_estimated, `night ${index}`).toBe(false)
        }
      }),
      { numRuns: 300 },
    )
  })
})
