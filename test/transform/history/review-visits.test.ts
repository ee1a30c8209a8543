import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  aReferral,
  aRegistration,
  type Observed,
  rowsOfVersions,
} from '../../support/referral-builder.ts'

function won(updated: string, registrations: readonly object[], registrationStatus = 'None') {
  return aReferral({
    createdDateTime: '2025-01-01T08:00:00Z',
    acceptedDateTime: '2025-01-01T08:00:00Z',
    closedDateTime: '2025-02-01T08:00:00Z',
    updatedDateTime: updated,
    status: 'Closed',
    substatus: 'Won',
    registrationStatus,
    registrations: registrations.map(aRegistration),
  })
}

const reviewsOf = (observed: readonly Observed[]) =>
  rowsOfVersions(observed)['stg.fact_registration_review']

/** Visits as `registration visit stage from-to days sent back`, `?` when observed. */
function visitsOf(observed: readonly Observed[]) {
  return reviewsOf(observed).map((row) => {
    const span = `${row.entered_at.slice(5, 16)}/${row.left_at?.slice(5, 16) ?? 'now'}`
    const mark = row.entered_at_basis === 'observed' ? ' ?' : ''
    const days = row.stage_days ?? '-'
    const place = `${row.registration_no}.${row.visit_no}`
    return `${place} ${row.review_stage} ${span} ${days} ${row.sent_back_count}${mark}`
  })
}

const sentBackOnce = {
  registrationDateTime: '2025-03-01T08:00:00Z',
  status: 'Passed',
  statusHistory: {
    reviewPendingDateTime: '2025-04-10T20:00:00Z',
    actionRequiredDateTime: '2025-03-20T08:00:00Z',
    passedDateTime: '2025-05-01T08:00:00Z',
  },
}

describe('reviewVisits of a registration that is seen first today', () => {
  test('each stage is a visit from its own instant, the first from the registration', () => {
    const wire = won('2025-05-01T08:00:00Z', [sentBackOnce], 'Passed')
    expect(visitsOf([{ wire, at: '2025-09-01T02:00:00Z' }])).toEqual([
      '1.1 ReviewPending 03-01T08:00/03-20T08:00 19.00 0',
      '1.2 ActionRequired 03-20T08:00/04-10T20:00 21.50 1',
      '1.3 ReviewPending 04-10T20:00/05-01T08:00 20.50 1',
      '1.4 Passed 05-01T08:00/now - 1',
    ])
  })

  test('a status without an instant is a visit from the update that shows it', () => {
    const undated = { registrationDateTime: null, status: 'ActionRequired', statusHistory: null }
    const wire = won('2025-08-01T08:00:00Z', [undated], 'ActionRequired')
    expect(visitsOf([{ wire, at: '2025-09-01T02:00:00Z' }])).toEqual([
      '1.1 ActionRequired 08-01T08:00/now - 1 ?',
    ])
  })

  test('a referral without a registration has no visit', () => {
    expect(reviewsOf([{ wire: won('2025-05-01T08:00:00Z', []) }])).toEqual([])
  })

  test('registrations of one referral have visits of their own', () => {
    const waiting = {
      id: 'REG-2',
      registrationDateTime: '2025-04-01T08:00:00Z',
      status: 'ReviewPending',
      statusHistory: { reviewPendingDateTime: '2025-04-01T08:00:00Z' },
    }
    const wire = won('2025-05-01T08:00:00Z', [sentBackOnce, waiting], 'Passed')
    expect(visitsOf([{ wire, at: '2025-09-01T02:00:00Z' }]).slice(3)).toEqual([
      '1.4 Passed 05-01T08:00/now - 1',
      '2.1 ReviewPending 04-01T08:00/now - 0',
    ])
  })

  test('an approval at the instant of the registration leaves no visit to the review', () => {
    const at = '2025-03-01T08:00:00Z'
    const approved = {
      registrationDateTime: at,
      status: 'Approved',
      statusHistory: { reviewPendingDateTime: at, approvedDateTime: at },
    }
    const wire = won(at, [approved], 'Approved')
    expect(visitsOf([{ wire, at: '2025-09-01T02:00:00Z' }])).toEqual([
      '1.1 Approved 03-01T08:00/now - 0',
    ])
  })
})

describe('reviewVisits over several nights', () => {
  const night = (day: string, status: string, statusHistory: object): Observed => ({
    wire: won(
      '2025-03-01T08:00:00Z',
      [{ registrationDateTime: '2025-03-01T08:00:00Z', status, statusHistory }],
      status,
    ),
    at: `2025-${day}T02:00:00Z`,
  })

  test('a registration that was sent back twice keeps the visits that the payload overwrote', () => {
    const nights = [
      night('03-11', 'ActionRequired', {
        reviewPendingDateTime: '2025-03-01T08:00:00Z',
        actionRequiredDateTime: '2025-03-10T08:00:00Z',
      }),
      night('03-16', 'ActionRequired', {
        reviewPendingDateTime: '2025-03-12T08:00:00Z',
        actionRequiredDateTime: '2025-03-15T08:00:00Z',
      }),
      night('03-21', 'Approved', {
        reviewPendingDateTime: '2025-03-18T08:00:00Z',
        actionRequiredDateTime: '2025-03-15T08:00:00Z',
        approvedDateTime: '2025-03-20T08:00:00Z',
      }),
    ]
    const expected = [
      '1.1 ReviewPending 03-01T08:00/03-10T08:00 9.00 0',
      '1.2 ActionRequired 03-10T08:00/03-12T08:00 2.00 1',
      '1.3 ReviewPending 03-12T08:00/03-15T08:00 3.00 1',
      '1.4 ActionRequired 03-15T08:00/03-18T08:00 3.00 2',
      '1.5 ReviewPending 03-18T08:00/03-20T08:00 2.00 2',
      '1.6 Approved 03-20T08:00/now - 2',
    ]
    expect(visitsOf(nights)).toEqual(expected)
    expect(visitsOf([...nights].reverse()).sort()).toEqual(expected)
  })

  test('an approval that was taken back is a visit that ended', () => {
    const approved = {
      reviewPendingDateTime: '2025-03-01T08:00:00Z',
      approvedDateTime: '2025-03-02T08:00:00Z',
    }
    const nights = [
      night('03-03', 'Approved', approved),
      night('03-11', 'Failed', { ...approved, failedDateTime: '2025-03-10T08:00:00Z' }),
    ]
    expect(visitsOf(nights)).toEqual([
      '1.1 ReviewPending 03-01T08:00/03-02T08:00 1.00 0',
      '1.2 Approved 03-02T08:00/03-10T08:00 8.00 0',
      '1.3 Failed 03-10T08:00/now - 0',
    ])
  })
})

const stageKeys = {
  ReviewPending: 'reviewPendingDateTime',
  ActionRequired: 'actionRequiredDateTime',
  Approved: 'approvedDateTime',
  Failed: 'failedDateTime',
} as const

describe('reviewVisits and the history of the referral', () => {
  test('both give the same stage at every instant, and the visits leave no gap', () => {
    const life = fc.array(
      fc.record({
        status: fc.constantFrom(...(Object.keys(stageKeys) as (keyof typeof stageKeys)[])),
        hours: fc.integer({ min: 1, max: 400 }),
        isSeen: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    )
    fc.assert(
      fc.property(life, (steps) => {
        const start = Date.parse('2025-03-01T08:00:00Z')
        const statusHistory: Record<string, string> = {
          reviewPendingDateTime: new Date(start).toISOString(),
        }
        const seen: Observed[] = []
        let ms = start
        for (const [index, { status, hours, isSeen }] of steps.entries()) {
          ms += hours * 3_600_000
          statusHistory[stageKeys[status]] = new Date(ms).toISOString()
          if (!isSeen && index < steps.length - 1) continue
          const registration = {
            registrationDateTime: new Date(start).toISOString(),
            status,
            statusHistory: { ...statusHistory },
          }
          const wire = won('2025-03-01T08:00:00Z', [registration], status)
          seen.push({ wire, at: new Date(ms + 60_000).toISOString() })
        }
        const visits = reviewsOf(seen)
        for (const version of rowsOfVersions(seen)['stg.fact_referral_history']) {
          if (version.registration_status === 'None') continue
          const holding = visits.filter(
            ({ entered_at, left_at }) =>
              entered_at <= version.valid_from &&
              (left_at === null || left_at > version.valid_from),
          )
          expect(holding.map(({ review_stage }) => review_stage)).toEqual([
            version.registration_status,
          ])
        }
        const ends = visits.map(({ left_at }) => left_at)
        expect(ends).toEqual([...visits.slice(1).map(({ entered_at }) => entered_at), null])
        const stages = visits.map(({ review_stage }) => review_stage)
        expect(stages.some((stage, index) => stage === stages[index + 1])).toBe(false)
        const sentBack = stages.filter((stage) => stage === 'ActionRequired').length
        expect(visits.at(-1)?.sent_back_count).toBe(sentBack)
      }),
      { numRuns: 200 },
    )
  })
})
