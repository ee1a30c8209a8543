import { describe, expect, test } from 'vitest'
import { cellText } from '../../../src/open/lists/csv.ts'

describe('a cell of a file for spreadsheets', () => {
  test.each([
    {
      cell: '=HYPERLINK("http://example.com")',
      kind: 'text',
      text: `"'=HYPERLINK(""http://example.com"")"`,
    },
    { cell: '+49 30', kind: 'text', text: "'+49 30" },
    { cell: '-1', kind: 'text', text: "'-1" },
    { cell: '@SUM(A1)', kind: 'text', text: "'@SUM(A1)" },
    { cell: '\t=1', kind: 'text', text: "'\t'=1" },
    { cell: 'x;=1', kind: 'text', text: "x;'=1" },
    { cell: 'x\t@A1', kind: 'text', text: "x\t'@A1" },
    { cell: 'x;"=1"', kind: 'text', text: `"x;'""=1"""` },
    { cell: 'x\n=1', kind: 'text', text: `"x\n'=1"` },
    { cell: 'a=b; c', kind: 'text', text: 'a=b; c' },
    { cell: '-12.5000', kind: 'amount', text: '-12.5000' },
    { cell: 'Contoso, Ltd', kind: 'text', text: '"Contoso, Ltd"' },
    { cell: 'two\nlines', kind: 'text', text: '"two\nlines"' },
    { cell: '', kind: 'text', text: '""' },
    { cell: null, kind: 'text', text: '' },
    { cell: true, kind: 'flag', text: 'true' },
  ] as const)('$cell of kind $kind is written as $text', ({ cell, kind, text }) => {
    expect(cellText(cell, kind)).toBe(text)
  })
})
