import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome } from '../support/with-pipeline.ts'

test('cosell export writes with a login that only reads, and prints where', () =>
  withDatabase((_, url) =>
    asLogin(url, ['cosell_bi'], (login) =>
      withHome(async (home) => {
        const env = { COSELL_DATABASE_URL: login.url }
        const json = await runCli(['export', 'lake', '--json'], { cwd: home, env })
        expect(json.code, json.stderr).toBe(0)
        const result = resultOf(json)
        expect(result).toMatchObject({ status: 'written', folder: `${home}/lake` })
        expect(result.files).toContain('mart.referral.parquet')
        const args = ['export', 'lake', '--format', 'csv', '--table', 'referral', '--table', 'deal']
        const text = await runCli(args, { cwd: home, env })
        expect(text).toMatchObject({ code: 0, stderr: '' })
        expect(text.stdout).toContain(`Exported 0 rows in 2 files to ${home}/lake`)
        const manifest = JSON.parse(await readFile(path.join(home, 'lake/manifest.json'), 'utf8'))
        expect(manifest.files.map(({ file }: { file: string }) => file)).toEqual([
          'mart.deal.csv',
          'mart.referral.csv',
        ])
      }),
    ),
  ))

test.each([
  { args: ['lake', '--format', 'xlsx'], code: 2, says: 'Allowed choices are parquet, csv' },
  { args: ['lake', '--since', '2026-02-30'], code: 2, says: 'Expected a day' },
  { args: ['lake', '--table', 'refferal'], code: 2, says: 'got refferal' },
  { args: ['lake', '--account', 'nobody'], code: 2, says: 'no account "nobody"' },
  { args: ['taken'], code: 78, says: 'taken: expected a place to export to' },
  { args: [], code: 2, says: "missing required argument 'folder'" },
])('cosell export $args ends with $code and says why', ({ args, code, says }) =>
  withDatabase((_, url) =>
    withHome(async (home) => {
      await writeFile(path.join(home, 'taken'), '')
      const env = { COSELL_DATABASE_URL: url }
      const end = await runCli(['export', ...args], { cwd: home, env })
      expect(end.code).toBe(code)
      expect(end.stderr).toContain(says)
    }),
  ),
)
