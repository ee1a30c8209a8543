import { expect, test } from 'vitest'
import { readReference } from '../../../src/load/runs/reference.ts'
import { parseSettings } from '../../../src/load/runs/settings.ts'
import { withDatabase } from '../../support/database.ts'

test('a migrated warehouse has every setting that loading uses', () =>
  withDatabase(async (db) => {
    const { settings } = await readReference(db)
    expect(settings).toMatchObject({ calendarDateRule: 'nearest_midnight', quarantineCountMax: 10 })
    expect(Object.values(settings)).not.toContain(undefined)
  }))

test.each([
  { name: 'missing_percent_max', value: undefined, says: 'no row' },
  { name: 'missing_percent_max', value: 'five', says: 'a number' },
  { name: 'missing_percent_max', value: '-5', says: 'a number' },
  { name: 'calendar_date_rule', value: 'local', says: 'nearest_midnight or utc' },
])('parseSettings rejects etl.setting $name = $value with its name', ({ name, value, says }) =>
  withDatabase(async (db) => {
    const rows = await db.selectFrom('etl.setting').selectAll().execute()
    const settings = new Map(rows.map((row) => [row.setting_name, row.setting_value]))
    if (value === undefined) settings.delete(name)
    else settings.set(name, value)
    expect(() => parseSettings(settings)).toThrow(new RegExp(`${name}: expected.*${says}`))
  }),
)
