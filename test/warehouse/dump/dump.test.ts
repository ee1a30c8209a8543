import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { run } from '../../../src/pipeline/run.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { restoreDump } from '../../../src/warehouse/dump/restore-dump.ts'
import { writeDump } from '../../../src/warehouse/dump/write-dump.ts'
import { withDatabase } from '../../support/database.ts'
import { countRows, digestState } from '../../support/digest.ts'
import { failureOf } from '../../support/load-referrals.ts'
import { contextOf, withHome, withPipeline } from '../../support/with-pipeline.ts'

const quietly = () => undefined

describe('writeDump and restoreDump', () => {
  test('a dump restores every row, and the next run writes 0 rows and goes on', () =>
    withPipeline({ referrals: 60, seed: 5, broken: 1 }, async (nights) => {
      const { sandbox, warehouse, db, home } = nights
      await nights.run()
      sandbox.change(12)
      await nights.run()
      const file = path.join(home, 'cosell.dump')
      const dumped = await writeDump(warehouse, file, quietly)
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      await withDatabase(async (other, _, target) => {
        expect(await restoreDump(target, file, quietly)).toEqual(dumped)
        expect(await countRows(other, /^(etl|raw|pii|dw)\./)).toEqual(
          await countRows(db, /^(etl|raw|pii|dw)\./),
        )
        expect(await digestState(other)).toEqual(await digestState(db))
        const context = contextOf(target, home, [], demoSettings(sandbox.url))
        expect(await run(context, true)).toMatchObject({ rows_written: 0 })
        sandbox.arrive(3)
        expect(await run(context, true)).toMatchObject({ changed: 3, seen: 63 })
      })
    }))

  test('a dump goes into no warehouse that has been loaded', () =>
    withPipeline({ referrals: 10, seed: 5 }, async ({ warehouse, db, home, run: load }) => {
      await load()
      const file = path.join(home, 'cosell.dump')
      await writeDump(warehouse, file, quietly)
      const before = await digestState(db)
      expect(await failureOf(restoreDump(warehouse, file, quietly))).toMatchObject({
        code: 'warehouse.not_empty',
        message: expect.stringContaining('got one with accounts and runs'),
      })
      expect(await digestState(db)).toEqual(before)
    }))

  test('a dump that is cut off, altered or of another schema restores nothing', () =>
    withHome((home) =>
      withDatabase(async (db, _, warehouse) => {
        const file = path.join(home, 'cosell.dump')
        await writeDump(warehouse, file, quietly)
        const whole = await readFile(file)
        const text = gunzipSync(whole).toString('utf8')
        const before = await digestState(db)
        const altered: [string, Uint8Array, string][] = [
          ['nothing', Buffer.alloc(0), 'dump_unreadable'],
          ['no gzip', Buffer.from(text), 'dump_unreadable'],
          ['half of the file', whole.subarray(0, whole.length / 2), 'dump_unreadable'],
          ['no last byte', whole.subarray(0, -1), 'dump_unreadable'],
          ['no trailer', gzipSync(text.slice(0, text.lastIndexOf('{'))), 'dump_unreadable'],
          ['a row less', gzipSync(text.replace(/^USD\t.*\n/m, '')), 'dump_unreadable'],
          [
            'another table',
            gzipSync(text.replace('copy dw.dim_tag', 'copy pg_catalog.pg_authid')),
            'dump_unreadable',
          ],
          ['a migration less', gzipSync(text.replace('"0001_schemas",', '')), 'dump_schema'],
        ]
        for (const [what, bytes, code] of altered) {
          await writeFile(file, bytes)
          const failure = await failureOf(restoreDump(warehouse, file, quietly))
          expect(failure, what).toMatchObject({ code: `warehouse.${code}` })
        }
        expect(await failureOf(restoreDump(warehouse, `${file}.gone`, quietly))).toMatchObject({
          code: 'warehouse.dump_unreadable',
        })
        expect(await digestState(db)).toEqual(before)
        const left = await sql<{ setting: string }>`
          select current_setting('session_replication_role') as setting`.execute(db)
        expect(left.rows).toEqual([{ setting: 'origin' }])
      }),
    ))

  test('a dump is not written where it cannot be, and leaves nothing there', () =>
    withHome((home) =>
      withDatabase(async (_, __, warehouse) => {
        const file = path.join(home, 'no', 'folder', 'cosell.dump')
        expect(await failureOf(writeDump(warehouse, file, quietly))).toMatchObject({
          code: 'warehouse.dump_not_written',
          message: expect.stringContaining(file),
        })
        // The connection is fit for use.
        await writeDump(warehouse, path.join(home, 'cosell.dump'), quietly)
      }),
    ))
})
