import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Measure, measureNamed } from '../../../src/dictionary/measures/measure.ts'
import { measureSource, measureSql } from '../../../src/dictionary/measures/measure-sql.ts'
import { type MeasureName, measures } from '../../../src/dictionary/measures/measures.ts'
import { answerOf } from '../../support/expected-marts.ts'
import { type MartsFixture, openMartsFixture } from '../../support/marts-fixture.ts'
import { expectedMeasures, hasFigure, plantFigures } from './expected-measures.ts'

let world: MartsFixture
beforeAll(async () => {
  world = await openMartsFixture()
  await plantFigures(world)
})
afterAll(() => world?.close())

/** As the oracle writes it: ratios with six decimals, an instant as seconds, hours that are over. */
function figureOf(measure: Measure): string {
  const value = measureSql(measure, measures)
  if (measure.formula.kind === 'ratio') return `round(${value}, 6)`
  if (measure.format === 'moment') return `floor(extract(epoch from ${value}))`
  return measure.format === 'hours' ? `floor(${value})` : value
}

const measureOf = (name: MeasureName) => measureSql(measureNamed(name, measures), measures)

describe('the SQL of a measure agrees with the payloads', () => {
  test.each(measures.map((measure) => [measure.name, measure] as const))(
    '%s',
    async (name, measure) => {
      const { by, among, expected } = expectedMeasures[name]
      const days = world.days.map((day) => `date '${day}'`).join(', ')
      const where = among === undefined ? '' : `where ${among.replace(':days', `array[${days}]`)}`
      const answer = await answerOf(
        world.db,
        sql.raw(
          `select ${by} as key, ${figureOf(measure)} as figure from ${measureSource(measure)} ` +
            `${where} group by ${by}`,
        ),
      )
      const lines = expected(world).filter((line) => hasFigure(line, measure))
      expect(lines.length).toBeGreaterThan(0)
      expect(answer.filter((line) => hasFigure(line, measure))).toEqual(lines)
    },
  )
})

const withGuard = measures.filter(
  ({ currency, snapshot }) => currency !== undefined || snapshot !== undefined,
)
test.each(withGuard.map((measure) => [measure.name, measure] as const))(
  '%s is empty over several currencies or snapshot days',
  async (_, measure) => {
    const bounds = measure.snapshot === undefined ? '' : `where snapshot_date >= '${world.days[0]}'`
    const { rows } = await sql<{ value: string | null }>`
      select ${sql.raw(measureSql(measure, measures))} as value
      from ${sql.raw(measureSource(measure))} ${sql.raw(bounds)}`.execute(world.db)
    expect(rows).toEqual([{ value: null }])
  },
)

test('a quarter that lost deals and won none has a win rate of zero', async () => {
  const trial = world.db.transaction().execute(async (trx) => {
    // The first quarter of FY10 is before all that the sandbox invents.
    const { rows: lost } = await sql<{ key: string }>`
        update dw.fact_referral set closed_date = '2009-08-01'
        where referral_key in (
          select referral_key from mart.referral
          where is_decided and not is_won and deal_count = 1 order by referral_key limit 2)
        returning referral_key as key`.execute(trx)
    expect(lost).toHaveLength(2)
    const figure = (name: MeasureName) => sql.raw(measureOf(name))
    const { rows } = await sql`
        select coalesce(${figure('Won deals')}, 0)::text as won,
          ${figure('Decided deals')}::text as decided, round(${figure('Win rate')})::text as rate
        from mart.referral where closed_date = '2009-08-01'`.execute(trx)
    expect(rows).toEqual([{ won: '0', decided: '2', rate: '0' }])
    throw new Error('rolled back')
  })
  await expect(trial).rejects.toThrow('rolled back')
})

test('a deal that was open on the older of two days alone is in no figure over both', async () => {
  const { rows } = await sql<{ open_days: string; value: string | null }>`
    select count(distinct snapshot_date) filter (where is_open) as open_days,
      ${sql.raw(measureOf('Open deals on a day'))} as value
    from mart.pipeline_as_of
    where snapshot_date = any(${world.days}::date[])
    group by referral_key
    having count(distinct snapshot_date) > 1`.execute(world.db)
  expect(rows.filter(({ open_days }) => Number(open_days) === 1).length).toBeGreaterThan(0)
  expect(rows.filter(({ value }) => value !== null)).toEqual([])
})
