import { describe, expect, test } from 'vitest'
import {
  publishedTables,
  stageTables,
  surrogates,
  surrogatesOf,
} from '../../../src/load/staging/stage-tables.ts'
import { tables } from '../../../src/warehouse/tables.generated.ts'

describe('stage tables', () => {
  test('publishedTables has every staging table that is named like a table of dw or pii', () => {
    const twins = stageTables.flatMap((stage) => {
      const name = stage.slice('stg.'.length)
      return [`dw.${name}`, `pii.${name}`]
        .filter((target) => target in tables)
        .map((target) => ({ target, stage }))
    })
    const byStage = (a: { stage: string }, b: { stage: string }) => (a.stage < b.stage ? -1 : 1)
    expect([...publishedTables].sort(byStage)).toEqual(twins.sort(byStage))
  })

  test.each(publishedTables)(
    'surrogates has every key column of $target that is not staged',
    ({ target, stage }) => {
      const staged: readonly string[] = tables[stage].columns
      // PostgreSQL computes the keys of registrations and lines from others.
      const computed = ['registration_key', 'registration_line_key']
      const keys = tables[target].columns.filter(
        (column) => column.endsWith('_key') && !computed.includes(column),
      )
      const known: readonly string[] = surrogatesOf(target)
      expect(keys.filter((column) => !known.includes(column))).toEqual(
        keys.filter((column) => staged.includes(column)),
      )
    },
  )

  test.each(Object.entries(surrogates))('surrogate %s has columns of its dimension', (_, one) => {
    const columns: readonly string[] = tables[one.dimension].columns
    expect(columns).toEqual(expect.arrayContaining([one.key, ...Object.values(one.natural)]))
  })
})
