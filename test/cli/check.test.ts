import { readdir } from 'node:fs/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { parseAge } from '../../src/cli/help.ts'
import { renderFreshness } from '../../src/cli/text/status.ts'
import { judgeFreshness } from '../../src/report/queries/freshness.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

describe('the age of a publish', () => {
  test.each([
    { text: '0h', expected: 0 },
    { text: '90m', expected: 5_400_000 },
    { text: '26h', expected: 93_600_000 },
    { text: '2d', expected: 172_800_000 },
  ])('parseAge reads $text as $expected milliseconds', ({ text, expected }) => {
    expect(parseAge(text)).toBe(expected)
  })

  test.each(['26', '-1h', '1.5h', '1w', '', '26H', '1234567h'])('parseAge refuses %j', (text) =>
    expect(() => parseAge(text)).toThrow('90m, 26h or 2d'),
  )

  const published = (account: string, age: number | null) => ({
    account,
    last_published_at: age === null ? null : '2026-03-01T05:17:00.000Z',
    age_hours: age,
    is_active: true,
  })

  test.each([
    {
      accounts: [published('north', 3.14), published('south', 20)],
      maxAge: 26,
      says: 'Fresh: the longest ago, south was published 20 hours ago, within the limit of 26 hours.',
    },
    {
      accounts: [published('north', 25.99)],
      maxAge: 26,
      says: 'Fresh: north was published 26 hours ago, within the limit of 26 hours.',
    },
    {
      accounts: [published('north', 26)],
      maxAge: 26,
      says: 'Stale: north was published 26 hours ago, and the limit is 26 hours.',
    },
    {
      accounts: [published('north', 1), published('south', 30.26), published('west', null)],
      maxAge: 26,
      says: 'Stale: south was published 30.3 hours ago, west was never published, and the limit is 26 hours.',
    },
    {
      accounts: [published('north', 0)],
      maxAge: 0,
      says: 'Stale: north was published 0 minutes ago, and the limit is 0 minutes.',
    },
    {
      accounts: [published('north', 0.0004)],
      maxAge: 1 / 60,
      says: 'Fresh: north was published 0 minutes ago, within the limit of 1 minute.',
    },
    {
      accounts: [published('north', 0.051)],
      maxAge: 2 / 60,
      says: 'Stale: north was published 3 minutes ago, and the limit is 2 minutes.',
    },
    {
      accounts: [published('north', -2)],
      maxAge: 0,
      says: 'Stale: north was published 0 minutes ago, and the limit is 0 minutes.',
    },
    { accounts: [], maxAge: 26, says: 'Stale: nothing was ever published here.' },
  ])('the sentence for $accounts is: $says', ({ accounts, maxAge, says }) => {
    const freshness = judgeFreshness(accounts, [], maxAge)
    expect(renderFreshness(freshness)).toBe(says)
    expect(freshness.status).toBe(says.startsWith('Fresh') ? 'fresh' : 'stale')
  })

  test('an account of the settings that the warehouse does not have was never published', () => {
    const freshness = judgeFreshness([published('north', 1)], ['north', 'south'], 26)
    expect(freshness.accounts).toMatchObject([
      { account: 'north', is_stale: false },
      { account: 'south', last_published_at: null, is_stale: true },
    ])
  })

  test('an account that is no longer extracted is left out', () => {
    const retired = { ...published('south', 900), is_active: false }
    const { status, accounts } = judgeFreshness([published('north', 1), retired], ['south'], 26)
    expect(status).toBe('fresh')
    expect(accounts.map(({ account }) => account)).toEqual(['north'])
  })
})

describe('cosell check', () => {
  test('cosell check ends with 1 before the first run and after an old one, else with 0', () =>
    withHome((home) =>
      withSandbox({ referrals: 20 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
          const ask = async (...args: string[]) => {
            const end = await runCli(['check', '--json', ...args], { cwd: home, env })
            expect(end.stderr).toBe('')
            return { code: end.code, ...resultOf(end) }
          }
          expect(await ask('--max-age', '26h')).toEqual({
            code: 1,
            status: 'stale',
            max_age_hours: 26,
            accounts: [
              { account: 'default', last_published_at: null, age_hours: null, is_stale: true },
            ],
            message: 'Stale: default was never published, and the limit is 26 hours.',
          })
          expect(await runCli(['run'], { cwd: home, env })).toMatchObject({ code: 0 })
          expect(await ask()).toMatchObject({ code: 0, status: 'fresh', max_age_hours: 26 })
          expect(await ask('--max-age', '0h')).toMatchObject({ code: 1, status: 'stale' })

          await sql`
            update etl.run set published_at = published_at - interval '27 hours'`.execute(db)
          // A rebuild publishes, and brings nothing of last night.
          expect(await runCli(['rebuild'], { cwd: home, env })).toMatchObject({ code: 0 })
          expect(await ask('--max-age', '26h')).toMatchObject({
            code: 1,
            message: 'Stale: default was published 27 hours ago, and the limit is 26 hours.',
          })
          const text = await runCli(['check', '--max-age', '28h'], { cwd: home, env })
          expect(text).toMatchObject({
            code: 0,
            stdout: 'Fresh: default was published 27 hours ago, within the limit of 28 hours.\n',
          })
        }),
      ),
    ))

  test('cosell check ends with 1 where no warehouse was made, and makes none', () =>
    withHome(async (home) => {
      const end = await runCli(['check', '--max-age', '26h'], { cwd: home })
      const stdout = 'Stale: nothing was ever published here.\n'
      expect(end).toMatchObject({ code: 1, stdout, stderr: '' })
      expect(await readdir(home)).toEqual([])
    }))

  test('cosell check ends with 75 where the tables are locked for half a minute', () =>
    withHome((home) =>
      withDatabase((db, url) =>
        db.transaction().execute(async (holder) => {
          await sql`lock table etl.run in access exclusive mode`.execute(holder)
          const env = { COSELL_DATABASE_URL: url }
          const end = await runCli(['check', '--json'], { cwd: home, env })
          expect(end.code, end.stderr).toBe(75)
          expect(resultOf(end)).toMatchObject({ code: 'database.unavailable' })
          expect(end.stderr).toContain('expected an answer within 30 s')
        }),
      ),
    ))

  test('cosell check ends with 75 where the server is down, with 78 where its login may not read', () =>
    withHome((home) =>
      withDatabase(async (db, url) => {
        const ask = (at: string) =>
          runCli(['check'], { cwd: home, env: { COSELL_DATABASE_URL: at } })
        expect(await ask('postgres://cosell@127.0.0.1:9/cosell')).toMatchObject({ code: 75 })
        const login = `monitor_${process.pid}`
        await sql`create role ${sql.id(login)} login password 'of a test'`.execute(db)
        try {
          const other = new URL(url)
          other.username = login
          other.password = 'of a test'
          const end = await ask(other.href)
          expect(end).toMatchObject({ code: 78, stdout: '' })
          expect(end.stderr).toContain('permission denied')
        } finally {
          await sql`drop role ${sql.id(login)}`.execute(db)
        }
      }),
    ))

  test('cosell check ends with 1 in an empty database, and leaves it empty', () =>
    withHome((home) =>
      withEmptyDatabase(async (db, url) => {
        const end = await runCli(['check'], { cwd: home, env: { COSELL_DATABASE_URL: url } })
        expect(end).toMatchObject({ code: 1, stderr: '' })
        const schemas = await sql`
          select from pg_namespace where nspname in ('etl', 'dw', 'raw')`.execute(db)
        expect(schemas.rows).toEqual([])
      }),
    ))
})
