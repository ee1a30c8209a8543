import { describe, expect, test } from 'vitest'
import { renderPurged, renderPurgePlan } from '../../../src/cli/text/keep/purge.ts'

const counts = {
  days_kept: { versions: 400, runs: null, contacts: 730 },
  referrals: 1,
  rows: { 'raw.payload': 1_200, 'pii.contact': 2 },
  versions_kept: 30,
}
const none = { ...counts, referrals: 0, rows: {}, versions_kept: 0 }

describe('renderPurgePlan', () => {
  test('the plan has the rows by table, what stays, and what becomes of contacts', () => {
    const plan = { status: 'planned', ...counts, rows_to_purge: 1_202 } as const
    const text = renderPurgePlan(plan, 'db.example.com/cosell')
    expect(text).toContain('In db.example.com/cosell, 1,202 rows are old enough:')
    expect(text).toMatch(/raw\.payload\s+1,200\n/)
    expect(text).toContain('30 older superseded versions stay: history is made of them.')
    expect(text).toContain('1 closed referral has contacts or notes; their number stays.')
  })

  test('a plan without rows says so alone', () => {
    const plan = { status: 'planned', ...none, rows_to_purge: 0 } as const
    expect(renderPurgePlan(plan, 'db.example.com/cosell')).toBe(
      'Nothing in db.example.com/cosell is old enough to be purged.',
    )
  })
})

describe('renderPurged', () => {
  test('the end has the sum, the rows by table and the bytes', () => {
    const result = { status: 'purged', ...counts, rows_purged: 1_202, bytes_purged: 5_000 } as const
    const text = renderPurged(result)
    expect(text).toContain('1,202 rows are purged.')
    expect(text).toMatch(/pii\.contact\s+2\n/)
    expect(text).toContain('5,000 bytes of payloads are free for new ones.')
  })

  test('a purge without rows says so, and what stays', () => {
    const empty = { ...none, versions_kept: 1, rows_purged: 0, bytes_purged: 0 }
    const result = { status: 'purged', ...empty } as const
    expect(renderPurged(result)).toBe(
      'Nothing was old enough.\n1 older superseded version stays: history is made of them.',
    )
  })
})
