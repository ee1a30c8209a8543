import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { rebuild } from '../../../src/pipeline/rebuild.ts'
import { Simulation } from '../../../src/sandbox/population/simulation.ts'
import { countRows, digestRowVersions, digestState } from '../../support/digest.ts'
import { type ImportTest, withImport, writeFiles } from '../../support/import-files.ts'
import { failureOf } from '../../support/with-pipeline.ts'

const referrals = 40
const seed = 5

async function populate({ home }: ImportTest, folder = 'downloads', changes = 0) {
  const simulation = await Simulation.create(referrals, seed, 0)
  if (changes > 0) simulation.change(changes)
  const files = await writeFiles(path.join(home, folder), simulation.referrals())
  return { simulation, files }
}

describe('an import', () => {
  test('an import loads every referral of the files, and the same files again write no row', () =>
    withImport(async (test) => {
      const { simulation, files } = await populate(test)
      const first = await test.load(files)
      const ids = new Set(simulation.referrals().map(({ id }) => id))
      expect(first).toMatchObject({ quarantined: 0, waiting: 0, bad_cells: 0 })
      expect((await countRows(test.db, /^dw\.dim_referral$/))['dw.dim_referral']).toBe(ids.size)
      const before = await digestRowVersions(test.db)
      const again = await test.load([...files].reverse())
      expect(again).toMatchObject({ rows_written: 0, new_rows: 0, changed: 0 })
      expect(await digestRowVersions(test.db)).toEqual(before)
    }))

  test('a rebuild makes the same star of landed rows', () =>
    withImport(async (test) => {
      const { files } = await populate(test)
      await test.load(files)
      await test.load((await populate(test, 'later', 20)).files, { asOf: '2090-01-01' })
      const before = await digestState(test.db)
      expect(await rebuild(test.context)).toMatchObject({ rows_written: 0 })
      await sql`truncate dw.fact_referral, dw.fact_referral_history, dw.fact_registration`.execute(
        test.db,
      )
      await rebuild(test.context)
      expect(await digestState(test.db)).toEqual(before)
    }))

  test('an unknown file leaves nothing of any file', () =>
    withImport(async (test) => {
      const { files } = await populate(test)
      const odd = path.join(test.home, 'odd.csv')
      await writeFile(odd, 'Referral ID,Colour\r\n1,blue\r\n')
      const before = await countRows(test.db, /^(raw|pii|dw|etl)\./)
      const failure = await failureOf(test.load([...files, odd]))
      expect(failure).toMatchObject({ code: 'import.unknown_layout', exitCode: 65 })
      expect(await countRows(test.db, /^(raw|pii|dw|etl)\./)).toEqual(before)
    }))
})
