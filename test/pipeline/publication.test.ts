import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { checkLeftovers } from '../../src/doctor/leftover-checks.ts'
import { backfill } from '../../src/pipeline/backfill/backfill.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import { countRows } from '../support/digest.ts'
import { contextOf, type TestPipeline, withPipeline } from '../support/with-pipeline.ts'

const population = { referrals: 20, seed: 3 }

const publishAll = ({ db }: TestPipeline) =>
  sql`create publication everything for all tables`.execute(db)

const stagedRows = async ({ db }: TestPipeline) =>
  Object.entries(await countRows(db, /^stg\./)).filter(([, rows]) => rows > 0)

const notRemoved = ({ logged }: TestPipeline) =>
  logged.map((line) => JSON.parse(line)).filter(({ msg }) => /not removed/.test(msg))

describe('loads under a publication for all tables', () => {
  test('every kind of load changes, deletes and cleans up as without a publication', () =>
    withPipeline(population, async (nights) => {
      const { sandbox, warehouse, home } = nights
      await nights.run()
      await publishAll(nights)
      await nights.run(true)
      sandbox.vanish(2)
      sandbox.change(8)
      await nights.run(true)
      await nights.rebuild()
      const context = contextOf(warehouse, home, [], demoSettings(sandbox.url))
      await backfill(context, { from: '2026-01-01', to: '2026-02-01' }, { pauseMs: 0 })
      expect(await stagedRows(nights)).toEqual([])
      expect(notRemoved(nights)).toEqual([])
      expect(await checkLeftovers(nights.db)).toMatchObject({ status: 'ok' })
    }))

  test('a list that PostgreSQL does not let go is logged and shown by doctor, and the run is published', () =>
    withPipeline(population, async (nights) => {
      const { db } = nights
      await sql`alter table stg.listed_referral drop constraint listed_referral_pkey`.execute(db)
      await publishAll(nights)
      expect(await nights.run()).toMatchObject({ status: 'published' })
      expect(notRemoved(nights)).toMatchObject([
        {
          level: 40,
          what: 'the list of referrals read',
          reason: expect.stringMatching(/replica identity/),
        },
      ])
      expect(await checkLeftovers(db)).toMatchObject({
        status: 'warn',
        detail: 'runs that are over have left 20 rows in stg.listed_referral (demo)',
        remedy: expect.stringContaining('not removed'),
      })
      await sql`alter table stg.listed_referral replica identity full`.execute(db)
      await nights.run()
      expect(await checkLeftovers(db)).toMatchObject({ status: 'ok' })
    }))
})
