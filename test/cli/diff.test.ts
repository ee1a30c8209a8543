import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { renderDifference } from '../../src/cli/text/look/difference.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { withDatabase } from '../support/database.ts'
import { digestRowVersions } from '../support/digest.ts'
import { untilWaiting, whileLocked } from '../support/load-referrals.ts'
import { resultOf, runCli, startCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

describe('cosell rebuild --diff', () => {
  test('cosell rebuild --diff ends with 0 where nothing would change, else with 1 and the marts', () =>
    withHome((home) =>
      withSandbox({ referrals: 60, seed: 11 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
          const cosell = (...args: string[]) => runCli(args, { cwd: home, env })
          expect(await cosell('run')).toMatchObject({ code: 0 })
          const same = await cosell('rebuild', '--diff')
          expect(same).toMatchObject({
            code: 0,
            stdout:
              'Account default: nothing would change; 60 referrals replayed, 0 of them in quarantine.\n',
          })
          await sql`update dw.fact_referral set deal_value_amount = 1, row_hash = 0`.execute(db)
          const before = await digestRowVersions(db)
          const text = await cosell('rebuild', '--diff')
          expect(text.code, text.stderr).toBe(1)
          expect(text.stdout).toMatch(/^referral +deal_value_amount +\d+$/m)
          expect(text.stdout).toMatch(/^ {2}USD [\d.]+ becomes [\d.]+$/m)
          const json = await cosell('rebuild', '--diff', '--json')
          expect(json.code).toBe(1)
          expect(resultOf(json)).toMatchObject({
            status: 'different',
            accounts: [{ account: 'default', seen: 60 }],
          })
          expect(await digestRowVersions(db)).toEqual(before)
          expect(await cosell('rebuild')).toMatchObject({ code: 0 })
          expect(await cosell('rebuild', '--diff')).toMatchObject({ code: 0 })
        }),
      ),
    ))

  test('cosell rebuild --diff asks for a migration first, and applies none', () =>
    withHome((home) =>
      withDatabase(async (db, url) => {
        const env = { COSELL_DATABASE_URL: url }
        await sql`drop view mart.win_rate`.execute(db)
        const end = await runCli(['rebuild', '--diff', '--json'], { cwd: home, env })
        expect(end.code).toBe(78)
        expect(resultOf(end)).toMatchObject({
          code: 'migrate.pending',
          message: expect.stringContaining('Run `cosell migrate`'),
        })
        const { rows } = await sql`select to_regclass('mart.win_rate') as view`.execute(db)
        expect(rows).toEqual([{ view: null }])
      }),
    ))

  test('a killed cosell rebuild --diff leaves nothing behind', () =>
    withHome((home) =>
      withSandbox({ referrals: 60, seed: 11 }, ({ url: api }) =>
        withDatabase(async (db, url, warehouse) => {
          const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
          expect(await runCli(['run'], { cwd: home, env })).toMatchObject({ code: 0 })
          await sql`update dw.fact_referral set deal_value_amount = 1, row_hash = 0`.execute(db)
          const before = await digestRowVersions(db)
          await whileLocked(warehouse, 'etl.run_table', async () => {
            const trial = startCli(['rebuild', '--diff'], { cwd: home, env })
            await untilWaiting(warehouse, 1)
            trial.child.kill('SIGKILL')
            await trial.ended
          })
          const writers = sql<{ n: number }>`
            select count(*) as n from pg_stat_activity
            where datname = current_database() and backend_xid is not null`
          while ((await writers.execute(db)).rows[0]?.n !== 0) await sleep(20)
          expect(await digestRowVersions(db)).toEqual(before)
          const { rows } = await sql`
            select relname from pg_class
            where relpersistence = 't' and relname ~ '^(before|differs)_'`.execute(db)
          expect(rows).toEqual([])
        }),
      ),
    ))
})

test('renderDifference shows rows, money and referrals below each mart and column', () => {
  const text = renderDifference({
    status: 'different',
    accounts: [
      {
        account: 'north',
        seen: 1200,
        quarantined: 1,
        quarantine: { added: 0, removed: 1, referrals: ['r-9'] },
        tables: [{ table: 'dw.fact_referral', inserted: 1, updated: 2, deleted: 0 }],
        marts: [
          {
            mart: 'referral',
            added: 1,
            removed: 0,
            changed: 2,
            referrals: ['r-9'],
            columns: [
              {
                column: 'deal_value_amount',
                rows: 2,
                amounts: [{ currency: 'USD', before: '12.0000', after: null }],
                referrals: ['r-1', 'r-2'],
              },
            ],
          },
        ],
      },
    ],
  })
  expect(text).toBe(
    [
      'Account north: 1 mart would differ, 1 table would be written, quarantine would change; 1,200 referrals replayed, 1 of them in quarantine.',
      '',
      'Mart      Change             Rows',
      'referral  rows added            1',
      '  r-9',
      'referral  deal_value_amount     2',
      '  USD 12.0000 becomes none',
      '  r-1, r-2',
      '',
      'Quarantine       Referrals',
      'into quarantine          0',
      'out of it                1',
      '  r-9',
      '',
      'Table             Inserted  Updated  Deleted',
      'dw.fact_referral         1        2        0',
    ].join('\n'),
  )
})
