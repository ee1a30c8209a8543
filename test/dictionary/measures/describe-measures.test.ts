import { beforeAll, expect, test } from 'vitest'
import { describeCatalog } from '../../../src/dictionary/describe-catalog.ts'
import {
  describeMeasures,
  type MeasureEntry,
} from '../../../src/dictionary/measures/describe-measures.ts'
import { measures } from '../../../src/dictionary/measures/measures.ts'
import { readCatalog } from '../../../src/dictionary/read-catalog.ts'
import { measuresPage } from '../../../src/dictionary/render/measures-page.ts'
import { withDatabase } from '../../support/database.ts'

let entries: Map<string, MeasureEntry>
let page: string
beforeAll(() =>
  withDatabase(async (db) => {
    const dax = new Map(measures.map(({ name }) => [name, `[${name}]`]))
    const folders = describeMeasures(measures, describeCatalog(await readCatalog(db)), dax)
    entries = new Map(
      folders.flatMap((folder) => folder.measures.map((measure) => [measure.name, measure])),
    )
    page = measuresPage(folders)
  }),
)

test('every measure is described in one folder, with the grain of its mart', () => {
  expect([...entries.keys()].toSorted()).toEqual(measures.map(({ name }) => name).toSorted())
  expect([...entries.values()].filter(({ grain }) => grain === '')).toEqual([])
})

test.each([
  ['Open deals', 'everything', []],
  ['Open pipeline', 'everything but currencies', ['currency_code']],
  [
    'Pipeline at month end',
    'everything but currencies and days',
    ['currency_code', 'snapshot_date'],
  ],
  ['Solution ACV in force, converted', 'everything but days', []],
  ['Median days to close', 'nothing', []],
  ['Referrals with findings', 'nothing', []],
  ['Win rate', 'nothing', []],
  ['Win rate by value', 'nothing', ['currency_code']],
])('%s adds up over %s and needs %j', (name, addsUpOver, needs) => {
  expect(entries.get(name)).toMatchObject({ addsUpOver, needs })
})

test('the page of measures has meaning, statement and expression of each', () => {
  expect(page.match(/^### /gm)).toHaveLength(measures.length)
  expect(page).toContain(
    [
      '### Open deals',
      '',
      'Number of open deals.  ',
      '**Mart:** `mart.referral`, one row per referral, everything about it in one flat row: the ' +
        'table for spreadsheets.  ',
      '**Format:** count  ',
      '**Adds up over:** everything  ',
      '**Day:** `expected_close_date`',
      '',
      '```sql',
      'select sum(deal_count) filter (where is_open)',
      'from mart.referral',
      '```',
      '',
      '```dax',
      '[Open deals]',
      '```',
    ].join('\n'),
  )
})
