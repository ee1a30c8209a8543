import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { Simulation } from '../../src/sandbox/population/simulation.ts'
import { withDatabase } from '../support/database.ts'
import { writeFiles } from '../support/import-files.ts'
import { resultOf, startCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'
import { zipBytes } from '../support/zip-bytes.ts'

describe('cosell import', () => {
  test('an import says what each file was taken for, and how much could not be read', () =>
    withHome((home) =>
      withDatabase(async (db, url) => {
        const env = { COSELL_DATABASE_URL: url, COSELL_HOME: home }
        const simulation = await Simulation.create(30, 2, 0)
        const [file = ''] = await writeFiles(home, simulation.referrals(), { broken: 2 })
        const run = (...args: string[]) => startCli(['import', ...args], { env, cwd: home }).ended
        const first = await run(file, '--json')
        expect(first.code).toBe(3)
        const result = resultOf(first)
        expect(result).toMatchObject({
          status: 'published',
          accounts: [{ account: 'default' }],
          quarantined_rows: 1,
          bad_cells: 1,
          files: [{ file, layout: 'cosell_2023', title: 'co-sell opportunities (2023)' }],
        })
        expect(Number(result.rows_written)).toBeGreaterThan(100)
        expect(first.stderr).toMatch(
          /co-sell-opportunities-2023-01\.csv:\d+ Estimated Close Date: expected/,
        )
        const again = await run(file, '--account', 'default')
        expect(again.code).toBe(3)
        expect(again.stdout).toContain('co-sell opportunities (2023), ')
        expect(again.stdout).toContain('none new')
        expect(again.stdout).toContain('0 written: nothing changed')
        expect(again.stdout).toContain('1 row is in quarantine')
        const archive = path.join(home, 'downloads.zip')
        await writeFile(archive, zipBytes([{ name: 'cosell.csv', bytes: await readFile(file) }]))
        const zipped = resultOf(await run(archive, '--json'))
        expect(zipped).toMatchObject({ rows: result.rows, new_rows: 0, rows_written: 0 })
        const odd = path.join(home, 'odd.csv')
        await writeFile(odd, 'Referral ID,Colour\n1,blue\n')
        const refused = await run(file, odd, '--account', 'other', '--json')
        expect(refused.code).toBe(65)
        expect(resultOf(refused)).toMatchObject({ code: 'import.unknown_layout' })
        const accounts = await sql`select account_code from dw.dim_partner_account`.execute(db)
        expect(accounts.rows).toEqual([{ account_code: 'default' }])
      }),
    ))
})
