import { expect, test } from 'vitest'
import {
  renderAcv,
  renderConvertedAcv,
  renderDemo,
  renderTables,
} from '../../../src/cli/text/demo.ts'
import type { AcvOfYear, ConvertedAcv } from '../../../src/report/queries/acv.ts'
import { aRun } from '../../support/run-summary.ts'

const acvOf = (
  fiscal_year_label: string,
  currency_code: string,
  contract_acv_amount: string,
): AcvOfYear => ({ fiscal_year_label, currency_code, contract_acv_amount, registration_count: 1 })

const convertedOf = (
  fiscal_year_label: string,
  contract_acv_reporting_amount: string | null,
  registration_count: number,
): ConvertedAcv => ({
  fiscal_year_label,
  contract_acv_reporting_amount,
  registration_count,
  unconverted_count: 0,
})

test('renderTables aligns names to the left and numbers to the right', () => {
  const tables = [
    { table: 'dw.dim_customer', rows: 1_234_567 },
    { table: 'dw.fx_rate', rows: 0 },
  ]
  expect(renderTables(tables).split('\n')).toEqual([
    'Table                 Rows',
    'dw.dim_customer  1,234,567',
    'dw.fx_rate               0',
  ])
})

test('renderConvertedAcv has a line a fiscal year, and counts the contracts without a rate', () => {
  const converted = [
    convertedOf('FY25', '1234567.8900', 12),
    { ...convertedOf('FY26', null, 3), unconverted_count: 3 },
  ]
  expect(renderConvertedAcv({ reportingCurrency: 'EUR', converted }).split('\n')).toEqual([
    'Contract ACV in EUR     Amount  Contracts',
    'FY25                 1,234,567         12',
    'FY26                         -          3',
    'Amounts lack 3 of these contracts: no rate is known.',
  ])
})

test('renderAcv has a line a currency, a column a fiscal year and no sum over currencies', () => {
  const acv = [
    acvOf('FY26', 'USD', '1234567.8900'),
    acvOf('FY25', 'EUR', '10.9999'),
    acvOf('FY25', 'USD', '-500.5000'),
  ]
  expect(renderAcv(acv).split('\n')).toEqual([
    'As signed  FY25       FY26',
    'EUR          10          -',
    'USD        -500  1,234,567',
  ])
})

test('renderAcv folds the years that 80 columns cannot hold below the others', () => {
  const years = Array.from({ length: 8 }, (_, year) => `FY${20 + year}`)
  const text = renderAcv(years.map((year) => acvOf(year, 'JPY', '123456789012.00')))
  const lines = text.split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(lines.filter((line) => line.startsWith('As signed'))).toEqual([
    'As signed             FY20             FY21             FY22             FY23',
    'As signed             FY24             FY25             FY26             FY27',
  ])
})

test('renderAcv keeps digits that a double cannot hold', () => {
  const [, line] = renderAcv([acvOf('FY26', 'USD', '900719925474099.9999')]).split('\n')
  expect(line).toBe('USD        900,719,925,474,099')
})

test('renderAcv leaves the heading alone when there is no contract', () => {
  expect(renderAcv([])).toBe('As signed')
})

test('renderDemo fits 80 columns, addresses and paths aside, and needs nothing but Node.js', () => {
  const places = [
    '/home/ada/.local/state/cosell/report.html',
    'postgres://reader:word@127.0.0.1:5432/cosell',
  ]
  const [report = '', url = ''] = places
  const text = renderDemo({
    summary: aRun,
    tables: [{ table: 'dw.fact_referral', rows: 2_000 }],
    acv: {
      reportingCurrency: 'USD',
      converted: [convertedOf('FY26', '1.00', 1)],
      signed: [acvOf('FY26', 'USD', '1.00')],
    },
    report,
    day: '2026-06-30',
    nextNight: 'demo --change 25',
    bi: { url, login: 'reader', isRowSecured: false },
  })
  const lines = text.split('\n').filter((line) => !places.some((place) => line.includes(place)))
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(text).toContain(`\nConnection string for BI tools: ${url}\n`)
  expect(text).toMatch(/ open "\?as_of=2026-06-30"\n/)
  expect(text).not.toMatch(/^ *(psql|npx|docker)\b/m)
})
