import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { expect, test } from 'vitest'
import { rebuild } from '../../src/pipeline/rebuild.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import { bringUpToDate } from '../../src/warehouse/migrate/migrate.ts'
import { readCatalog } from '../support/catalog.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { digestState } from '../support/digest.ts'
import { migrateUpTo } from '../support/migrate-up-to.ts'
import { contextOf, withHome } from '../support/with-pipeline.ts'

/**
 * Rows that the first version with the squashed baseline loaded, in the schema of its last migration: 24
 * simulated referrals, then 9 and 6 of them changed. What migrations fill themselves is left out.
 */
const filled = new URL('../fixtures/warehouse-0019.copy', import.meta.url)

/** What a rebuild needs: its rows look the same in every version. */
const kept = ['pii.secret', 'dw.dim_partner_account', 'etl.run', 'raw.payload', 'pii.payload']

async function fill({ pool }: Warehouse, only?: readonly string[]) {
  const text = await readFile(filled, 'utf8')
  const client = await pool.connect()
  try {
    await client.query('truncate pii.secret')
    for (const block of text.split('\\.\n').filter((lines) => lines !== '')) {
      const [statement = ''] = block.split(';\n', 1)
      const [, table = ''] = statement.split(' ')
      if (only !== undefined && !only.includes(table)) continue
      const rows = Readable.from([block.slice(statement.length + 2)])
      await pipeline(rows, client.query(copyFrom(statement)))
    }
  } finally {
    client.release()
  }
}

test('a warehouse that the baseline filled becomes one that is made and filled anew', () =>
  withHome((home) =>
    withEmptyDatabase(async (old, _, oldWarehouse) => {
      await migrateUpTo(old, '0019')
      await fill(oldWarehouse)
      expect(await bringUpToDate(old)).toMatchObject({ lacking: [] })
      await rebuild(contextOf(oldWarehouse, home, [], {}))
      const upgraded = await digestState(old)
      await withDatabase(async (fresh, __, freshWarehouse) => {
        await fill(freshWarehouse, kept)
        await bringUpToDate(fresh)
        const built = await rebuild(contextOf(freshWarehouse, home, [], {}))
        expect(built).toMatchObject({ seen: 24, quarantined: 0 })
        expect(await readCatalog(fresh)).toEqual(await readCatalog(old))
        expect(await digestState(fresh)).toEqual(upgraded)
      })
    }),
  ))
