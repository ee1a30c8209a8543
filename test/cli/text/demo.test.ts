import { expect, test } from 'vitest'
import { renderAcv, renderTables } from '../../../src/cli/text/demo.ts'
import type { AcvOfYear } from '../../../src/report/queries/status.ts'

const acvOf = (
  fiscal_year_label: string,
  currency_code: string,
  contract_acv_amount: string,
): AcvOfYear => ({ fiscal_year_label, currency_code, contract_acv_amount, registration_count: 1 })

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

test('renderAcv has a line a fiscal year, a column a currency and no sum over currencies', () => {
  const acv = [
    acvOf('FY26', 'USD', '1234567.8900'),
    acvOf('FY25', 'EUR', '10.9999'),
    acvOf('FY25', 'USD', '-500.5000'),
  ]
  expect(renderAcv(acv).split('\n')).toEqual([
    'Contract ACV  EUR        USD',
    'FY25           10       -500',
    'FY26            -  1,234,567',
  ])
})

test('renderAcv keeps digits that a double cannot hold', () => {
  const [, line] = renderAcv([acvOf('FY26', 'USD', '900719925474099.9999')]).split('\n')
  expect(line).toBe('FY26          900,719,925,474,099')
})

test('renderAcv leaves the heading alone when there is no contract', () => {
  expect(renderAcv([])).toBe('Contract ACV')
})
