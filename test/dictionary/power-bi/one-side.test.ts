import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeCatalog } from '../../../src/dictionary/describe-catalog.ts'
import { measures } from '../../../src/dictionary/measures/measures.ts'
import { powerBiModel } from '../../../src/dictionary/power-bi/model.ts'
import { readCatalog } from '../../../src/dictionary/read-catalog.ts'
import { type MartsFixture, openMartsFixture } from '../../support/marts-fixture.ts'

let world: MartsFixture
beforeAll(async () => {
  world = await openMartsFixture()
})
afterAll(() => world?.close())

test('the column that a relationship leads to is unique and never missing, without which a refresh fails', async () => {
  const { ways, tables } = powerBiModel(describeCatalog(await readCatalog(world.db)), measures)
  const targets = new Set(
    ways.map(({ to, toColumn }) => {
      const schema = tables.find(({ name }) => name === to)?.schema
      return `${schema}.${to}.${toColumn}`
    }),
  )
  expect(targets).toContain('mart.referral.referral_key')
  const repeated: string[] = []
  for (const target of targets) {
    const [schema, table, column = ''] = target.split('.')
    const { rows } = await sql<{ count: number; different: number }>`
      select count(*) as count, count(distinct ${sql.ref(column)}) as different
      from ${sql.table(`${schema}.${table}`)}`.execute(world.db)
    expect(rows[0]?.count, target).toBeGreaterThan(0)
    if (rows[0]?.count !== rows[0]?.different) repeated.push(target)
  }
  expect(repeated).toEqual([])
})
