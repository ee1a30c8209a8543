import { expect, test } from 'vitest'
import { type HeldFigures, renderHeld, renderQuarantine } from '../../../src/cli/text/quarantine.ts'

const held: HeldFigures = {
  account: 'north',
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

test('the list has a line for each version', () => {
  const lines = renderQuarantine([held, { ...held, item_path: '', version_no: 3 }]).split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[1]).toMatch(/^north +R-1 +2 +invalid_number +details\.dealValue +expected a number/)
  expect(lines[1]).toMatch(/3 +4 to 9$/)
  expect(lines[2]).toContain('(the whole)')
})

test('an empty list says so', () => {
  expect(renderQuarantine([])).toBe('Nothing is in quarantine.')
})

test('an entry tells why, how often, and what is there', () => {
  expect(renderHeld({ ...held, excerpt })).toBe(
    [
      'Referral   R-1, version 2, of account north',
      'Reason     invalid_number at details.dealValue: expected a number, got other text',
      'Tried      3 times, in runs 4 to 9',
      'State      held',
      'Value      "12,5"',
      'Shape      of details, without values',
      '  dealValue: text of 4',
    ].join('\n'),
  )
})

test('one that is not held any more, or may not be shown, says that', () => {
  const hidden = { parent_path: '', parent: {}, value: null }
  const text = renderHeld({ ...held, resolved_run_id: 11, excerpt: hidden })
  expect(text).toContain('State      loaded by run 11')
  expect(text).toContain('Value      (not shown')
  expect(text).toContain('Shape      (not shown')
})
