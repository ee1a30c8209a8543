import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dateEvidence, readDate } from '../../../src/csv/cell/dates.ts'

describe('readDate', () => {
  test.each([
    ['1/30/2020', 'mdy', '2020-01-30', 'the documented example'],
    ['09/30/2022', 'mdy', '2022-09-30', 'two digits'],
    ['1/30/20', 'mdy', '2020-01-30', 'a year of two digits'],
    ['2020-01-30', 'mdy', '2020-01-30', 'ISO'],
    ['2020-01-30', 'dmy', '2020-01-30', 'ISO in a file with the day first'],
    ['2020/1/3', 'dmy', '2020-01-03', 'a year first, as in Japan'],
    ['30.01.2020', 'dmy', '2020-01-30', 'points'],
    ['3-4-2020', 'dmy', '2020-04-03', 'hyphens, as in India'],
    ['29/02/2024', 'dmy', '2024-02-29', 'a leap day'],
    ['29/02/2023', 'dmy', null, 'no leap year'],
    ['1/30/2020', 'dmy', null, 'month 30'],
    ['1/30/2020 12:00:00 AM', 'mdy', '2020-01-30', 'midnight'],
    ['1/30/2020 1:05 PM', 'mdy', '2020-01-30T13:05:00Z', 'a time of the afternoon'],
    ['2020-01-30T08:09:10.25Z', 'mdy', '2020-01-30T08:09:10.25Z', 'an instant'],
    ['2020-01-30T24:00', 'mdy', null, 'an hour that no day has'],
    ['1/30/1999', 'mdy', null, 'a year before 2000'],
    ['1/30/2100', 'mdy', null, 'a year after 2099'],
    ['1/30/202', 'mdy', null, 'a year of three digits'],
    ['43860', 'mdy', null, 'the serial number of a spreadsheet'],
    ['1/30-2020', 'mdy', null, 'two separators'],
    ['Contoso 7', 'mdy', null, 'a name'],
  ] as const)('readDate(%j, %j) is %j: %s', (cell, order, date, _why) => {
    expect(readDate(cell, order)).toBe(date)
  })
})

describe('dateEvidence', () => {
  test.each([
    ['1/30/2020', 'mdy'],
    ['30/1/2020', 'dmy'],
    ['1/2/2020', 'either'],
    ['2/2/2020', 'none'],
    ['31/4/2020', 'none'],
    ['2/30/2020', 'none'],
    ['2020-01-30', 'none'],
    ['1.2.2020', 'dmy'],
    ['1.30.2020', 'mdy'],
    ['soon', 'none'],
  ] as const)('dateEvidence(%j) is %j', (cell, evidence) => {
    expect(dateEvidence(cell)).toBe(evidence)
  })

  test('dateEvidence of a written day is its order, or none when both orders give that day', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 36_524 }),
        fc.constantFrom('/', '-'),
        fc.boolean(),
        (days, sign, isPadded) => {
          const day = new Date(Date.UTC(2000, 0, 1 + days)).toISOString().slice(0, 10)
          const [year = '', ...rest] = day.split('-')
          const [month = '', date = ''] = isPadded ? rest : rest.map((part) => `${Number(part)}`)
          const mdy = [month, date, year].join(sign)
          const dmy = [date, month, year].join(sign)
          expect(readDate(mdy, 'mdy')).toBe(day)
          expect(readDate(dmy, 'dmy')).toBe(day)
          if (month === date) expect(dateEvidence(mdy)).toBe('none')
          else if (Number(date) > 12) {
            expect([dateEvidence(mdy), dateEvidence(dmy)]).toEqual(['mdy', 'dmy'])
          } else expect([dateEvidence(mdy), dateEvidence(dmy)]).toEqual(['either', 'either'])
        },
      ),
    )
  })
})
