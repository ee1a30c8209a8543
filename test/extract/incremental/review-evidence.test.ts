import { describe, expect, test } from 'vitest'
import {
  describeEvidence,
  learnFrom,
  movedMin,
  movesDate,
  parseEvidence,
  type ReviewChange,
} from '../../../src/extract/incremental/review-evidence.ts'

const before = '2026-05-04T10:00:00.1234567Z'
const after = '2026-05-06T10:00:00.7654321Z'

function registration(status: string, statusHistory: object | null = {}) {
  return [{ id: 'a', status, statusReason: null, statusHistory }]
}

function change(
  updated: readonly [string, string],
  registrations: readonly [unknown, unknown],
): ReviewChange {
  return {
    before: { updated: updated[0], registrations: registrations[0] },
    after: { updated: updated[1], registrations: registrations[1] },
  }
}

const passedAt = (instant: string) => registration('Passed', { passedDateTime: instant })
const waiting = registration('ReviewPending')

describe('learnFrom', () => {
  const nothing = { movedInRow: 0, silent: 0 }
  test.each<{ why: string; seen: ReviewChange; moved: number; silent: number }>([
    {
      why: 'a decision with a new date moved it',
      seen: change([before, after], [waiting, passedAt(after)]),
      moved: 1,
      silent: 0,
    },
    {
      why: 'a decision without its own instant moved it',
      seen: change([before, after], [waiting, registration('Failed', null)]),
      moved: 1,
      silent: 0,
    },
    {
      why: 'a decision with the same date is silent',
      seen: change([before, before], [waiting, passedAt(after)]),
      moved: 0,
      silent: 1,
    },
    {
      why: 'a reason with the same date is silent',
      seen: change([before, before], [waiting, [{ ...waiting[0], statusReason: 'x' }]]),
      moved: 0,
      silent: 1,
    },
    {
      why: 'a date that moved two days before the decision moved for another reason',
      seen: change([before, after], [waiting, passedAt('2026-05-08T10:00:00Z')]),
      moved: 0,
      silent: 1,
    },
    {
      why: 'a decision half a minute ahead of its update moved it',
      seen: change([before, after], [waiting, passedAt('2026-05-06T10:00:30Z')]),
      moved: 1,
      silent: 0,
    },
    {
      why: 'a date that went back is silent',
      seen: change([after, before], [waiting, passedAt(after)]),
      moved: 0,
      silent: 1,
    },
    {
      why: 'a new submission shows nothing',
      seen: change([before, after], [registration('ActionRequired'), waiting]),
      moved: 0,
      silent: 0,
    },
    {
      why: 'a new registration shows nothing',
      seen: change([before, after], [[], registration('Approved')]),
      moved: 0,
      silent: 0,
    },
    {
      why: 'an edited contract shows nothing',
      seen: change([before, after], [waiting, [{ ...waiting[0], contract: {} }]]),
      moved: 0,
      silent: 0,
    },
    {
      why: 'a date that cannot be read shows nothing',
      seen: change(['soon', 'later'], [waiting, passedAt(after)]),
      moved: 0,
      silent: 0,
    },
    {
      why: 'one registration without its list is read as it is',
      seen: change([before, after], [waiting[0], passedAt(after)[0]]),
      moved: 1,
      silent: 0,
    },
    {
      why: 'registrations in another order are compared by id',
      seen: change(
        [before, after],
        [
          [{ id: 'b', status: 'Failed' }, waiting[0]],
          [passedAt(after)[0], { id: 'b', status: 'Failed' }],
        ],
      ),
      moved: 1,
      silent: 0,
    },
  ])('learnFrom sees that $why', ({ seen, moved, silent }) => {
    expect(learnFrom(nothing, [seen])).toEqual({ movedInRow: moved, silent })
  })

  const moving = change([before, after], [waiting, passedAt(after)])
  const silent = change([before, before], [waiting, passedAt(after)])

  test('learnFrom takes a rule from so many decisions in a row, and one silent change ends it', () => {
    let known = learnFrom(
      nothing,
      Array.from({ length: movedMin - 1 }, () => moving),
    )
    expect(movesDate(known)).toBe(false)
    known = learnFrom(known, [moving])
    expect(movesDate(known)).toBe(true)
    known = learnFrom(known, [moving, silent, moving])
    expect(known).toEqual({ movedInRow: 0, silent: 1 })
    expect(movesDate(known)).toBe(false)
  })

  test('a row of decisions that is long enough leaves one exception in twenty with 5 % probability', () => {
    expect(0.95 ** movedMin).toBeLessThan(0.05)
  })
})

describe('parseEvidence', () => {
  test('parseEvidence reads what describeEvidence wrote, and nothing where there is nothing', () => {
    const known = { movedInRow: 17, silent: 3 }
    expect(parseEvidence(new Map(Object.entries(describeEvidence(known))))).toEqual(known)
    expect(parseEvidence(new Map())).toEqual({ movedInRow: 0, silent: 0 })
    const broken = new Map([
      ['reviews_moved_in_row', '-4'],
      ['reviews_silent', 'many'],
    ])
    expect(parseEvidence(broken)).toEqual({ movedInRow: 0, silent: 0 })
  })
})
