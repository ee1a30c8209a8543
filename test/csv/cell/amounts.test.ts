import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { amountEvidence, readAmount } from '../../../src/csv/cell/amounts.ts'

describe('readAmount', () => {
  test.each([
    ['12563', '12563', '12563'],
    ['1234.50', '1234.5', null],
    ['1234,50', null, '1234.5'],
    ['1,234', '1234', '1.234'],
    ['1.234', '1.234', '1234'],
    ['1,234,567.891', '1234567.891', null],
    ['1.234.567,891', null, '1234567.891'],
    ['12,34,567.00', '1234567', null],
    ['1 234,5', null, '1234.5'],
    ['1\u202f234,5', null, '1234.5'],
    ['1’234.50', '1234.5', null],
    ['$1,234.00', '1234', null],
    ['1.234,50 €', null, '1234.5'],
    ['USD 100', '100', '100'],
    ['-5', '-5', '-5'],
    ['\u22125,5', null, '-5.5'],
    ['0', '0', '0'],
    ['-0.00', '0', null],
    ['.5', '0.5', null],
    ['00012', '12', '12'],
    ['999999999999999.1234', '999999999999999.1234', null],
    ['1000000000000000', null, null],
    ['1E+05', null, null],
    ['1.234,567.8', null, null],
    ['1,,234', null, null],
    ['1,23', null, '1.23'],
    ['12 34', null, null],
    ['(100)', null, null],
    ['', null, null],
    ['-', null, null],
    ['n/a', null, null],
  ])('readAmount(%j) is %j with a decimal point and %j with a comma', (cell, point, comma) => {
    expect([readAmount(cell, 'point'), readAmount(cell, 'comma')]).toEqual([point, comma])
  })

  test('readAmount keeps every digit of an amount in either convention', () => {
    const amount = fc.record({
      whole: fc.bigInt({ min: 0n, max: 999_999_999_999_999n }).map(String),
      fraction: fc.stringMatching(/^\d{0,6}$/),
      sign: fc.constantFrom('', '-'),
      group: fc.constantFrom('', ' ', 'other'),
    })
    fc.assert(
      fc.property(amount, ({ whole, fraction, sign, group }) => {
        const digits = fraction.replace(/0+$/, '')
        const plain = digits === '' ? whole : `${whole}.${digits}`
        const isZero = /^[0.]*$/.test(plain)
        for (const [convention, decimal, other] of [
          ['point', '.', ','],
          ['comma', ',', '.'],
        ] as const) {
          const mark = group === 'other' ? other : group
          const grouped = whole.replace(/\B(?=(\d{3})+$)/g, mark)
          const cell = `${sign}${grouped}${fraction === '' ? '' : decimal + fraction}`
          expect(readAmount(cell, convention)).toBe(isZero ? '0' : `${sign}${plain}`)
        }
      }),
    )
  })

  test('readAmount takes no time for long text that is nearly an amount', () => {
    const started = performance.now()
    expect(readAmount(`${'1,234'.repeat(20_000)}x`, 'point')).toBeNull()
    expect(performance.now() - started).toBeLessThan(100)
  })
})

describe('amountEvidence', () => {
  test.each([
    ['1000', 'none'],
    ['1.5', 'point'],
    ['1,5', 'comma'],
    ['1.234', 'either'],
    ['1,234', 'either'],
    ['0.123', 'point'],
    ['1234,567', 'comma'],
    ['1.234.567', 'comma'],
    ['1,234.567', 'point'],
    ['1 234', 'none'],
    ['unknown', 'none'],
  ] as const)('amountEvidence(%j) is %j', (cell, evidence) => {
    expect(amountEvidence(cell)).toBe(evidence)
  })
})
