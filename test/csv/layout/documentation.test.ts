import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { layouts } from '../../../src/csv/layout/layouts.ts'

const page = readFileSync(new URL('../../../docs/operations/import.md', import.meta.url), 'utf8')
const sections = page
  .split(/^### /m)
  .slice(1)
  .map((text) => ({
    title: text.slice(0, text.indexOf('\n')),
    rows: [...text.matchAll(/^\| (.+?) \| (.*?) \| .*? \| (.+?) \|$/gm)].slice(1),
  }))

/** Columns of a section with their properties and what becomes of a bad cell. */
function documented(title: string, isOf2021 = false) {
  const rows = sections.find((section) => section.title === title)?.rows ?? []
  return rows
    .filter(([, name = '']) => !isOf2021 || !name.endsWith(' *'))
    .map(([, name = '', properties = '', outcome]) => ({
      name: name.replace(/ \*$/, '').replace(/ 1, 2, …$/, ''),
      paths: properties === '' ? [] : properties.split(', '),
      outcome,
    }))
}

describe('the page about imports', () => {
  test.each([
    ['cosell_2023', 'Co-sell opportunities'],
    ['cosell_2021', 'Co-sell opportunities'],
    ['registrations', 'Azure IP co-sell deal registrations'],
    ['insights_cosell', 'Insights co-sell download'],
    ['insights_leads', 'Insights leads download'],
  ])('the page about imports has each column of %s with its outcome', (name, title) => {
    const columns = layouts.find((layout) => layout.name === name)?.columns ?? []
    expect(columns.length).toBeGreaterThan(0)
    const expected = columns.map(({ name, paths, isRequired }) => ({
      name,
      paths: paths.map((path) => `\`${path.replaceAll(/\.\d+/g, '[]')}\``),
      outcome: isRequired ? 'row quarantined' : 'loaded without',
    }))
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
    expect(documented(title, name === 'cosell_2021').sort(byName)).toEqual(expected.sort(byName))
  })
})
