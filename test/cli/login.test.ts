import { join } from 'node:path'
import { expect, test } from 'vitest'
import { demoSettings } from '../../src/cli/commands/demo.ts'
import { loadConfig } from '../../src/config.ts'
import { createTokenStore } from '../../src/extract/auth/token-store.ts'
import { login } from '../../src/extract/login.ts'
import { createLog } from '../../src/log.ts'
import { countRows } from '../support/digest.ts'
import { withNights } from '../support/with-pipeline.ts'

const unset = { COSELL_REFRESH_TOKEN: '' }

test('a night after `cosell login` needs no configured token, and each keeps its successor', () =>
  withNights({ referrals: 40, rotateRefreshToken: true }, async ({ sandbox, home, db, run }) => {
    await expect(run(false, unset)).rejects.toMatchObject({ exitCode: 77, code: 'auth.no_token' })
    const settings = { ...demoSettings(sandbox.url), ...unset, COSELL_HOME: home }
    const { account } = await login({
      config: loadConfig(settings, {}, home),
      log: createLog({ write: () => true, isTerminal: false }, 'silent').logger,
      signal: new AbortController().signal,
      tell: () => undefined,
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
