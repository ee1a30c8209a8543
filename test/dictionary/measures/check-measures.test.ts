import { beforeAll, describe, expect, test } from 'vitest'
import { problemsOfMeasures } from '../../../src/dictionary/measures/check-measures.ts'
import type { Measure } from '../../../src/dictionary/measures/measure.ts'
import { measures } from '../../../src/dictionary/measures/measures.ts'
import { type Catalog, readCatalog } from '../../../src/dictionary/read-catalog.ts'
import { withDatabase } from '../../support/database.ts'
import { expectedMeasures } from './expected-measures.ts'

let catalog: Catalog
beforeAll(() =>
  withDatabase(async (db) => {
    catalog = await readCatalog(db)
  }),
)

test('every measure names marts, columns and measures that exist, of the types that it needs', () => {
  expect(problemsOfMeasures(measures, catalog)).toEqual([])
})

test('every measure has an expected answer of its own', () => {
  expect(measures.map(({ name }) => name).toSorted()).toEqual(Object.keys(expectedMeasures).sort())
})

const sound: Measure = {
  name: 'Open pipeline',
  folder: 'Pipeline',
  description: 'Value of the open deals.',
  question: 'How much is open?',
  mart: 'referral',
  formula: { kind: 'sum', column: 'deal_value_once_amount', where: { is_open: true } },
  format: 'amount',
  day: 'created_date',
  currency: 'currency_code',
}

describe('a measure that cannot be computed is refused by its name', () => {
  test('a sound measure is not refused', () => {
    expect(problemsOfMeasures([sound], catalog)).toEqual([])
  })

  test.each<[string, object, string]>([
    ['an unknown mart', { mart: 'referal' }, 'expected a mart, got referal'],
    [
      'an unknown column of its sum',
      { formula: { kind: 'sum', column: 'deal_worth_amount' } },
      'expected a column of mart.referral, got deal_worth_amount',
    ],
    [
      'an unknown column of a condition',
      { formula: { kind: 'rows', where: { is_opened: true } }, currency: undefined },
      'expected a column of mart.referral, got is_opened',
    ],
    [
      'a text where a flag is asked for',
      { formula: { kind: 'rows', where: { stage_label: true } }, currency: undefined },
      'expected a column of kind flag, got mart.referral.stage_label text',
    ],
    [
      'an instant where a day is asked for',
      { mart: 'load_status', formula: { kind: 'rows' }, currency: undefined, day: 'published_at' },
      'expected a column of kind day, got mart.load_status.published_at',
    ],
    [
      'a snapshot whose fiscal year is not there',
      { snapshot: 'expected_close_date' },
      'expected a column of mart.referral, got expected_close_fiscal_year',
    ],
    ['an unknown format', { format: 'euros' }, 'expected a known format, got euros'],
    ['an unknown folder', { folder: 'Sales' }, 'expected a known folder, got Sales'],
    ['an amount without its currency', { currency: undefined }, 'expected a currency beside'],
    [
      'a ratio of an unknown measure',
      {
        formula: { kind: 'ratio', above: 'Open pipeline', below: 'All pipeline' },
        currency: undefined,
      },
      'expected a measure, got All pipeline',
    ],
    ['no description', { description: '' }, 'expected a description'],
    ['no question', { question: 'How much is open' }, 'expected a question'],
  ])('a measure with %s is refused', (_, wrong, message) => {
    const problems = problemsOfMeasures([{ ...sound, ...wrong } as Measure], catalog)
    expect(problems.join('\n')).toContain(message)
    for (const problem of problems) expect(problem).toMatch(/^Open pipeline: /)
  })

  test('two measures of one name are refused', () => {
    expect(problemsOfMeasures([sound, sound], catalog)).toContain(
      'Open pipeline: expected a name of its own',
    )
  })
})
