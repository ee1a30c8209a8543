import { expect, test } from 'vitest'
import { renderEntries, renderEntry } from '../../../src/cli/text/quarantine.ts'
import type { QuarantineEntry } from '../../../src/quarantine/entries.ts'

const entry: QuarantineEntry = {
  account: 'north',
  resource_type: 'referral',
  referral_id: 'R-1',
  version_no: 2,
  reason_code: 'invalid_number',
  item_path: 'details.dealValue',
  detail: 'expected a number, got other text',
  attempts: 3,
  first_run_id: 4,
  last_run_id: 9,
  resolved_run_id: null,
}
const excerpt = { parent_path: 'details', parent: { dealValue: 'text of 4' }, value: '"12,5"' }

test('renderEntries has a line for each version, with its reason below', () => {
  const lines = renderEntries([entry, { ...entry, item_path: '', version_no: 3 }]).split('\n')
  expect(lines).toEqual([
    'Referral  Version  Attempts  Runs    Account',
    'R-1             2         3  4 to 9  north',
    '  invalid_number at details.dealValue: expected a number, got other text',
    'R-1             3         3  4 to 9  north',
    '  invalid_number at (whole referral): expected a number, got other text',
  ])
})

test('renderEntries fits 80 columns with ids of the service and long details', () => {
  const referral_id = '5d3f9a10-0000-4000-8000-000000000001'
  const detail = 'expected one of the documented values, got another text '.repeat(4).trim()
  const text = renderEntries([
    { ...entry, referral_id, detail, first_run_id: 1000, last_run_id: 2000 },
  ])
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(text.replace(/\s+/g, ' ')).toContain(detail)
})

test('renderEntries states that nothing is in quarantine', () => {
  expect(renderEntries([])).toBe('Nothing is in quarantine.')
})

test('renderEntry shows reason, attempts, value and shape', () => {
  expect(renderEntry({ ...entry, excerpt })).toBe(
    [
      'Referral   R-1, version 2, of account north',
      'Reason     invalid_number at details.dealValue: expected a number, got other text',
      'Attempts   3, in runs 4 to 9',
      'State      in quarantine',
      'Value      "12,5"',
      'Shape      of details, without values',
      '  dealValue: text of 4',
    ].join('\n'),
  )
})

test('renderEntry shows the run that loaded the referral, and hides what may not be shown', () => {
  const hidden = { parent_path: '', parent: {}, value: null }
  const text = renderEntry({ ...entry, resolved_run_id: 11, excerpt: hidden })
  expect(text).toContain('State      loaded by run 11')
  expect(text).toContain('Value      (not shown')
  expect(text).toContain('Shape      (not shown')
})
