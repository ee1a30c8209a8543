import { expect, test } from 'vitest'
import { contractExamples, edgeCaseExamples } from '../../src/dictionary/acv-examples.ts'

const examples = new Map(contractExamples().map((example) => [example.title, example]))

test.each([
  ['Three years', '12,000.00', '36', ['12,000.00', '12,000.00', '12,000.00']],
  [
    'The same three years, typed up to the anniversary',
    '12,000.00',
    '36',
    ['12,000.00', '12,000.00', '12,000.00'],
  ],
  ['Two and a half years', '20,000.00', '30', ['20,000.00', '20,000.00', '10,000.00']],
  [
    'Perpetual',
    '16,666.67',
    '72',
    ['16,666.67', '16,666.66', '16,666.67', '16,666.67', '16,666.66', '16,666.67'],
  ],
  ['Less than a year', '24,000.00', '6', ['24,000.00']],
  ['From a leap day', '10,000.00', '48', ['10,000.00', '10,000.00', '10,000.00', '10,000.00']],
  ['A currency without minor unit', '333,333', '36', ['333,333', '333,334', '333,333']],
])(
  'contractExamples: "%s" has the annual value %s over %s months',
  (title, acv, months, amounts) => {
    const example = examples.get(title)
    expect(example).toMatchObject({ acv, months })
    expect(example?.years.map(({ amount }) => amount)).toEqual(amounts)
  },
)

test('contractExamples has no example beside the tested ones', () => {
  expect([...examples.keys()]).toHaveLength(7)
})

test('the years of each contract example follow one another from its start to its last day', () => {
  for (const { start, lastDay, years } of examples.values()) {
    expect(years[0]?.start).toBe(start)
    expect(years.at(-1)?.end).toBe(lastDay)
  }
})

test('a contract example shorter than a year has a separate annualized amount', () => {
  expect(examples.get('Less than a year')).toMatchObject({
    acv: '24,000.00',
    annualized: '48,000.00',
    sum: '6 months are less than a year: the whole value, 24,000.00',
  })
})

test('edgeCaseExamples follow the ACV rule', () => {
  expect(edgeCaseExamples().map(({ status, acv }) => [status, acv])).toEqual([
    ['perpetual_no_start', '10,000.00'],
    ['ok', '10,000.00'],
    ['term_inferred', '30,000.00'],
    ['unknown_term', null],
    ['missing_end_date', null],
    ['missing_start_date', null],
    ['invalid_period', null],
    ['ok', '60,000.00'],
  ])
})
