import { describe, expect, test } from 'vitest'
import { dayOfFile } from '../../src/csv/as-of.ts'
import { insightsCosell } from '../../src/csv/layout/insights.ts'
import { csvBytes, importBytes, linesOf } from '../support/csv-files.ts'
import { failureOf } from '../support/with-pipeline.ts'

const header = insightsCosell.columns.map(({ name }) => name)
const id = (no: number) => `00000000-0000-4000-8000-${String(no).padStart(12, '0')}`

async function latestDay(rows: readonly Readonly<Record<string, string>>[]) {
  const filled = rows.map((row, no) => ({ 'Referral ID': id(no), ...row }))
  return (await importBytes(csvBytes(linesOf(header, filled)))).file.latestDay
}

describe('the day of a file', () => {
  test('the latest day that Partner Center wrote is the day of a file', async () => {
    expect(
      await latestDay([
        { 'Referral Creation Date': '1/31/2026', 'Deal Approved Date': '02/28/2026' },
        { 'Referral Creation Date': '3/1/2025', 'Deal Review Failed Date': '2/9/2026' },
      ]),
    ).toBe('2026-02-28')
  })

  test('days of the contract say nothing about the day of a file', async () => {
    expect(
      await latestDay([
        {
          'Referral Creation Date': '1/31/2026',
          'Contract Start Date': '12/31/2027',
          'Contract End Date': '12/31/2031',
          'Contract Sign Date': '12/30/2026',
          'Marketplace transaction date': '12/29/2026',
        },
      ]),
    ).toBe('2026-01-31')
  })

  test('days in the order of another country are read in that order', async () => {
    expect(
      await latestDay([
        { 'Referral Creation Date': '03/04/2026' },
        { 'Referral Creation Date': '31/01/2026' },
      ]),
    ).toBe('2026-04-03')
  })

  test('a file without a day of Partner Center has none', async () => {
    expect(await latestDay([{ 'Contract Start Date': '1/1/2026' }])).toBeNull()
    expect(dayOfFile({ name: 'a.csv', latestDay: null }, undefined)).toBeNull()
  })

  test('a given day takes precedence, unless the file has later ones', async () => {
    const file = { name: 'a.csv', latestDay: '2026-02-28' }
    expect(dayOfFile(file, '2026-03-05')).toBe('2026-03-05')
    expect(dayOfFile(file, '2026-02-28')).toBe('2026-02-28')
    expect(dayOfFile(file, undefined)).toBe('2026-02-28')
    const failure = await failureOf((async () => dayOfFile(file, '2026-02-27'))())
    expect(failure.message).toMatch(/a\.csv: expected .* 2026-02-27 .* got days up to 2026-02-28/)
  })
})
