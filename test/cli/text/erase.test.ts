import { describe, expect, test } from 'vitest'
import { renderErasable, renderErased } from '../../../src/cli/text/keep/erase.ts'

const rows = { 'pii.payload': 1_200, 'raw.payload': 1 }

describe('renderErasable', () => {
  test('the question is preceded by the places and what is done', () => {
    const text = renderErasable({ referrals: 3, rows, entries: [] }, 'db.example.com/cosell')
    expect(text).toContain('In db.example.com/cosell, 3 referrals name them:')
    expect(text).toMatch(/pii\.payload\s+1,200/)
    expect(text).toContain('the API keeps them')
  })

  test('people who are nowhere are kept out later', () => {
    const text = renderErasable({ referrals: 0, rows: {}, entries: [] }, 'db.example.com/cosell')
    expect(text).toBe(
      'Nothing of them is in db.example.com/cosell. Erased, they are left out of what is loaded later.',
    )
  })
})

describe('renderErased', () => {
  test('the end names the sum and the rows by table', () => {
    const text = renderErased({
      status: 'erased',
      referrals: 1,
      rows,
      rows_erased: 1_201,
      hashes: 3,
    })
    expect(text).toContain('They are erased from 1 referral: 1,201 rows changed.')
    expect(text).toMatch(/raw\.payload\s+1\n/)
  })

  test('people who were nowhere are told so', () => {
    const text = renderErased({
      status: 'erased',
      referrals: 0,
      rows: {},
      rows_erased: 0,
      hashes: 1,
    })
    expect(text).toMatch(/^Nothing of them was there\. Later loads/)
  })
})
