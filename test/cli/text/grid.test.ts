import { describe, expect, test } from 'vitest'
import { renderGrid } from '../../../src/cli/text/grid.ts'

describe('a table of the terminal', () => {
  test('columns are as wide as their widest cell, however many rows there are', () => {
    const rows = Array.from({ length: 400_000 }, (_, index) => [String(index), 'a'])
    const lines = renderGrid(['n', 'text'], rows).split('\n')
    expect(lines).toHaveLength(400_001)
    expect([lines[0], lines[1], lines.at(-1)]).toEqual(['     n  text', '     0  a', '399999  a'])
  })
})
