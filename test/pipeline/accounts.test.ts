import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Log } from '../../src/log.ts'
import { run } from '../../src/pipeline/run.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { digestState } from '../support/digest.ts'
import {
  contextOf,
  failureOf,
  withHome,
  withPipeline,
  withSandbox,
} from '../support/with-pipeline.ts'

/** Referrals of each account. */
async function loaded(db: Kysely<Database>) {
  const found = await sql<{ account: string; referrals: number }>`
    select account_code as account, count(fact.referral_key) as referrals
    from dw.dim_partner_account account
    left join dw.fact_referral fact using (partner_account_key)
    group by account_code order by account_code`.execute(db)
  return Object.fromEntries(found.rows.map(({ account, referrals }) => [account, referrals]))
}

/** Runs `use` with the accounts north and south, each with a sandbox of its own. */
function withTwoAccounts(
  use: (given: {
    db: Kysely<Database>
    night: (north?: object) => ReturnType<typeof run>
    logged: string[]
    changeNorth: (count: number) => void
  }) => Promise<void>,
) {
  return withHome((home) =>
    withSandbox({ referrals: 60, seed: 1 }, (north) =>
      withSandbox({ referrals: 80, seed: 2 }, (south) =>
        withDatabase(async (db, _, warehouse) => {
          const logged: string[] = []
          const file = path.join(home, 'accounts.json')
          const accountOf = (account: string, url: string) => {
            const { COSELL_CLIENT_ID: clientId, COSELL_TENANT_ID: tenantId } = demoSettings(url)
            const refreshToken = 'sandbox-refresh-token'
            return { account, apiUrl: url, authorityUrl: url, clientId, tenantId, refreshToken }
          }
          const night = async (changes: object = {}) => {
            const accounts = [
              { ...accountOf('north', north.url), ...changes },
              accountOf('south', south.url),
            ]
            await writeFile(file, JSON.stringify(accounts))
            const settings = {
              COSELL_ACCOUNTS_FILE: file,
              COSELL_REQUESTS_PER_MINUTE: '60000',
            }
            return run(contextOf(warehouse, home, logged, settings), false)
          }
          await use({ db, night, logged, changeNorth: (count) => north.change(count) })
        }),
      ),
    ),
  )
}

describe('several accounts', () => {
  test('several accounts are loaded under keys of their own and summed up', () =>
    withTwoAccounts(async ({ db, night, changeNorth }) => {
      expect(await night()).toMatchObject({ run_ids: [1, 2], seen: 140, changed: 140 })
      expect(await loaded(db)).toEqual({ north: 60, south: 80 })
      changeNorth(5)
      expect(await night()).toMatchObject({ changed: 5 })
      expect(await night()).toMatchObject({ changed: 0, rows_written: 0 })
    }))

  test('one failing account leaves the others loaded, and its error ends the run', () =>
    withTwoAccounts(async ({ db, night, logged }) => {
      const failure = await failureOf(night({ refreshToken: 'a-token-that-nobody-gave' }))
      expect(failure).toMatchObject({ kind: 'signIn', exitCode: 77 })
      expect(await loaded(db)).toEqual({ south: 80 })
      const errors = logged.map((line) => JSON.parse(line)).filter(({ level }) => level === 50)
      expect(errors).toMatchObject([{ account: 'north', code: failure.code }])
      expect(await night()).toMatchObject({ changed: 60 })
      expect(await loaded(db)).toEqual({ north: 60, south: 80 })
    }))
})

describe('a run that cannot read the API', () => {
  const token = 'a-token-that-nobody-gave'
  test.each([
    {
      why: 'the refresh token is refused',
      settings: { COSELL_REFRESH_TOKEN: token },
      kind: 'signIn',
      exitCode: 77,
    },
    {
      why: 'the access token is refused',
      settings: { COSELL_ACCESS_TOKEN: token, COSELL_REFRESH_TOKEN: '' },
      kind: 'signIn',
      exitCode: 77,
    },
    {
      why: 'no server answers',
      settings: { COSELL_API_URL: 'http://127.0.0.1:9' },
      kind: 'tryAgainLater',
      exitCode: 75,
    },
  ])('a run ends with $exitCode when $why, and changes nothing', ({ settings, kind, exitCode }) =>
    withPipeline({ referrals: 40 }, async ({ db, run, logged }) => {
      await run()
      const before = await digestState(db)
      const failure = await failureOf(run(false, settings))
      expect(failure).toMatchObject({ kind, exitCode })
      expect(await digestState(db)).toEqual(before)
      const last = await sql<{ run_status: string; error_message: string }>`
        select run_status, error_message from etl.run order by run_id desc limit 1`.execute(db)
      expect(last.rows).toEqual([{ run_status: 'failed', error_message: failure.message }])
      expect(failure.message + logged.join('')).not.toContain(token)
      expect(await run()).toMatchObject({ changed: 0, rows_written: 0 })
    }),
  )
})

test('a bug of the program ends a run as a bug, not as a database failure', () =>
  withPipeline({ referrals: 20 }, async ({ warehouse, home, sandbox }) => {
    const environment = contextOf(warehouse, home, [], demoSettings(sandbox.url))
    const progress = () => {
      throw new TypeError('progress of nothing')
    }
    const log: Log = { ...environment.log, progress, within: () => log }
    const failure = await failureOf(run({ ...environment, log }, false))
    expect(failure).toMatchObject({ kind: 'bug', exitCode: 70 })
  }))
