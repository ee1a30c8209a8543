import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chooseAccount } from '../../src/cli/commands/keep/login.ts'
import { loadConfig } from '../../src/config.ts'
import { createTokenStore } from '../../src/extract/auth/token-store.ts'
import { login } from '../../src/extract/login.ts'
import { createLog } from '../../src/log.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import { countRows } from '../support/digest.ts'
import { withPipeline } from '../support/with-pipeline.ts'

const unset = { COSELL_REFRESH_TOKEN: '' }

test('a run after `cosell login` needs no configured token, and stores each rotated one', () =>
  withPipeline({ referrals: 40, rotateRefreshToken: true }, async ({ sandbox, home, db, run }) => {
    await expect(run(false, unset)).rejects.toMatchObject({ exitCode: 77, code: 'auth.no_token' })
    const settings = { ...demoSettings(sandbox.url), ...unset, COSELL_HOME: home }
    const config = loadConfig(settings, {}, home)
    const { account } = await login({
      account: chooseAccount(config.accounts, undefined),
      home: config.home,
      requestsPerMinute: config.requestsPerMinute,
      network: config.network,
      log: createLog({ write: () => true, isTerminal: false }, 'silent').logger,
      signal: new AbortController().signal,
      show: () => undefined,
    })
    const store = createTokenStore(join(home, 'tokens', `${account}.json`))
    const tokens = [await store.load()]
    for (const _ of [1, 2]) {
      expect(await run(false, unset)).toMatchObject({ status: 'published' })
      tokens.push(await store.load())
    }
    expect(new Set(tokens).size).toBe(3)
    expect(await countRows(db, /^dw\.fact_referral$/)).toEqual({ 'dw.fact_referral': 40 })
  }))

test('chooseAccount asks for --account when several accounts are configured', () => {
  const [north] = loadConfig({ COSELL_ACCOUNT: 'north' }, {}, '/').accounts
  if (north === undefined) return expect.unreachable()
  const south = { ...north, name: 'south' }
  expect(chooseAccount([north], undefined)).toBe(north)
  expect(chooseAccount([north, south], 'south')).toBe(south)
  for (const name of [undefined, 'east']) {
    expect(() => chooseAccount([north, south], name)).toThrow(
      expect.objectContaining({
        exitCode: 2,
        code: 'login.which_account',
        message: expect.stringContaining('north, south'),
      }),
    )
  }
})
