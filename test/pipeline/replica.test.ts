import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { expect, test } from 'vitest'
import { run } from '../../src/pipeline/run.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import { copyText, readDumpedTables } from '../../src/warehouse/dump/dump-format.ts'
import { bringUpToDate } from '../../src/warehouse/migrate/migrate.ts'
import { withDatabase } from '../support/database.ts'
import { digestState } from '../support/digest.ts'
import { contextOf, withPipeline } from '../support/with-pipeline.ts'

/** Copies what logical replication copies: the rows of each table, and no sequence. */
async function replicate(from: Warehouse, to: Warehouse) {
  const tables = await readDumpedTables(from.query)
  const source = await from.pool.connect()
  const target = await to.pool.connect()
  try {
    await target.query(`truncate ${tables.map(({ table }) => table).join(', ')} cascade`)
    // As a subscriber applies rows: foreign keys were checked where they came from.
    await target.query("set session_replication_role = 'replica'")
    for (const table of tables) {
      const rows = source.query(copyTo(`${copyText(table)} to stdout`))
      await pipeline(rows, target.query(copyFrom(`${copyText(table)} from stdin`)))
    }
  } finally {
    source.release()
    target.release(true)
  }
}

test('a warehouse that logical replication copied goes on after its sequences are set', () =>
  withPipeline({ referrals: 60, seed: 7 }, async ({ sandbox, warehouse, db, run: load, home }) => {
    await load()
    const copied = await digestState(db)
    await withDatabase(async (replica, _, target) => {
      await replicate(warehouse, target)
      const { sequences } = await bringUpToDate(replica)
      expect(sequences).toEqual(
        expect.arrayContaining(['dw.dim_customer', 'dw.dim_referral', 'dw.dim_tag', 'etl.run']),
      )
      const context = contextOf(target, home, [], demoSettings(sandbox.url))
      expect(await run(context, true)).toMatchObject({ rows_written: 0 })
      expect(await digestState(replica)).toEqual(copied)
      sandbox.arrive(5)
      expect(await run(context, true)).toMatchObject({ seen: 65, changed: 5, quarantined: 0 })
    })
  }))
