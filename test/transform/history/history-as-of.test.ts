import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aReferral, rowsOfVersions } from '../../support/referral-builder.ts'

const firstDay = Date.UTC(2025, 0, 1)
const dayMs = 86_400_000
const minuteMs = 60_000
const at = (minutes: number) => new Date(firstDay + minutes * minuteMs).toISOString()
const dayOf = (instant: string) => instant.slice(0, 10)

const statuses = [
  { status: 'New', substatus: 'Received' },
  { status: 'Active', substatus: 'Accepted' },
  { status: 'Closed', substatus: 'Won' },
  { status: 'Closed', substatus: 'Lost' },
]

/** What the source said, update by update: minutes since the first day, a status and a value. */
const updates = fc
  .uniqueArray(
    fc.record({
      minute: fc.integer({ min: 0, max: 60 * 24 * 40 }),
      status: fc.constantFrom(...statuses),
      dealValue: fc.constantFrom(100, 250.5, 4_000),
    }),
    { selector: ({ minute }) => minute, minLength: 1, maxLength: 8 },
  )
  .map((list) => list.sort((a, b) => a.minute - b.minute))

test('history as of any day equals a replay of the source up to the end of that day', () => {
  fc.assert(
    fc.property(updates, fc.integer({ min: 0, max: 45 }), (list, dayNo) => {
      const observed = list.map(({ minute, status, dealValue }) => {
        const updated = at(minute)
        const wire = aReferral({
          ...status,
          createdDateTime: at(0),
          updatedDateTime: updated,
          acceptedDateTime: null,
          closedDateTime: null,
          registrations: [],
        })
        return { at: updated, wire: { ...wire, details: { ...wire.details, dealValue } } }
      })
      const day = dayOf(new Date(firstDay + dayNo * dayMs).toISOString())
      const replayed = list.filter(({ minute }) => dayOf(at(minute)) <= day).at(-1)
      // Before the first observation the versions are estimates, which no replay can confirm.
      if (replayed === undefined) return
      const versions = rowsOfVersions(observed)['stg.fact_referral_history']
      const asOf = versions.filter(
        ({ valid_from_date: from, valid_to_date: to }) => from <= day && (to === null || to > day),
      )
      expect(asOf).toHaveLength(1)
      expect(asOf[0]?.referral_substatus).toBe(replayed.status.substatus)
      expect(Number(asOf[0]?.deal_value_amount)).toBe(replayed.dealValue)
    }),
    { numRuns: 2_000 },
  )
})
