import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { type ExportRequest, exportTables } from '../../src/export/export-tables.ts'
import type { Manifest } from '../../src/export/manifest.ts'
import { createLog } from '../../src/log.ts'
import type { Kysely } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { asLogin } from '../support/database-logins.ts'
import { untilWaiting } from '../support/load-referrals.ts'
import { loadOnce } from '../support/report-warehouse.ts'
import { failureOf, withHome, withPipeline } from '../support/with-pipeline.ts'

const pipeline = loadOnce({ referrals: 150, seed: 5 })
const log = createLog({ isTerminal: false, write: () => undefined })

/** Exports into a folder of `home`, CSV of everything as the login itself unless told otherwise. */
function exporting(
  db: Kysely<Database>,
  home: string,
  request: Partial<ExportRequest> = {},
  signal = new AbortController().signal,
): Promise<Manifest> {
  const usual = { format: 'csv', tables: [], withPeople: false } as const
  const none = { account: undefined, since: undefined, role: undefined }
  const folder = path.join(home, 'lake')
  return exportTables(db, { folder, ...usual, ...none, ...request }, log, signal)
}

/** Records of one exported CSV file, as text. */
async function recordsOf(home: string, table: string): Promise<Record<string, string>[]> {
  return parse(await readFile(path.join(home, 'lake', `${table}.csv`)), { columns: true })
}

/** The only file of a manifest. */
function onlyFile({ files }: Manifest) {
  const [file, ...others] = files
  if (file === undefined || others.length > 0) throw new Error(`${files.length} files`)
  return file
}

describe('exportTables', () => {
  test('every mart is a file but bi_access and pipeline_as_of, empty ones too, with rows and sums as in SQL', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const { files } = await exporting(db, home)
      const { rows: views } = await sql<{ name: string }>`
        select 'mart.' || viewname as name from pg_views where schemaname = 'mart'
        order by viewname collate "C"`.execute(db)
      const expected = views
        .map(({ name }) => name)
        .filter((name) => !['mart.bi_access', 'mart.pipeline_as_of'].includes(name))
      expect(files.map(({ table }) => table)).toEqual(expected)
      expect(files.filter(({ rows }) => rows === 0).length).toBeGreaterThan(0)
      let sums = 0
      for (const file of files) {
        const { rows } = await sql<{ count: number }>`
          select count(*) from ${sql.table(file.table)}`.execute(db)
        expect(file.rows, file.table).toBe(rows[0]?.count)
        for (const [name, sum] of Object.entries(file.sums)) {
          if (name === 'age_hours') continue
          const found = await sql<{ sum: string | null }>`
            select sum(${sql.ref(name)}) as sum from ${sql.table(file.table)}`.execute(db)
          expect(sum, `${file.table}.${name}`).toBe(found.rows[0]?.sum)
          sums += 1
        }
      }
      expect(sums).toBeGreaterThan(80)
      expect((await readdir(path.join(home, 'lake'))).sort()).toEqual(
        [...files.map(({ file }) => file), 'manifest.json'].sort(),
      )
    }))

  test('mart.referral.csv holds each row as the driver reads it', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const file = onlyFile(await exporting(db, home, { tables: ['referral'] }))
      expect(file).toMatchObject({ file: 'mart.referral.csv', table: 'mart.referral' })
      const { rows } = await sql<Record<string, unknown>>`
        select * from mart.referral`.execute(db)
      const byKey = (list: Record<string, string>[]) =>
        list.toSorted((a, b) => Number(a.referral_key) - Number(b.referral_key))
      const expected = rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value ?? '')])),
      )
      expect(byKey(await recordsOf(home, 'mart.referral'))).toEqual(byKey(expected))
    }))

  test('the manifest has the run and the watermark of each account, types and hash', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const manifest = await exporting(db, home, { tables: ['mart.win_rate'], format: 'parquet' })
      const stored = JSON.parse(await readFile(path.join(home, 'lake/manifest.json'), 'utf8'))
      expect(stored).toEqual(manifest)
      const { rows } = await sql<Record<string, unknown>>`
        select run_id, published_at, watermark_to as watermark from etl.run`.execute(db)
      expect(manifest).toMatchObject({ format: 'parquet', account: null, since: null })
      expect(manifest.accounts).toEqual([{ account: 'demo', ...rows[0] }])
      const file = onlyFile(manifest)
      expect(file.sha256).toMatch(/^[0-9a-f]{64}$/)
      const types = await sql<{ name: string; type: string }>`
        select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = 'mart.win_rate'::regclass and attnum > 0 order by attnum`.execute(db)
      expect(file.columns).toEqual(types.rows)
    }))

  test('pipeline_as_of is exported when it is named', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const { rows } = onlyFile(await exporting(db, home, { tables: ['pipeline_as_of'] }))
      const found = await sql<{ count: number }>`
        select count(*) from mart.pipeline_as_of`.execute(db)
      expect(rows).toBe(found.rows[0]?.count)
    }))

  test('marts of referrals have those changed since a day alone, and others are whole', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const since = '2026-06-01'
      const tables = ['referral', 'registration', 'win_rate']
      const { files } = await exporting(db, home, { tables, since })
      expect(files.map(({ table, is_whole }) => [table, is_whole])).toEqual([
        ['mart.referral', false],
        ['mart.registration', false],
        ['mart.win_rate', true],
      ])
      const { rows } = await sql<{ referral_id: string }>`
        select referral_id from dw.dim_referral
        join dw.fact_referral fact using (referral_key)
        where fact.updated_at >= '2026-06-01 00:00+00'`.execute(db)
      const ids = (await recordsOf(home, 'mart.referral')).map(({ referral_id }) => referral_id)
      expect(ids.sort()).toEqual(rows.map(({ referral_id }) => referral_id).sort())
      expect(ids.length).toBeGreaterThan(0)
      expect(ids.length).toBeLessThan(150)
    }))

  test('the export of one account has no row of another', () =>
    withPipeline({ referrals: 40 }, async ({ db, run, home }) => {
      await run()
      await sql`insert into dw.dim_partner_account
        (partner_account_key, account_code, account_name, is_active, created_at)
        values (99, 'empty', 'empty', true, now())`.execute(db)
      const tables = ['referral', 'load_status', 'documented_value']
      const { files, accounts } = await exporting(db, home, { tables, account: 'empty' })
      const rows = Object.fromEntries(files.map((file) => [file.table, file.rows]))
      expect(rows).toMatchObject({ 'mart.referral': 0, 'mart.load_status': 1 })
      expect(rows['mart.documented_value']).toBeGreaterThan(0)
      expect(accounts).toEqual([
        { account: 'empty', run_id: null, published_at: null, watermark: null },
      ])
      const loaded = await exporting(db, home, { tables: ['referral'], account: 'demo' })
      expect(onlyFile(loaded).rows).toBe(40)
    }))

  test('all files are of one snapshot, also when a publish commits between two of them', () =>
    withPipeline({ referrals: 60, seed: 5 }, async ({ db, run, home, warehouse }) => {
      await run()
      const sumOf = async (table: string, column: string) => {
        const { rows } = await sql<{ sum: string }>`
          select sum(${sql.ref(column)}) as sum from ${sql.table(table)}`.execute(db)
        return rows[0]?.sum
      }
      const before = await sumOf('mart.registration', 'contract_value_amount')
      let exported: Promise<Manifest> | undefined
      // The first mart waits for a table that the second one does not read.
      await db.transaction().execute(async (holding) => {
        await sql`lock table dw.dim_engagement in access exclusive mode`.execute(holding)
        exported = exporting(db, home, { tables: ['referral', 'registration'] })
        await untilWaiting(warehouse, 1)
        await sql`update dw.fact_registration set contract_value_amount = contract_value_amount + 1`.execute(
          db,
        )
      })
      const manifest = await exported
      expect(manifest?.files[1]?.sums.contract_value_amount).toBe(before)
      expect(await sumOf('mart.registration', 'contract_value_amount')).not.toBe(before)
    }))

  test('files of an earlier export are replaced together, and files of others stay', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const folder = path.join(home, 'lake')
      await mkdir(folder)
      await writeFile(path.join(folder, 'mart.win_rate.csv'), 'old')
      await writeFile(path.join(folder, 'notes.txt'), 'mine')
      await exporting(db, home, { tables: ['win_rate'] })
      expect((await readdir(folder)).sort()).toEqual([
        'manifest.json',
        'mart.win_rate.csv',
        'notes.txt',
      ])
      expect(await readFile(path.join(folder, 'mart.win_rate.csv'), 'utf8')).toMatch(/^partner_/)
    }))

  test('an export that is aborted leaves the files before it, and no draft', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      await exporting(db, home, { tables: ['win_rate'] })
      const before = await readFile(path.join(home, 'lake/manifest.json'), 'utf8')
      const reason = new Error('the person had enough')
      const aborted = exporting(db, home, {}, AbortSignal.abort(reason))
      await expect(aborted).rejects.toThrow(reason)
      expect((await readdir(path.join(home, 'lake'))).sort()).toEqual([
        'manifest.json',
        'mart.win_rate.csv',
      ])
      expect(await readFile(path.join(home, 'lake/manifest.json'), 'utf8')).toBe(before)
    }))

  test('a mart of others is exported too: what has no counterpart as text, an infinite day not', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      await sql`create view mart.of_others as
        select array[1, 2] as list, 0.1000::numeric as loose, interval '1 day' as span`.execute(db)
      try {
        const file = onlyFile(await exporting(db, home, { tables: ['of_others'] }))
        expect(file.sums).toEqual({})
        expect(await recordsOf(home, 'mart.of_others')).toEqual([
          { list: '{1,2}', loose: '0.1000', span: 'P1D' },
        ])
        await sql`create or replace view mart.of_others as
          select array[1, 2] as list, 0.1000::numeric as loose, interval '1 day' as span,
            date 'infinity' as last_date`.execute(db)
        const failure = await failureOf(exporting(db, home, { tables: ['of_others'] }))
        expect(failure.code).toBe('export.value')
        expect(failure.message).toContain(
          'mart.of_others.csv, column last_date: expected a day of the years 1 to 9999, got infinity',
        )
      } finally {
        await sql`drop view mart.of_others`.execute(db)
      }
    }))

  test('an unknown table or account is refused with the names that there are', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const table = await failureOf(exporting(db, home, { tables: ['referral', 'refferal'] }))
      expect(table.code).toBe('export.unknown_table')
      expect(table.message).toMatch(/expected one of mart\.acv_.*mart\.win_rate; got refferal\./)
      const person = await failureOf(exporting(db, home, { tables: ['pii.contact'] }))
      expect(person.message).toContain('Tables of people take --people as well.')
      const access = await failureOf(exporting(db, home, { tables: ['bi_access'] }))
      expect(access.message).toContain('Tables of people take --people as well.')
      const end = await failureOf(exporting(db, home, { tables: ['t'] }))
      expect(end.message).toMatch(/; got t\.$/)
      const account = await failureOf(exporting(db, home, { account: 'nobody' }))
      expect(account.code).toBe('account.unknown')
    }))

  test('a folder that cannot be written is named, with the remedy', () =>
    withHome(async (home) => {
      await writeFile(path.join(home, 'lake'), 'a file')
      const failure = await failureOf(exporting(pipeline().db, home, { tables: ['win_rate'] }))
      expect(failure.code).toBe('export.not_written')
      expect(failure.message).toMatch(
        /lake: expected a place to export to.*Nothing was exported.*name another folder/,
      )
    }))

  test('a file that cannot be replaced leaves no manifest, and the message says so', () =>
    withHome(async (home) => {
      const folder = path.join(home, 'lake')
      await mkdir(path.join(folder, 'mart.win_rate.csv'), { recursive: true })
      await writeFile(path.join(folder, 'manifest.json'), '{}')
      const tables = ['referral', 'win_rate']
      const failure = await failureOf(exporting(pipeline().db, home, { tables }))
      expect(failure.code).toBe('export.not_written')
      expect(failure.message).toMatch(
        /win_rate\.csv'\. Some files may be replaced already, and manifest\.json is missing: /,
      )
      expect(failure.message).not.toContain('Nothing was exported')
      expect((await readdir(folder)).sort()).toEqual(['mart.referral.csv', 'mart.win_rate.csv'])
      expect(await recordsOf(home, 'mart.referral')).toHaveLength(150)
    }))
})

describe('rights', () => {
  test('a login in cosell_bi exports the marts, and no people', () =>
    withHome((home) =>
      asLogin(pipeline().url, ['cosell_bi'], async ({ db, role }) => {
        const { files } = await exporting(db, home)
        expect(files.find(({ table }) => table === 'mart.referral')?.rows).toBe(150)
        const failure = await failureOf(exporting(db, home, { withPeople: true }))
        expect(failure.code).toBe('export.no_people')
        expect(failure.message).toContain(`got role ${role}`)
      }),
    ))

  test('a login in cosell_pii exports people when asked, readable by its owner alone', () =>
    withHome((home) =>
      asLogin(pipeline().url, ['cosell_pii'], async ({ db }) => {
        await sql`insert into etl.bi_access (role_name, partner_account_key)
          select 'anna@example.com', partner_account_key from dw.dim_partner_account`.execute(
          pipeline().db,
        )
        const without = await exporting(db, home)
        const { files } = await exporting(db, home, { withPeople: true })
        const before = without.files.map(({ table }) => table)
        const ofPeople = files.filter(({ table }) => !before.includes(table))
        expect(ofPeople.map(({ table }) => table)).toEqual([
          'mart.bi_access',
          'pii.contact',
          'pii.contact_change',
          'pii.referral_change',
          'pii.referral_text',
          'pii.seller',
        ])
        // Nobody joins or leaves in one load.
        expect(ofPeople.filter(({ rows }) => rows === 0).map(({ table }) => table)).toEqual([
          'pii.contact_change',
          'pii.referral_change',
        ])
        for (const { file } of ofPeople) {
          const { mode } = await stat(path.join(home, 'lake', file))
          expect(mode & 0o777, file).toBe(0o600)
        }
      }),
    ))

  test('a login without groups is told which one it needs', () =>
    withHome((home) =>
      asLogin(pipeline().url, [], async ({ db, role }) => {
        const failure = await failureOf(exporting(db, home))
        expect(failure.code).toBe('export.no_mart')
        expect(failure.message).toContain(`grant cosell_bi to "${role}"`)
      }),
    ))

  test('an export as another role reads what that role may read', () =>
    withHome(async (home) => {
      const { db } = pipeline()
      const role = 'cosell_bi'
      const file = onlyFile(await exporting(db, home, { tables: ['referral'], role }))
      expect(file.rows).toBe(150)
      const failure = await failureOf(exporting(db, home, { role, withPeople: true }))
      expect(failure.message).toContain('got role cosell_bi')
      const { rows } = await sql<{ role: string }>`select current_user as role`.execute(db)
      expect(rows[0]?.role).not.toBe('cosell_bi')
    }))
})
