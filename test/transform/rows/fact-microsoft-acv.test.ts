import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MicrosoftReading } from '../../../src/transform/context.ts'
import { microsoftAcvRows } from '../../../src/transform/rows/fact-microsoft-acv.ts'

const referral = { accountKey: 1, referralNo: 7 }
const reading = (asOf: string | null, cells: Record<string, string>): MicrosoftReading => ({
  asOf,
  cells,
})

describe('microsoftAcvRows', () => {
  test('a reading has the cells of the file in their columns', () => {
    const cells = {
      'Deal ID': 'd-1',
      'Contract Currency': 'jpy',
      'Contract Value': '123456789012345.6789',
      'Contract Value (USD)': '851000.5',
      'Contract Start Date': '2026-01-31',
      'Contract End Date': '2027-01-30T10:00:00Z',
      'Contract Sign Date': '2026-01-15',
      'Contract Term': 'Finite',
      'Deal Approved Date': '2026-02-01',
      'Deal Review Passed Date': '2026-02-02',
      'Deal Review Failed Date': '2026-02-03',
      'Annual Contract Value': '987.65',
      'Registered deal solution currency': 'EUR',
      'Registered deal solution value': '1.5',
      'Registered deal solution value (USD)': '1.62',
      'Estimated Deal value (USD)': '3',
    }
    expect(microsoftAcvRows(referral, ['d-0', 'd-1'], [reading('2026-06-30', cells)])).toEqual([
      {
        partner_account_key: 1,
        referral_no: 7,
        reading_no: 1,
        registration_no: 2,
        registration_id: 'd-1',
        as_of_date: '2026-06-30',
        is_latest: true,
        contract_term: 'Finite',
        is_perpetual: false,
        contract_sign_date: '2026-01-15',
        contract_start_date: '2026-01-31',
        contract_end_date: '2027-01-30',
        approved_date: '2026-02-01',
        passed_date: '2026-02-02',
        failed_date: '2026-02-03',
        currency_code: 'JPY',
        contract_value_amount: '123456789012345.6789',
        contract_value_usd_amount: '851000.5',
        microsoft_acv_amount: '987.65',
        solution_currency_code: 'EUR',
        solution_value_amount: '1.5',
        solution_value_usd_amount: '1.62',
        deal_value_usd_amount: '3',
      },
    ])
  })

  test.each([
    { id: 'd-1', ids: ['d-0', 'd-1'], no: 2, why: 'by its id' },
    { id: 'd-2', ids: ['d-0', 'd-1'], no: null, why: 'not by another id' },
    { id: null, ids: ['d-0'], no: 1, why: 'the only one without an id in the file' },
    { id: null, ids: ['d-0', 'd-1'], no: null, why: 'none of several without an id' },
    { id: 'd-2', ids: [null], no: 1, why: 'the only one, whose id is not known' },
    { id: null, ids: [], no: null, why: 'none where the referral has none' },
  ])('a reading of $id belongs to registration $no of $ids: $why', ({ id, ids, no }) => {
    const cells: Record<string, string> = id === null ? {} : { 'Deal ID': id }
    const [row] = microsoftAcvRows(referral, ids, [reading(null, cells)])
    expect(row?.registration_no).toBe(no)
  })

  test('the last reading of each registration is the latest, those without a day first', () => {
    const rows = microsoftAcvRows(
      referral,
      ['a', 'b'],
      [
        reading('2026-05-31', { 'Deal ID': 'a', 'Annual Contract Value': '2' }),
        reading(null, { 'Deal ID': 'a', 'Annual Contract Value': '3' }),
        reading('2026-04-30', { 'Deal ID': 'b', 'Annual Contract Value': '4' }),
        reading('2026-03-31', { 'Deal ID': 'a', 'Annual Contract Value': '1' }),
      ],
    )
    expect(rows.map((row) => [row.reading_no, row.microsoft_acv_amount, row.is_latest])).toEqual([
      [1, '3', false],
      [2, '1', false],
      [3, '4', true],
      [4, '2', true],
    ])
  })

  test('readings in any order and any number of times give the same rows', () => {
    const cells = fc.dictionary(
      fc.constantFrom('Deal ID', 'Annual Contract Value', 'Contract Value'),
      fc.constantFrom('1', '2', '3'),
    )
    const asOf = fc.constantFrom(null, '2026-03-31', '2026-06-30')
    const arbitrary = fc.array(fc.record({ asOf, cells }), { maxLength: 8 })
    const shuffled = arbitrary.chain((readings) =>
      fc.tuple(
        fc.constant(readings),
        fc.shuffledSubarray([...readings, ...readings], { minLength: 2 * readings.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([once, often]) => {
        expect(microsoftAcvRows(referral, ['1', '2'], often)).toEqual(
          microsoftAcvRows(referral, ['1', '2'], once),
        )
      }),
    )
  })
})
