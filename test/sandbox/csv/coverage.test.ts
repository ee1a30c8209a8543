import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { usualConvention } from '../../../src/sandbox/csv/cell/annual-value.ts'
import type { Column, Layout } from '../../../src/sandbox/csv/layout/column.ts'
import { layouts } from '../../../src/sandbox/csv/layout/layouts.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { coverageTable, extentOf, notShown, propertiesOf, unshownList } from './coverage.ts'
import { aPopulation } from './population.ts'

const referrals = aPopulation(2000)
const properties = propertiesOf(referrals)
const propertiesByReferral = new Map(referrals.map((each) => [each, new Set(propertiesOf([each]))]))
/** Referrals that are altered for one property; a column reacts to each of them or to none. */
const samples = 4

/** Returns the referral with another value at a property, in the entry of each list that is given. */
function altered(referral: Referral, property: string, entry: number): Referral | null {
  const copy = structuredClone(referral)
  const keys = property.replaceAll('[]', `.${entry}`).split('.')
  let parent: unknown = copy
  for (const key of keys.slice(0, -1)) parent = (parent as Record<string, unknown>)?.[key]
  const last = keys.at(-1) ?? ''
  const value = (parent as Record<string, unknown> | null | undefined)?.[last]
  if (value == null || value === '') return null
  ;(parent as Record<string, unknown>)[last] = another(value)
  return copy
}

function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  const ms = /^\d{4}-\d\d-\d\dT/.test(String(value)) ? Date.parse(String(value)) : Number.NaN
  if (!Number.isNaN(ms)) return new Date(ms + 40 * 86_400_000).toISOString()
  return value === 'Direct' ? 'MarketingQualified' : `${value}7`
}

/** Returns the columns that claim to show something and whose cells change with a property. */
function reacting(layout: Layout, property: string, entry: number): Set<Column> {
  const found = new Set<Column>()
  let tried = 0
  for (const referral of referrals) {
    const isSample = propertiesByReferral.get(referral)?.has(property) && layout.includes(referral)
    const other = isSample && tried < samples ? altered(referral, property, entry) : null
    if (other === null) continue
    tried += 1
    for (const column of layout.columns) {
      if (found.has(column) || Object.keys(column.shows).length === 0) continue
      const [before, after] = [referral, other].map((each) =>
        column.cells({ referral: each, microsoft: undefined, convention: usualConvention }),
      )
      if (JSON.stringify(before) !== JSON.stringify(after)) found.add(column)
    }
  }
  return found
}

describe('the columns of a file', () => {
  test.each(layouts.map((layout) => [layout.title, layout] as const))(
    'cells of %s change with the properties that they show',
    (_, layout) => {
      for (const property of properties.filter((each) => extentOf(layout, each) !== null)) {
        const extent = extentOf(layout, property)
        if (extent === 'some') continue
        const showing = layout.columns.filter(({ shows }) => property in shows)
        const first = reacting(layout, property, 0)
        for (const column of showing) expect(first, `${column.name}: ${property}`).toContain(column)
        if (extent !== 'first') continue
        expect([...reacting(layout, property, 1)], property).toEqual([])
      }
    },
  )

  test.each(layouts.map((layout) => [layout.title, layout] as const))(
    'cells of %s stay as they are when a property changes that they do not show',
    (_, layout) => {
      for (const property of notShown(layout, properties)) {
        // Whether a number applies follows from the type, which no cell names.
        if (property === 'type') continue
        const names = [...reacting(layout, property, 0)].map(({ name }) => name)
        expect(names, property).toEqual([])
      }
    },
  )
})

describe('the page of what the files cannot tell', () => {
  const page = readFileSync(
    new URL('../../../docs/concepts/what-the-files-cannot-tell.md', import.meta.url),
    'utf8',
  )

  test('the page lists the properties that no file shows', () => {
    expect(page).toContain(`\n${unshownList(layouts, properties)}\n`)
  })

  test('the page has the table of what each file shows', () => {
    expect(page).toContain(`\n${coverageTable(layouts, properties)}\n`)
  })
})

test('the properties of a referral are its leaves with a value', () => {
  const referral: Referral = {
    id: '1',
    name: null,
    team: [{ email: 'ada@example.com' }, { title: '' }],
    registrations: [],
  }
  expect(propertiesOf([referral])).toEqual(['id', 'team[].email', 'team[].title'])
})
