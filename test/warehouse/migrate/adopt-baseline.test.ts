import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { deriveWarehouse } from '../../../scripts/generate-tables.ts'
import {
  baselineUpgrade,
  namesBeforeBaseline,
} from '../../../src/warehouse/migrate/adopt-baseline.ts'
import { bringUpToDate, compareSchema } from '../../../src/warehouse/migrate/migrate.ts'
import { migrationsFolder } from '../../../src/warehouse/sql-folder.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { readCatalog } from '../../support/catalog.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'

/** Migrations after the baseline, which every database gets. */
const later = (await readdir(migrationsFolder))
  .map((file) => file.replace(/\.sql$/, ''))
  .filter((name) => name > '0017')
  .sort()

/** Runs `use` on a database with the names, values and ledger of one from before the baseline. */
async function withOld<T>(
  use: (db: Kysely<Database>) => Promise<T>,
  names = namesBeforeBaseline,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-baseline-'))
  try {
    await cp(migrationsFolder, folder, { recursive: true })
    for (const name of later) await rm(path.join(folder, `${name}.sql`))
    return await withEmptyDatabase(async (db) => {
      // Without views: ours read columns of later migrations.
      await bringUpToDate(db, { folder })
      await makeOld(db, names)
      return use(db)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function makeOld(db: Kysely<Database>, names: readonly string[]): Promise<void> {
  await sql
    .raw(`
      alter table etl.run rename column is_complete to is_complete_sweep;
      alter table etl.run rename column referral_quarantined_count to referral_rejected_count;
      alter table etl.extract_window rename column resume_at to next_link;
      alter table etl.principal_referral rename constraint principal_referral_pkey to sight_pkey;
      alter table etl.principal_referral rename to sight;
      alter table stg.listed_referral rename to seen;
      update etl.setting set setting_name = 'full_sweep_days_max', setting_value = '30'
        where setting_name = 'full_read_days_max';
      insert into etl.quarantine values
        (1, 'referral', 'r-1', 1, 'refused_by_database', '', 'expected a date', 1, 1, 1, null);
      insert into etl.dq_finding values
        (1, 'r-1', 'principal_sees_less', '', 'warn', null, null, 1, 1);
      insert into stg.seen values (1, 1, 'r-1');
      comment on column etl.run.run_mode is 'A comment of an older version.';
      comment on column dw.dim_referral.referral_name is 'A comment of an older version.';
      delete from etl.migration;
    `)
    .execute(db)
  await sql`
    insert into etl.migration select name, '2026-01-01T00:00:00Z' from unnest(${names}::text[]) name
  `.execute(db)
}

const ledgerOf = async (db: Kysely<Database>) =>
  (await sql<{ name: string }>`select name from etl.migration order by name`.execute(db)).rows

const fromCatalogOf = <T>(read: (db: Kysely<Database>) => Promise<T>) => withDatabase(read)

describe('adoptBaseline', () => {
  test('migrate turns a database from before the baseline into one equal to a fresh one', async () => {
    const [fresh, ledger] = [await fromCatalogOf(readCatalog), await fromCatalogOf(ledgerOf)]
    await withOld(async (db) => {
      expect(await readCatalog(db)).not.toEqual(fresh)
      const applied = [baselineUpgrade, ...later]
      expect(await bringUpToDate(db)).toMatchObject({ applied, lacking: [] })
      expect(await readCatalog(db)).toEqual(fresh)
      expect(await ledgerOf(db)).toEqual(ledger)
      expect(await bringUpToDate(db)).toEqual({
        applied: [],
        views: [],
        sequences: [],
        lacking: [],
      })
    })
  })

  test('the upgrade to the baseline keeps rows and settings, and renames their codes', () =>
    withOld(async (db) => {
      await bringUpToDate(db)
      expect(
        await db
          .selectFrom('etl.setting')
          .select('setting_value')
          .where('setting_name', '=', 'full_read_days_max')
          .execute(),
      ).toEqual([{ setting_value: '30' }])
      expect(await db.selectFrom('etl.quarantine').select('reason_code').execute()).toEqual([
        { reason_code: 'rejected_by_database' },
      ])
      expect(await db.selectFrom('dw.fact_finding').select('rule_code').execute()).toEqual([
        { rule_code: 'principal_sees_fewer' },
      ])
      expect(await db.selectFrom('stg.listed_referral').selectAll().execute()).toEqual([
        {
          ...{ partner_account_key: 1, run_id: 1, resource_id: 'r-1' },
          ...{ window_no: 0, page_no: 0, row_no: 1 },
        },
      ])
    }))

  test('the upgrade to the baseline is pending until migrate, and then applied once', () =>
    withOld(async (db) => {
      expect((await compareSchema(db)).pending).toEqual([baselineUpgrade])
      const changes = await Promise.all([bringUpToDate(db), bringUpToDate(db), bringUpToDate(db)])
      const applied = changes.flatMap((change) => change.applied)
      expect(applied.sort()).toEqual([...later, baselineUpgrade])
      expect((await compareSchema(db)).pending).toEqual([])
    }))

  test('migrate refuses a database with only some migrations from before the baseline', () =>
    withOld(
      async (db) => {
        const refused = {
          kind: 'configuration',
          code: 'migrate.before_baseline',
          message: expect.stringMatching(
            /got 26 up to 0026_views\. .*version that made the database/,
          ),
        }
        await expect(bringUpToDate(db)).rejects.toMatchObject(refused)
        await expect(compareSchema(db)).rejects.toMatchObject(refused)
      },
      namesBeforeBaseline.slice(0, 26),
    ))

  test('the upgrade to the baseline fails for a login without rights to the schemas', () =>
    withOld(async (db) => {
      await sql`create role baseline_loader in role cosell_loader`.execute(db)
      try {
        await db.connection().execute(async (session) => {
          await sql`set role baseline_loader`.execute(session)
          await expect(bringUpToDate(session)).rejects.toMatchObject({
            kind: 'configuration',
            code: 'migrate.not_owner',
            message: expect.stringContaining('Let a member of cosell_owner'),
          })
          await sql`reset role`.execute(session)
        })
        expect((await compareSchema(db)).pending).toEqual([baselineUpgrade])
      } finally {
        await sql`drop role baseline_loader`.execute(db)
      }
    }))

  test('the tables of an upgraded database are those of tables.generated.ts', async () => {
    const fresh = await fromCatalogOf(deriveWarehouse)
    await withOld(async (db) => {
      await bringUpToDate(db)
      expect(await deriveWarehouse(db)).toBe(fresh)
    })
  })
})
