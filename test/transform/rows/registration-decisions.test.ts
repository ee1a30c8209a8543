import { describe, expect, test } from 'vitest'
import { aReferral, aRegistration, only, rowsOfVersions } from '../../support/referral-builder.ts'

const registered = '2025-12-01T08:00:00Z'
const day = (no: number) => `2025-12-${String(no).padStart(2, '0')}T08:00:00Z`

/** A referral whose registration stands in `status` after stages on days of December. */
function referral(status: string, stages: Record<string, number>, updatedDay = 30) {
  const statusHistory = Object.fromEntries(
    Object.entries(stages).map(([stage, no]) => [`${stage}DateTime`, day(no)]),
  )
  return aReferral({
    updatedDateTime: day(updatedDay),
    registrationStatus: status,
    registrations: [aRegistration({ status, registrationDateTime: registered, statusHistory })],
  })
}

function datesOf(...wires: object[]) {
  const rows = rowsOfVersions(wires.map((wire) => ({ wire, at: '2026-01-05T02:00:00Z' })))
  const row = only(rows['stg.fact_registration'])
  const fact = only(rows['stg.fact_referral'])
  expect(fact.registration_approved_date).toBe(row.approved_date)
  expect(fact.registration_first_approved_date).toBe(row.first_approved_date)
  return {
    approved: row.approved_date?.slice(8) ?? null,
    decided: row.decided_date?.slice(8) ?? null,
    first: row.first_approved_date?.slice(8) ?? null,
    lead: row.approval_lead_days,
    decision: row.decision_lead_days,
    firstLead: row.first_approval_lead_days,
  }
}

const none = { approved: null, decided: null, first: null, lead: null, decision: null }

describe('decisions of a registration', () => {
  test.each([
    {
      life: 'approved by rule',
      wire: referral('Approved', { reviewPending: 1, approved: 3 }),
      dates: {
        approved: '03',
        decided: '03',
        first: '03',
        lead: '2.00',
        decision: '2.00',
        firstLead: '2.00',
      },
    },
    {
      life: 'approved, then failed by a manual review',
      wire: referral('Failed', { reviewPending: 1, approved: 3, failed: 9 }),
      dates: { ...none, decided: '09', first: '03', decision: '8.00', firstLead: '2.00' },
    },
    {
      life: 'approved, then open again',
      wire: referral('ActionRequired', { reviewPending: 1, approved: 3, actionRequired: 9 }),
      dates: { ...none, first: '03', firstLead: '2.00' },
    },
    {
      life: 'approved, sent back, resubmitted and passed',
      wire: referral('Passed', { approved: 3, actionRequired: 9, reviewPending: 11, passed: 15 }),
      dates: {
        approved: '15',
        decided: '15',
        first: '03',
        lead: '14.00',
        decision: '14.00',
        firstLead: '2.00',
      },
    },
    {
      life: 'approved by rule and confirmed by a reviewer',
      wire: referral('Passed', { reviewPending: 1, approved: 3, passed: 9 }),
      dates: {
        approved: '03',
        decided: '03',
        first: '03',
        lead: '2.00',
        decision: '2.00',
        firstLead: '2.00',
      },
    },
    {
      life: 'failed, resubmitted and passed',
      wire: referral('Passed', { failed: 5, reviewPending: 7, passed: 9 }),
      dates: {
        approved: '09',
        decided: '09',
        first: '09',
        lead: '8.00',
        decision: '8.00',
        firstLead: '8.00',
      },
    },
    {
      life: 'failed, resubmitted and waiting',
      wire: referral('ReviewPending', { failed: 5, reviewPending: 7 }),
      dates: { ...none, firstLead: null },
    },
    {
      life: 'approved and Closed, a state of the bulk download',
      wire: referral('Closed', { reviewPending: 1, approved: 3 }),
      dates: {
        approved: '03',
        decided: '03',
        first: '03',
        lead: '2.00',
        decision: '2.00',
        firstLead: '2.00',
      },
    },
  ])('a registration that was $life has the decisions that hold now', ({ wire, dates }) =>
    expect(datesOf(wire)).toEqual(dates),
  )

  test('a second approval does not hide the first, which an earlier version saw', () => {
    const first = referral('Approved', { reviewPending: 1, approved: 3 }, 3)
    const again = referral('Approved', { actionRequired: 9, reviewPending: 11, approved: 15 }, 15)
    expect(datesOf(first, again)).toMatchObject({ approved: '15', first: '03' })
    expect(datesOf(again)).toMatchObject({ approved: '15', first: '15' })
  })
})
