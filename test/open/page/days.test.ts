import { describe, expect, test } from 'vitest'
import {
  addDays,
  daysBetween,
  isDay,
  monthEndBefore,
  yearBefore,
} from '../../../src/open/page/state/days.ts'

describe('days of the slider', () => {
  test.each([
    ['2024-02-28', 1, '2024-02-29'],
    ['2025-02-28', 1, '2025-03-01'],
    ['2026-01-01', -1, '2025-12-31'],
    ['2026-03-28', 3, '2026-03-31'],
  ])('%s and %d days is %s', (day, count, other) => {
    expect(addDays(day, count)).toBe(other)
    expect(daysBetween(day, other)).toBe(count)
  })

  test.each(['2026-06-30', '2024-02-29', '2000-01-01'])('%s is a day', (text) => {
    expect(isDay(text)).toBe(true)
  })

  test.each(['', '2026-02-30', '2025-02-29', '2026-6-3', 'today', '2026-13-01', '30.06.2026'])(
    'the text %j is no day',
    (text) => {
      expect(isDay(text)).toBe(false)
    },
  )

  test.each([
    ['2026-06-30', '2026-05-31'],
    ['2024-03-15', '2024-02-29'],
    ['2026-01-01', '2025-12-31'],
  ])('the month end before %s is %s', (day, end) => {
    expect(monthEndBefore(day)).toBe(end)
  })

  test.each([
    ['2026-06-30', '2025-06-30'],
    ['2024-02-29', '2023-02-28'],
    ['2025-03-01', '2024-03-01'],
  ])('a year before %s is %s', (day, before) => {
    expect(yearBefore(day)).toBe(before)
  })
})
