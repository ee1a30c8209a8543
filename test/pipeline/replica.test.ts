import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { expect, test } from 'vitest'
import { run } from '../../src/pipeline/run.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import { bringUpToDate } from '../../src/warehouse/migrate/migrate.ts'
import { tables } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { digestState } from '../support/digest.ts'
import { contextOf, withPipeline } from '../support/with-pipeline.ts'

/** Copies what logical replication copies: the rows of each table, and no sequence. */
async function replicate(from: Warehouse, to: Warehouse) {
  const source = await from.pool.connect()
  const target = await to.pool.connect()
  const names = Object.keys(tables).filter((name) => /^(etl|raw|pii|dw)\./.test(name))
  try {
    await target.query(`truncate ${names.join(', ')} cascade`)
    // As a subscriber applies rows: foreign keys were checked where they came from.
    await target.query("set session_replication_role = 'replica'")
    for (const name of names) {
      const columns = await storedColumns(from, name)
      const rows = source.query(copyTo(`copy ${name} (${columns}) to stdout`))
      await pipeline(rows, target.query(copyFrom(`copy ${name} (${columns}) from stdin`)))
    }
  } finally {
    source.release()
    target.release(true)
  }
}

async function storedColumns({ query }: Warehouse, table: string): Promise<string> {
  const { rows } = await sql<{ columns: string }>`
    select string_agg(quote_ident(attname), ', ' order by attnum) as columns
    from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''
    `.execute(query)
  return rows[0]?.columns ?? ''
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
