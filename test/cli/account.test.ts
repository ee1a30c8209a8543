import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { applyGrants } from '../../src/warehouse/access/grants.ts'
import { groups } from '../../src/warehouse/access/roles.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

const token = sandboxSettings('').COSELL_REFRESH_TOKEN ?? ''
const at = (url: string) => [
  ...['--api-url', url, '--authority-url', url],
  ...['--tenant-id', 'sandbox', '--client-id', 'sandbox'],
]

describe('cosell account', () => {
  test('stored accounts are run, renamed, disabled and enabled, and one broken vault fails one account', () =>
    withHome((home) =>
      withSandbox({ referrals: 20, seed: 1 }, (north) =>
        withSandbox({ referrals: 30, seed: 2 }, (south) =>
          withDatabase(async (db, url) => {
            const env = { COSELL_DATABASE_URL: url, COSELL_REQUESTS_PER_MINUTE: '60000' }
            const all: string[] = []
            const cli = async (args: string[], more: Record<string, string> = {}) => {
              const ended = await runCli([...args, '--json'], {
                cwd: home,
                env: { ...env, ...more },
              })
              all.push(ended.stdout, ended.stderr)
              const result = resultOf(ended)
              expect(ended.code).toBe(result.exit_code ?? 0)
              return result
            }
            const file = path.join(home, 'north.token')
            await writeFile(file, `${token}\n`, { mode: 0o600 })
            const vault = path.join(home, 'vault.mjs')
            await writeFile(vault, `console.error('${token}'); console.log(process.argv[2])`)
            const command = (...args: string[]) =>
              `command:${JSON.stringify([process.execPath, ...args])}`
            await cli([
              'account',
              'add',
              'north',
              ...at(north.url),
              '--refresh-token',
              `file:${file}`,
            ])
            const added = ['account', 'add', 'south', ...at(south.url), '--refresh-token']
            expect(await cli([...added, command('/nowhere/vault.mjs')])).toMatchObject({
              status: 'added',
              secrets: { refresh_token: `command:${process.execPath} (1 argument)` },
            })
            expect(await cli(['account', 'add', 'east', '--client-secret', token])).toMatchObject({
              code: 'account.settings',
              exit_code: 2,
            })
            const partly = await cli(['run'])
            expect(partly).toMatchObject({
              ...{ status: 'partly', exit_code: 78, code: 'secret.command', seen: 20 },
              accounts: [
                { account: 'north', status: 'published', seen: 20 },
                { account: 'south', status: 'failed', exit_code: 78, code: 'secret.command' },
              ],
            })
            await cli(['account', 'change', 'south', '--refresh-token', command(vault, token)])
            expect(await cli(['run'])).toMatchObject({ status: 'published', changed: 30 })
            const doctor: Record<string, unknown> = await cli(['doctor'])
            expect(doctor.checks).toContainEqual(
              expect.objectContaining({ account: 'south', check: 'secrets', status: 'ok' }),
            )

            const both = await cli(['run'], { COSELL_CLIENT_ID: 'sandbox' })
            expect(both).toMatchObject({ code: 'account.two_places', exit_code: 78 })
            expect(both).toMatchObject({
              message: expect.stringContaining('COSELL_CLIENT_ID (env'),
            })

            expect(await cli(['account', 'rename', 'south', 'west'])).toMatchObject({
              ...{ status: 'renamed', is_stored: true, is_setting_stale: false },
              sign_in: 'none',
            })
            const known = db.selectFrom('dw.dim_partner_account')
            const keys = known.select(['partner_account_key', 'account_code', 'is_active'])
            expect(await keys.orderBy('partner_account_key').execute()).toEqual([
              { partner_account_key: 1, account_code: 'north', is_active: true },
              { partner_account_key: 2, account_code: 'west', is_active: true },
            ])
            south.change(4)
            expect(await cli(['run'])).toMatchObject({ status: 'published', changed: 4 })

            expect(await cli(['account', 'disable', 'west'])).toMatchObject({ status: 'disabled' })
            expect(await cli(['run'])).toMatchObject({ accounts: [{ account: 'north' }] })
            expect(await cli(['check', '--max-age', '1h'])).toMatchObject({
              accounts: [{ account: 'north' }],
            })
            const metrics = await runCli(['check', '--metrics'], { cwd: home, env })
            expect(metrics.stdout).toContain('cosell_last_run_success{account="north"')
            expect(metrics.stdout).toContain('cosell_referrals{account="west"} 30')
            expect(metrics.stdout).not.toMatch(/cosell_(last|watermark_lag)\w+\{account="west"/)
            expect(await cli(['status'])).toMatchObject({
              accounts: [{ is_active: true }, { account: 'west', is_active: false }],
            })
            expect(await cli(['account', 'list'])).toMatchObject({
              accounts: [
                {
                  ...{ account: 'north', is_configured: true, referrals: 20 },
                  stored: {
                    is_enabled: true,
                    settings: { api_url: north.url, client_id: 'sandbox' },
                    secrets: { refresh_token: `file:${file}`, client_secret: null },
                  },
                },
                {
                  ...{ account: 'west', is_configured: false, is_active: false, referrals: 30 },
                  stored: {
                    is_enabled: false,
                    secrets: { refresh_token: `command:${process.execPath} (2 arguments)` },
                  },
                },
              ],
            })
            await cli(['account', 'enable', 'west'])
            expect(await cli(['run'])).toMatchObject({
              accounts: [{ account: 'north' }, { account: 'west', status: 'published' }],
            })
            expect(await cli(['forget', '--account', 'west', '--yes'])).toMatchObject({
              rows: { 'etl.account': 1 },
              is_configured: false,
            })
            expect(await cli(['account', 'list'])).toMatchObject({
              accounts: [{ account: 'north' }],
            })
            expect(all.join('\n')).not.toContain(token)
            expect(await readFile(file, 'utf8')).toContain(token)
          }),
        ),
      ),
    ))

  test('a stored account that is not accepted stops loads, and nothing that mends it', () =>
    withHome((home) =>
      withSandbox({ referrals: 10 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          const env = { COSELL_DATABASE_URL: url, NORTH_TOKEN: token }
          const cli = (...args: string[]) => runCli([...args, '--json'], { cwd: home, env })
          const codes = async (...commands: readonly (readonly string[])[]) => {
            const found: unknown[] = []
            for (const args of commands) {
              const ended = await cli(...args)
              found.push([ended.code, resultOf(ended).code])
            }
            return found
          }
          await cli('account', 'add', 'north', ...at(api), '--refresh-token', 'env:NORTH_TOKEN')
          const bad = { account_code: 'bad', api_url: 'ftp://example.com' }
          await db.insertInto('etl.account').values(bad).execute()
          expect(await codes(['run'], ['account', 'list'])).toEqual([
            [78, 'config.invalid'],
            [78, 'config.invalid'],
          ])
          const mends = [['migrate'], ['report'], ['account', 'disable', 'bad'], ['run']] as const
          expect(await codes(...mends)).toEqual(mends.map(() => [0, undefined]))
          expect(await codes(['forget', '--account', 'bad', '--yes'])).toEqual([[0, undefined]])
          await cli('account', 'disable', 'north')
          expect(await codes(['run', '--account', 'north'])).toEqual([[78, 'account.none_enabled']])
        }),
      ),
    ))

  test('an account that the settings name stays active when it is disabled in the warehouse', () =>
    withHome((home) =>
      withSandbox({ referrals: 10 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          const env = { COSELL_DATABASE_URL: url, NORTH_TOKEN: token }
          const cli = async (args: string[], more = {}) => {
            const ended = await runCli(args, { cwd: home, env: { ...env, ...more } })
            expect(ended.code, ended.stderr).toBe(0)
            return ended.stdout
          }
          const isActive = async () =>
            (await db.selectFrom('dw.dim_partner_account').select('is_active').execute())[0]
          await cli(['account', 'add', 'north', ...at(api), '--refresh-token', 'env:NORTH_TOKEN'])
          await cli(['run'])
          const settings = { ...sandboxSettings(api), COSELL_ACCOUNT: 'north' }
          const told = await cli(['account', 'disable', 'north'], settings)
          expect(told).toMatch(/disabled in the warehouse; the settings \(.*\) load it/)
          expect(await isActive()).toEqual({ is_active: true })
          await cli(['run'], settings)
          await cli(['account', 'disable', 'north'])
          expect(await isActive()).toEqual({ is_active: false })
        }),
      ),
    ))

  test('a login of cosell_loader renames an account of the settings', () =>
    withHome((home) =>
      withSandbox({ referrals: 10 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          await applyGrants(db)
          await asLogin(url, [groups.loader], async ({ url: own }) => {
            const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: own }
            await runCli(['run'], { cwd: home, env })
            const renamed = await runCli(['account', 'rename', 'default', 'north', '--json'], {
              cwd: home,
              env,
            })
            expect(renamed.code, renamed.stderr).toBe(0)
            expect(resultOf(renamed)).toMatchObject({ account: 'north', is_stored: false })
          })
        }),
      ),
    ))

  test('a login of cosell_loader runs stored accounts and stores none, and readers see none of them', () =>
    withHome((home) =>
      withSandbox({ referrals: 10 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          await applyGrants(db)
          const variables = { NORTH_TOKEN: token }
          const cli = (where: string, ...args: string[]) =>
            runCli([...args, '--json'], {
              cwd: home,
              env: { COSELL_DATABASE_URL: where, ...variables },
            })
          const add = ['account', 'add', 'north', ...at(api), '--refresh-token', 'env:NORTH_TOKEN']
          const stored = await cli(url, ...add)
          expect(stored.code, stored.stderr).toBe(0)
          await asLogin(url, [groups.loader], async ({ url: own }) => {
            const run = await cli(own, 'run')
            expect(run.code, run.stderr).toBe(0)
            expect(resultOf(run)).toMatchObject({ seen: 10, accounts: [{ account: 'north' }] })
            const refused = [
              ['add', 'south'],
              ['change', 'north', '--client-id', 'x'],
              ['disable', 'north'],
              ['rename', 'north', 'south'],
            ]
            for (const args of refused) {
              const ended = resultOf(await cli(own, 'account', ...args))
              expect(ended).toMatchObject({ code: 'account.not_owner', exit_code: 78 })
            }
          })
          for (const group of [groups.bi, groups.pii]) {
            await asLogin(url, [group], async (login) => {
              await expect(
                login.db.selectFrom('etl.account').selectAll().execute(),
              ).rejects.toThrow('permission denied')
            })
          }
        }),
      ),
    ))

  test.each([
    { args: ['list', 'x'], says: 'list takes no name' },
    { args: ['add'], says: 'add takes one name, got 0' },
    { args: ['disable', 'a', '--client-id', 'x'], says: 'disable takes no --client-id' },
    { args: ['change', 'a'], says: 'change takes at least one setting' },
  ])('cosell account $args is wrong usage', ({ args, says }) =>
    withHome(async (home) => {
      const ended = await runCli(['account', ...args], { cwd: home })
      expect(ended.code).toBe(2)
      expect(ended.stderr).toContain(says)
    }),
  )
})
