import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { contractPeriod } from '../../../src/transform/contract/acv.ts'
import { scheduleParts } from '../../../src/transform/contract/schedule.ts'
import {
  addDays,
  addMonths,
  calendarDate,
  daysBetween,
  daysBetweenInstants,
  monthsApart,
  parseInstant,
  sortableInstant,
  utcDate,
} from '../../../src/transform/values/dates.ts'

/** Text of the source, its instant or why it has none, and the case. */
const instants: [string, string, string][] = [
  [
    '2022-02-28T17:27:47.8754901Z',
    '2022-02-28T17:27:47.875490Z',
    'seven digits, as the source writes; the seventh is cut',
  ],
  [
    '2022-02-28T17:27:47.9999999Z',
    '2022-02-28T17:27:47.999999Z',
    'cut, not rounded up into the next second',
  ],
  ['2022-02-28T17:27:47Z', '2022-02-28T17:27:47.000000Z', 'no fraction'],
  ['2022-02-28T17:27:47.5Z', '2022-02-28T17:27:47.500000Z', 'one fraction digit'],
  ['2022-02-28T17:27:47.123456789012Z', '2022-02-28T17:27:47.123456Z', 'twelve fraction digits'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z', 'a leap day'],
  ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000000Z', 'a leap day in a year that 400 divides'],
  ['2022-02-28t17:27:47z', '2022-02-28T17:27:47.000000Z', 'small letters, which RFC 3339 allows'],
  ['2022-02-28T17:27:47+00:00', '2022-02-28T17:27:47.000000Z', 'a zero offset'],
  [
    '2022-02-28T17:27:47-00:00',
    '2022-02-28T17:27:47.000000Z',
    'an unknown offset, which RFC 3339 counts as UTC',
  ],
  [
    '2022-02-28T23:30:00.1234567-05:30',
    '2022-03-01T05:00:00.123456Z',
    'an offset that changes the month',
  ],
  ['2024-01-01T05:29:59+05:30', '2023-12-31T23:59:59.000000Z', 'an offset that changes the year'],
  [
    '2024-03-01T00:00:00+14:00',
    '2024-02-29T10:00:00.000000Z',
    'the most eastern offset, back onto a leap day',
  ],
  [
    '2023-02-28T12:00:00-14:00',
    '2023-03-01T02:00:00.000000Z',
    'the most western offset, past a missing leap day',
  ],
  ['2000-01-01T00:00:00Z', '2000-01-01T00:00:00.000000Z', 'the first plausible instant'],
  ['2099-12-31T23:59:59.9999999Z', '2099-12-31T23:59:59.999999Z', 'the last plausible instant'],
  ['0001-01-01T00:00:00Z', 'unset', 'what .NET writes for "not set"'],
  ['0001-01-01T00:00:00.0000000Z', 'unset', 'with fraction'],
  ['0001-01-01T00:00:00', 'unset', 'without zone'],
  ['0001-01-01T00:00:00+00:00', 'unset', 'as DateTimeOffset'],
  ['0001-01-01T00:00:00-08:00', 'unset', 'of a server that is not on UTC'],
  ['0001-01-01T00:00:01Z', 'implausible', 'a second later it is just wrong'],
  ['0001-01-02T00:00:00Z', 'implausible', 'so is the day after'],
  ['9999-12-31T23:59:59.9999999Z', 'implausible', 'the largest .NET instant'],
  ['9999-12-31T23:59:59-01:00', 'implausible', 'in the year 10000 once in UTC'],
  ['0000-01-01T00:00:00+01:00', 'implausible', 'before the year 0 once in UTC'],
  ['1970-01-01T00:00:00Z', 'implausible', 'the Unix epoch'],
  ['1999-12-31T23:59:59.9999999Z', 'implausible', 'a moment too early'],
  ['2000-01-01T00:30:00+01:00', 'implausible', 'too early once in UTC'],
  ['2100-01-01T00:00:00Z', 'implausible', 'a moment too late'],
  ['2099-12-31T23:30:00-01:00', 'implausible', 'too late once in UTC'],
  ['2022-02-30T00:00:00Z', 'implausible', '30 February'],
  ['2023-02-29T00:00:00Z', 'implausible', 'no leap year'],
  ['2022-04-31T00:00:00Z', 'implausible', '31 April'],
  ['2022-00-10T00:00:00Z', 'implausible', 'month 0'],
  ['2022-13-10T00:00:00Z', 'implausible', 'month 13'],
  ['2022-01-00T00:00:00Z', 'implausible', 'day 0'],
  ['2022-01-32T00:00:00Z', 'implausible', 'day 32'],
  ['2022-01-01T24:00:00Z', 'implausible', 'hour 24'],
  ['2022-01-01T23:60:00Z', 'implausible', 'minute 60'],
  ['2016-12-31T23:59:60Z', 'implausible', 'a leap second'],
  ['2022-01-01T00:00:00+14:01', 'implausible', 'an offset past 14 hours'],
  ['2022-01-01T00:00:00+05:60', 'implausible', 'sixty minutes of offset'],
  ['2022-02-28T17:27:47', '2022-02-28T17:27:47.000000Z', 'no zone'],
  ['2022-02-28T17:27:47.1234567', '2022-02-28T17:27:47.123456Z', 'no zone, with fraction'],
  ['2022-02-28T17:27:47+0530', 'invalid', 'an offset without colon'],
  ['2022-02-28T17:27:47+05', 'invalid', 'an offset without minutes'],
  ['2022-02-28T17:27:47 UTC', 'invalid', 'a zone by name'],
  ['2022-02-28 17:27:47Z', 'invalid', 'a space for the T'],
  ['2022-02-28', '2022-02-28T00:00:00.000000Z', 'a day alone'],
  ['2022-02-30', 'implausible', 'an impossible day alone'],
  ['0001-01-01', 'unset', 'not set, as a day alone'],
  ['2022-02-28T17:27Z', 'invalid', 'no seconds'],
  ['2022-02-28T17:27:47.Z', 'invalid', 'a point without fraction'],
  ['2022-02-28T17:27:47,5Z', 'invalid', 'a decimal comma'],
  ['2022-2-28T17:27:47Z', 'invalid', 'a month of one digit'],
  ['20220228T172747Z', 'invalid', 'the basic format'],
  ['2022-059T17:27:47Z', 'invalid', 'a day of the year'],
  ['+002022-02-28T17:27:47Z', 'invalid', 'an expanded year'],
  ['-2022-02-28T17:27:47Z', 'invalid', 'a year before our era'],
  [' 2022-02-28T17:27:47Z', 'invalid', 'white space before'],
  ['2022-02-28T17:27:47Z\n', 'invalid', 'a line end after'],
  ['２０22-02-28T17:27:47Z', 'invalid', 'digits of another script'],
  ['/Date(1646069267875)/', 'invalid', 'the old Microsoft JSON date'],
  ['1646069267', 'invalid', 'seconds since 1970'],
  ['01/02/2026', 'invalid', 'January or February: ambiguous'],
  ['Mon, 28 Feb 2022 17:27:47 GMT', 'invalid', 'an HTTP date'],
  ['now', 'invalid', 'a word that PostgreSQL would take'],
  ['infinity', 'invalid', 'another'],
  ['null', 'invalid', 'a word'],
  ['', 'invalid', 'nothing'],
]

describe('reading an instant', () => {
  test.each(instants)('parseInstant: %j is %s: %s', (wire, outcome) =>
    expect(read(wire)).toBe(outcome),
  )

  test('parseInstant agrees with the platform on every instant of the calendar', () => {
    const anyDate = fc.date({
      min: new Date('2000-01-02T00:00:00Z'),
      max: new Date('2099-12-30T00:00:00Z'),
      noInvalidDate: true,
    })
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 })
    fc.assert(
      fc.property(anyDate, offset, (date, minutes) => {
        const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1)
        const ofHours = `${Math.abs(minutes)}`.padStart(4, '0')
        const hours = String(Math.floor(Number(ofHours) / 60)).padStart(2, '0')
        const rest = String(Number(ofHours) % 60).padStart(2, '0')
        const wire = `${local}${minutes < 0 ? '-' : '+'}${hours}:${rest}`
        const value = `${date.toISOString().slice(0, -1)}000Z`
        expect(parseInstant(wire)).toEqual({ kind: 'instant', value })
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('ordering source times', () => {
  test.each([
    { wire: '2022-02-28T17:27:47.8754901Z', text: '2022-02-28T17:27:47.8754901Z', why: 'as it is' },
    { wire: '2022-02-28T17:27:47Z', text: '2022-02-28T17:27:47.0000000Z', why: 'no fraction' },
    { wire: '2022-02-28T17:27:47.87Z', text: '2022-02-28T17:27:47.8700000Z', why: 'a short one' },
    { wire: '2022-02-28T19:27:47.5+02:00', text: '2022-02-28T17:27:47.5000000Z', why: 'in UTC' },
    { wire: '1999-01-01T00:00:00Z', text: '1999-01-01T00:00:00.0000000Z', why: 'implausible too' },
    { wire: '9999-12-31T23:59:59.9999999Z', text: '9999-12-31T23:59:59.9999999Z', why: 'the end' },
    { wire: '0001-01-01T00:00:00Z', text: '0001-01-01T00:00:00.0000000Z', why: 'the beginning' },
    { wire: '2022-02-30T00:00:00Z', text: '', why: 'an impossible one comes first' },
    { wire: '9999-12-31T23:59:59-01:00', text: '', why: 'so does the year 10000' },
    { wire: '0000-01-01T00:00:00+01:00', text: '', why: 'and the year before 0' },
    { wire: 'yesterday', text: '', why: 'and what is no instant' },
  ])('sortableInstant: $wire: $why', ({ wire, text }) => expect(sortableInstant(wire)).toBe(text))

  test('sortable texts compare as instants do, unlike the texts of the source', () => {
    expect('2022-02-28T17:27:47.8Z' > '2022-02-28T17:27:47.80001Z').toBe(true)
    const ticks = fc.bigInt({ min: 0n, max: 10_000_000n })
    const digits = fc.integer({ min: 0, max: 7 })
    const write = (tick: bigint, kept: number) => {
      const fraction = String(tick % 10_000_000n).padStart(7, '0')
      const shorter = fraction.slice(0, kept).concat(fraction.slice(kept).replace(/0+$/, ''))
      return `2022-02-28T17:27:4${tick / 10_000_000n}${shorter === '' ? '' : `.${shorter}`}Z`
    }
    fc.assert(
      fc.property(ticks, ticks, digits, digits, (left, right, leftDigits, rightDigits) => {
        const a = sortableInstant(write(left, leftDigits))
        const b = sortableInstant(write(right, rightDigits))
        expect(a < b).toBe(left < right)
        expect(a === b).toBe(left === right)
      }),
      { numRuns: 2_000 },
    )
  })
})

const picked = [
  { at: '2026-03-14T18:30:00.000000Z', day: '2026-03-15', why: 'midnight in India' },
  { at: '2026-06-30T23:00:00.000000Z', day: '2026-07-01', why: 'midnight in British summer time' },
  { at: '2026-06-30T03:00:00.000000Z', day: '2026-06-30', why: 'midnight in Argentina' },
  { at: '2026-06-30T00:00:00.000000Z', day: '2026-06-30', why: 'midnight in UTC' },
  { at: '2026-06-30T18:15:00.000000Z', day: '2026-07-01', why: 'midnight in Nepal' },
  { at: '2026-06-30T11:45:00.000000Z', day: '2026-06-30', why: 'just before noon' },
  { at: '2026-06-30T12:00:00.000000Z', day: '2026-07-01', why: 'noon: midnight in New Zealand' },
  { at: '2026-06-30T23:45:00.000000Z', day: '2026-07-01', why: 'the last quarter hour' },
  { at: '2026-06-30T18:30:00.000001Z', day: '2026-06-30', why: 'a microsecond past the quarter' },
  { at: '2026-06-30T18:30:01.000000Z', day: '2026-06-30', why: 'a second past it' },
  { at: '2026-06-30T18:31:00.000000Z', day: '2026-06-30', why: 'a minute past it' },
  { at: '2026-06-30T23:59:59.999999Z', day: '2026-06-30', why: 'the last moment of a day' },
  {
    at: '2023-12-31T16:00:00.000000Z',
    day: '2024-01-01',
    why: 'midnight in Singapore at New Year',
  },
  { at: '2024-02-28T22:00:00.000000Z', day: '2024-02-29', why: 'a leap day in South Africa' },
  { at: '2099-12-31T18:30:00.000000Z', day: '2099-12-31', why: 'never past the last day there is' },
]

describe('the day a person picked', () => {
  test.each(picked)('calendarDate of $at: $why', ({ at, day }) =>
    expect(calendarDate(at, 'nearest_midnight')).toBe(day),
  )

  test.each(picked)('calendarDate of $at is its UTC day under the rule utc', ({ at }) => {
    expect(calendarDate(at, 'utc')).toBe(at.slice(0, 10))
    expect(utcDate(at)).toBe(at.slice(0, 10))
  })
})

describe('months and days', () => {
  test.each([
    { date: '2024-02-29', months: 72, expected: '2030-02-28', why: 'six years from a leap day' },
    { date: '2024-02-29', months: 48, expected: '2028-02-29', why: 'four years from a leap day' },
    { date: '2096-02-29', months: 48, expected: '2100-02-28', why: '2100 is no leap year' },
    {
      date: '2024-01-31',
      months: 1,
      expected: '2024-02-29',
      why: 'the last day of a shorter month',
    },
    { date: '2025-01-31', months: 1, expected: '2025-02-28', why: 'shorter still' },
    { date: '2025-01-31', months: 2, expected: '2025-03-31', why: 'not counted from 28 February' },
    { date: '2025-01-31', months: 3, expected: '2025-04-30', why: 'thirty days' },
    { date: '2025-12-15', months: 1, expected: '2026-01-15', why: 'into the next year' },
    { date: '2025-03-31', months: -1, expected: '2025-02-28', why: 'backwards' },
    { date: '2025-01-01', months: -1, expected: '2024-12-01', why: 'back into the last year' },
    { date: '2025-06-30', months: 0, expected: '2025-06-30', why: 'not at all' },
  ])('addMonths: $date + $months months: $why', ({ date, months, expected }) =>
    expect(addMonths(date, months)).toBe(expected),
  )

  test.each([
    { date: '2024-02-28', days: 1, expected: '2024-02-29' },
    { date: '2023-02-28', days: 1, expected: '2023-03-01' },
    { date: '2024-03-01', days: -1, expected: '2024-02-29' },
    { date: '2025-12-31', days: 1, expected: '2026-01-01' },
    { date: '2026-01-01', days: -1, expected: '2025-12-31' },
    { date: '2100-02-28', days: 1, expected: '2100-03-01' },
    { date: '2000-01-01', days: 36_525, expected: '2100-01-01' },
  ])('addDays: $date + $days days is $expected', ({ date, days, expected }) => {
    expect(addDays(date, days)).toBe(expected)
    expect(daysBetween(date, expected)).toBe(days)
  })

  test('addDays agrees with the platform on every day of three centuries', () => {
    let date = '1900-01-01'
    let wrong = ''
    for (let day = -25_567; day <= 84_000; day++) {
      const platform = new Date(day * 86_400_000).toISOString().slice(0, 10)
      if (date !== platform || daysBetween('1970-01-01', date) !== day) wrong += `${date} `
      if (addDays('1970-01-01', day) !== date) wrong += `+${day} `
      date = addDays(date, 1)
    }
    expect(wrong).toBe('')
  })

  test('addMonths agrees with the platform in every month and on every last day', () => {
    const start = fc.date({
      min: new Date('2000-01-01T00:00:00Z'),
      max: new Date('2099-12-31T00:00:00Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(start, fc.integer({ min: -1_200, max: 1_200 }), (date, months) => {
        const from = date.toISOString().slice(0, 10)
        const lastOfMonth = new Date(
          Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months + 1, 0),
        )
        const day = Math.min(date.getUTCDate(), lastOfMonth.getUTCDate())
        lastOfMonth.setUTCDate(day)
        expect(addMonths(from, months)).toBe(lastOfMonth.toISOString().slice(0, 10))
        expect(monthsApart(from, addMonths(from, months))).toBe(months)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('days between instants', () => {
  test.each([
    { from: '2026-01-01T00:00:00.000000Z', to: '2026-01-02T12:00:00.000000Z', days: '1.50' },
    { from: '2026-01-01T00:00:00.000000Z', to: '2026-01-01T00:00:00.000000Z', days: '0.00' },
    { from: '2026-01-01T00:00:00.700000Z', to: '2026-01-01T00:00:00.000000Z', days: '0.00' },
    { from: '2026-01-02T06:00:00.000000Z', to: '2026-01-01T00:00:00.000000Z', days: '-1.25' },
    { from: '2026-01-01T00:00:00.000000Z', to: '2026-01-01T00:07:12.000000Z', days: '0.01' },
    { from: '2026-01-01T00:00:00.000001Z', to: '2026-01-01T00:07:12.000000Z', days: '0.00' },
    { from: '2026-01-01T00:07:12.000000Z', to: '2026-01-01T00:00:00.000000Z', days: '-0.01' },
    { from: '2024-02-28T00:00:00.000000Z', to: '2024-03-01T00:00:00.000000Z', days: '2.00' },
    { from: '2000-01-01T00:00:00.000000Z', to: '2099-12-31T23:59:59.999999Z', days: '36525.00' },
  ])('daysBetweenInstants: $from to $to is $days', ({ from, to, days }) =>
    expect(daysBetweenInstants(from, to)).toBe(days),
  )
})

describe('the zone of the process', () => {
  const zone = process.env.TZ
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  })

  test.each([
    { zone: 'Pacific/Auckland', offset: -780 },
    { zone: 'America/Los_Angeles', offset: 480 },
    { zone: 'Asia/Kolkata', offset: -330 },
  ])('the time zone $zone changes no date', ({ zone, offset }) => {
    process.env.TZ = zone
    expect(new Date(2024, 0, 1).getTimezoneOffset()).toBe(offset)
    for (const [wire, outcome] of instants) expect(read(wire)).toBe(outcome)
    for (const { at, day } of picked) expect(calendarDate(at, 'nearest_midnight')).toBe(day)
    const terms = { term: 'Finite', start: '2024-03-31', end: '2025-10-26' }
    expect(scheduleParts(contractPeriod(terms)).map(({ start, end }) => [start, end])).toEqual([
      ['2024-03-31', '2025-03-30'],
      ['2025-03-31', '2025-10-26'],
    ])
  })

  test('dates and contracts do not use the platform Date', () => {
    for (const name of [
      'values/money',
      'values/dates',
      'values/text',
      'contract/acv',
      'contract/schedule',
      'contract/allocate',
    ]) {
      const file = new URL(`../../../src/transform/${name}.ts`, import.meta.url)
      expect(readFileSync(file, 'utf8')).not.toMatch(/\bDate[.(]|new Date\b|\bIntl\b/)
    }
  })
})

function read(wire: string): string {
  const parsed = parseInstant(wire)
  return parsed.kind === 'instant' ? parsed.value : parsed.kind
}
