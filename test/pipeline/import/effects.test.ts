import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { findHoldings, forgetAccount } from '../../../src/pipeline/accounts/forget-account.ts'
import { Simulation } from '../../../src/sandbox/population/simulation.ts'
import { countRows } from '../../support/digest.ts'
import { type ImportTest, loadWith, withImport, writeFiles } from '../../support/import-files.ts'
import { contextOf, failureOf } from '../../support/with-pipeline.ts'

const seed = 7

async function populate({ home }: ImportTest, referrals = 30) {
  const simulation = await Simulation.create(referrals, seed, 0)
  const files = await writeFiles(path.join(home, 'downloads'), simulation.referrals())
  return { population: simulation.referrals(), files }
}

const columns = [
  ...['Engagement ID', 'Referral ID', 'Deal Name', 'Customer Name', 'Customer Address Line 1'],
  ...['Customer Address Line 2', 'Customer City', 'Customer State', 'Customer Postal Code'],
  ...['Customer Country', 'Customer D-U-N-S ID', 'Customer Contact First Name'],
  ...['Customer Contact Last Name', 'Customer Contact Phone number'],
  ...['Customer Contact Email Address', 'Partner Referral Status', 'Partner Referral Substatus'],
  ...['Microsoft Referral Status', 'Declined/Lost/Error reason', 'Sales Stage'],
  ...['Estimated Deal Value', 'Currency', 'Estimated Close Date', 'CRM ID'],
  ...['Marketing Campaign ID', 'Notes', 'Microsoft help required?'],
  ...['What specific help from Microsoft?', 'Share with Microsoft sales team'],
  ...['Notes to Microsoft', 'Consent to share Customer/Partner contact'],
]
const id = 'f7eaae47-0b84-4ac4-b4ea-5b2587d42cee'

/** Writes a file of co-sell opportunities of 2021; cells that are not given are empty. */
async function writeRows(
  { home }: ImportTest,
  name: string,
  rows: readonly Readonly<Record<string, string>>[],
): Promise<string> {
  const file = path.join(home, name)
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))]
  await writeFile(file, lines.map((cells) => `${cells.join(',')}\r\n`).join(''))
  return file
}

const open = { 'Referral ID': id, 'Partner Referral Status': 'Active', 'Deal Name': 'North' }

describe('people of imported files', () => {
  test('people, free text and unknown columns of files are in pii alone, and not in the log', () =>
    withImport(async (test) => {
      const { population, files } = await populate(test)
      const secret = { 'Customer Contact Email Address': 'ada@example.com', Notes: 'call her' }
      const own = await writeRows(test, 'own.csv', [{ ...open, ...secret }])
      await test.load([...files, own])
      const texts = population.flatMap(({ team, customerProfile, details }) => [
        ...(Array.isArray(team) ? team : []).map(({ email }) => email),
        ...(customerProfile?.team ?? []).map(({ phoneNumber }) => phoneNumber),
        details?.notes,
      ])
      const long = texts.filter((text) => (text?.length ?? 0) > 6)
      const secrets = ['call her', '@example.com', ...[...new Set(long)].slice(0, 15)]
      expect(secrets.length).toBe(17)
      const holders: string[] = []
      const names = Object.keys(await countRows(test.db, /^(raw|stg|dw|etl|pii)\./))
      for (const name of names.filter((one) => !/\.(dim_date|fx_rate)$/.test(one))) {
        const held = await sql<{ rows: number }>`
          select count(*) as rows from ${sql.table(name)} t
          where exists (select from unnest(${secrets}::text[]) secret
            where position(secret in to_jsonb(t)::text) > 0)`.execute(test.db)
        if ((held.rows[0]?.rows ?? 0) > 0) holders.push(name)
      }
      expect(holders.sort()).toEqual(['pii.contact', 'pii.payload', 'pii.referral_text'])
      expect(
        test.logged.filter((line) => secrets.some((text) => line.includes(text ?? ''))),
      ).toEqual([])
    }))

  test('an account is refused whose files another one has imported', () =>
    withImport(async (test) => {
      const { files } = await populate(test)
      await test.load(files)
      const before = await countRows(test.db, /^(raw|dw|pii)\./)
      const settings = { COSELL_ACCOUNT: 'renamed' }
      const load = loadWith(contextOf(test.context.warehouse, test.home, [], settings))
      const failure = await failureOf(load(files))
      expect(failure).toMatchObject({ code: 'account.same_source', exitCode: 78 })
      expect(await countRows(test.db, /^(raw|dw|pii)\./)).toEqual(before)
    }))

  test('an account of files is removed whole', () =>
    withImport(async (test) => {
      const before = await countRows(test.db, /^(raw|pii|dw|etl|stg)\./)
      const { files } = await populate(test)
      await test.load(files)
      await forgetAccount(test.context, await findHoldings(test.context, 'default'))
      const after = await countRows(test.db, /^(raw|pii|dw|etl|stg)\./)
      // The number of the account is not given again.
      expect({ ...after, 'etl.setting': 0 }).toEqual({ ...before, 'etl.setting': 0 })
    }))
})

describe('cells and rows that cannot be read', () => {
  test('a bad cell is left out with a finding, and the row of a bad id is quarantined', () =>
    withImport(async (test) => {
      const file = await writeRows(test, 'bad.csv', [
        { ...open, 'Estimated Close Date': '02/30/2026', 'Estimated Deal Value': '1000' },
        { ...open, 'Referral ID': '1.2E+13' },
      ])
      const result = await test.load([file])
      expect(result).toMatchObject({
        bad_cells: 1,
        quarantined_rows: 1,
        quarantined: 1,
        changed: 1,
      })
      const findings = await sql`
        select referral_id, item_ref, observed_value from dw.fact_finding
        where rule_code = 'cell_not_loaded'`.execute(test.db)
      expect(findings.rows).toEqual([
        { referral_id: id, item_ref: 'Estimated Close Date', observed_value: '"02/30/2026"' },
      ])
      const held = await sql`
        select resource_type, reason_code, item_path from etl.quarantine
        where resolved_run_id is null`.execute(test.db)
      expect(held.rows).toEqual([
        { resource_type: 'csv_row', reason_code: 'unreadable_row', item_path: 'Referral ID' },
      ])
      expect(test.logged.filter((line) => line.includes(`${file}:`)).length).toBe(3)
      expect(await test.load([file])).toMatchObject({ rows_written: 0, bad_cells: 1 })
    }))

  test('a file of which no row can be read leaves nothing', () =>
    withImport(async (test) => {
      const before = await countRows(test.db, /^(raw|pii|dw)\.(payload|dim_referral)$/)
      const file = await writeRows(test, 'bad.csv', [{ 'Deal Name': 'North' }])
      const failure = await failureOf(test.load([file]))
      expect(failure).toMatchObject({ code: 'import.too_many_unreadable', exitCode: 65 })
      expect(await countRows(test.db, /^(raw|pii|dw)\.(payload|dim_referral)$/)).toEqual(before)
    }))
})

describe('downloads of known days', () => {
  const states = ({ db }: ImportTest) =>
    sql<{ state: string }>`
      select concat_ws(' ', h.valid_from_date, s.referral_status, h.deal_value_amount) as state
      from dw.fact_referral_history h
      join dw.dim_status s using (status_key)
      order by h.valid_from`.execute(db)

  test('the later day wins in either order, and each day is a version of history', async () => {
    for (const isReversed of [false, true]) {
      await withImport(async (test) => {
        const early = await writeRows(test, 'a.csv', [
          { ...open, 'Estimated Deal Value': '900', Currency: 'EUR' },
        ])
        const late = await writeRows(test, 'b.csv', [
          { ...open, 'Partner Referral Status': 'Closed', 'Partner Referral Substatus': 'Lost' },
        ])
        const loads = [
          () => test.load([early], { asOf: '2026-01-31' }),
          () => test.load([late], { asOf: '2026-02-28' }),
        ]
        for (const load of isReversed ? loads.reverse() : loads) await load()
        // A blank cell deletes no value.
        expect((await states(test)).rows.map(({ state }) => state)).toEqual([
          '2026-01-31 Active 900.0000',
          '2026-02-28 Closed 900.0000',
        ])
      })
    }
  })
})

describe('a complete set of files', () => {
  const missing = ({ db }: ImportTest) =>
    sql<{ referral_id: string; since: string | null }>`
      select referral_id, missing_since::date::text as since from dw.dim_referral
      where is_missing`.execute(db)
  const other = 'aaaaaaaa-0b84-4ac4-b4ea-5b2587d42cee'

  test('a referral that no file of a complete set shows is missing until a later file shows it', () =>
    withImport(async (test) => {
      const both = await writeRows(test, 'both.csv', [open, { ...open, 'Referral ID': other }])
      const one = await writeRows(test, 'one.csv', [open])
      await test.load([both], { asOf: '2026-01-31' })
      await test.load([one], { asOf: '2026-02-28' })
      expect((await missing(test)).rows).toEqual([])
      const complete = await test.load([one], { asOf: '2026-03-31', isComplete: true })
      expect(complete).toMatchObject({ missing: 1 })
      expect((await missing(test)).rows).toEqual([{ referral_id: other, since: '2026-03-31' }])
      const again = await test.load([one], { asOf: '2026-03-31', isComplete: true })
      expect(again).toMatchObject({ rows_written: 0 })
      await test.load([both], { asOf: '2026-04-30' })
      expect((await missing(test)).rows).toEqual([])
    }))

  test('a set that lacks more than the limits is refused', () =>
    withImport(async (test) => {
      const ids = Array.from(
        { length: 25 },
        (_, no) => `${String(no).padStart(8, '0')}${id.slice(8)}`,
      )
      const all = await writeRows(
        test,
        'all.csv',
        [id, ...ids].map((referral) => ({ ...open, 'Referral ID': referral })),
      )
      const one = await writeRows(test, 'one.csv', [open])
      await test.load([all])
      const failure = await failureOf(test.load([one], { isComplete: true }))
      expect(failure).toMatchObject({ code: 'import.incomplete', exitCode: 65 })
      expect((await missing(test)).rows).toEqual([])
    }))
})
