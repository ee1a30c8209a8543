import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { AccountsFailed } from '../../../src/pipeline/accounts/account-outcomes.ts'
import { backfill } from '../../../src/pipeline/backfill/backfill.ts'
import { rebuild } from '../../../src/pipeline/rebuild.ts'
import { run } from '../../../src/pipeline/run.ts'
import type { RunContext } from '../../../src/pipeline/run-context.ts'
import type { AccountEnd } from '../../../src/pipeline/run-events.ts'
import type { RunResult } from '../../../src/pipeline/run-summary.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/api/sandbox-server.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { withAltered } from '../../support/altered-sandbox.ts'
import { withDatabase } from '../../support/database.ts'
import { type Digest, digestState } from '../../support/digest.ts'
import { withServer } from '../../support/scripted-server.ts'
import { contextOf, failureOf, withHome } from '../../support/with-pipeline.ts'

interface Account {
  readonly account: string
  readonly url: string
  readonly refreshToken?: string
}

/** A warehouse and a context that loads accounts into it. */
interface World {
  readonly context: RunContext
  /** Accounts in the order of their ends. */
  readonly ends: readonly AccountEnd[]
  readonly logged: readonly string[]
  state(): Promise<Digest>
}

/** Runs `use` with a warehouse of its own; `onEnd` is told when an account of it ends. */
function withWorld<T>(
  accounts: readonly Account[],
  { workers, tolerated = 0 }: { readonly workers: number; readonly tolerated?: number },
  use: (world: World) => Promise<T>,
  onEnd: (ends: readonly AccountEnd[]) => void = () => undefined,
): Promise<T> {
  return withHome((home) =>
    withDatabase(async (db, url) => {
      const warehouse = await openDatabase(url, undefined, { workers })
      try {
        const file = path.join(home, 'accounts.json')
        await writeFile(file, JSON.stringify(accounts.map(settingsOf)))
        const settings = { COSELL_ACCOUNTS_FILE: file, COSELL_REQUESTS_PER_MINUTE: '60000' }
        const logged: string[] = []
        const ends: AccountEnd[] = []
        const observe: RunContext['observe'] = (event) => {
          if (event.kind !== 'account') return
          ends.push(event)
          onEnd(ends)
        }
        const context = contextOf(warehouse, home, logged, settings)
        return await use({
          context: { ...context, workers, tolerated, observe },
          ends,
          logged,
          // When it was read is not what was read. The calendar takes longer to read than all the rest.
          state: () =>
            digestState(db, ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_date']),
        })
      } finally {
        await warehouse.close()
      }
    }),
  )
}

function settingsOf({ account, url, refreshToken = 'sandbox-refresh-token' }: Account) {
  const { COSELL_CLIENT_ID: clientId, COSELL_TENANT_ID: tenantId } = demoSettings(url)
  return { account, apiUrl: url, authorityUrl: url, clientId, tenantId, refreshToken }
}

async function withSandboxes<T>(
  count: number,
  use: (sandboxes: readonly Sandbox[], accounts: readonly Account[]) => Promise<T>,
): Promise<T> {
  const seeds = Array.from({ length: count }, (_, index) => 301 + index)
  const sandboxes = await Promise.all(seeds.map((seed) => startSandbox({ referrals: 20, seed })))
  try {
    const accounts = sandboxes.map(({ url }, at) => ({ account: `account-${at + 1}`, url }))
    return await use(sandboxes, accounts)
  } finally {
    for (const sandbox of sandboxes) await sandbox.close()
  }
}

describe('accounts side by side', () => {
  test(
    'eight accounts four at a time leave what one at a time leaves: first load, nights, backfill and rebuild',
    () =>
      withSandboxes(8, (sandboxes, accounts) =>
        withWorld(accounts, { workers: 1 }, (alone) =>
          withWorld(accounts, { workers: 4 }, async (together) => {
            const both = async (
              what: string,
              load: (context: RunContext) => Promise<RunResult>,
            ) => {
              const expected = await load(alone.context)
              const result = await load(together.context)
              expect(await together.state(), what).toEqual(await alone.state())
              const names = accounts.map(({ account }) => account)
              expect(result.accounts.map(({ account }) => account).sort()).toEqual(names)
              expect([result.seen, result.changed]).toEqual([expected.seen, expected.changed])
              return result
            }
            expect(await both('first load', (context) => run(context, false))).toMatchObject({
              status: 'published',
              seen: 160,
            })
            for (const night of ['first night', 'second night']) {
              // Changes that carry their time; others enter the history at the moment of reading.
              for (const sandbox of sandboxes) {
                for (const kind of ['accept', 'revalue', 'win', 'review'] as const)
                  sandbox.change(2, kind)
              }
              const { changed } = await both(night, (context) => run(context, false))
              expect(changed).toBeGreaterThan(8)
            }
            const first = sandboxes[0]?.referrals()[0]?.createdDateTime ?? ''
            const from = `${first.slice(0, 7)}-01`
            const [year = 0, month = 0] = from.split('-').map(Number)
            const to = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10)
            const history = await both('backfill', (context) =>
              backfill(context, { from, to }, { pauseMs: 0 }),
            )
            expect(history.run_ids.length).toBeGreaterThanOrEqual(8)
            expect(history.seen).toBeGreaterThan(0)
            await both('rebuild', rebuild)
          }),
        ),
      ),
    300_000,
  )

  test('accounts that never answer, are throttled to a crawl, or have a dead sign-in cost the others nothing', async () => {
    // The bad ones come to an end only once all others have ended, which never came if these waited for them.
    const others = new AbortController()
    const { signal: othersEnded } = others
    await withSandboxes(6, ([crawling, dead, ...good]) =>
      withServer(
        async () => {
          if (!othersEnded.aborted) await once(othersEnded, 'abort')
          return { status: 400, body: { error: 'invalid_grant', error_description: 'AADSTS70008' } }
        },
        (hanging) =>
          withAltered(
            crawling as Sandbox,
            (reply) => {
              if (othersEnded.aborted) return
              reply.status = 429
              reply.body = {}
              // Eight tries of so many seconds: the others have ended by then on a busy machine too.
              reply.headers = { 'retry-after': '10' }
            },
            (throttled) => {
              const accounts = [
                { account: 'hanging', url: hanging.url },
                { account: 'crawling', url: throttled.COSELL_API_URL ?? '' },
                { account: 'dead', url: dead?.url ?? '', refreshToken: 'dead' },
                ...good.map(({ url }, at) => ({ account: `good-${at + 1}`, url })),
              ]
              return withWorld(
                accounts,
                { workers: 3, tolerated: 2 },
                async ({ context, ends, logged }) => {
                  const result = await run(context, false)
                  expect(ends.slice(0, 5).map(({ account }) => account)).toEqual([
                    ...['dead', 'good-1', 'good-2', 'good-3', 'good-4'],
                  ])
                  expect(result).toMatchObject({ status: 'partly', exit_code: 0, seen: 100 })
                  expect(
                    result.accounts.map(({ account, exit_code }) => [account, exit_code]),
                  ).toEqual([
                    ['hanging', 77],
                    ['crawling', 0],
                    ['dead', 77],
                    ...good.map((_, at) => [`good-${at + 1}`, 0]),
                  ])
                  // What one account is throttled by leaves the budgets of the others as they are.
                  const asked = result.accounts.slice(3).map(({ requests }) => requests)
                  const list = ({ requests }: Sandbox) =>
                    requests.filter(({ url }) => url.startsWith('/v1.0/'))
                  // The page that shows a new account to be new is read before its run.
                  expect(asked).toEqual(good.map((sandbox) => list(sandbox).length - 1))
                  const lines = logged.map((line): { account?: string } => JSON.parse(line))
                  expect(lines.filter(({ account }) => account === undefined)).toEqual([])
                },
                (ends) => {
                  if (ends.length === 5) others.abort()
                },
              )
            },
          ),
      ),
    )
  }, 240_000)

  test('two new names of one source side by side are one account: the second is refused, and nothing counts twice', () =>
    withSandboxes(1, ([sandbox]) =>
      withAltered(
        sandbox as Sandbox,
        () => undefined,
        (elsewhere) => {
          // Two addresses of one source, which only what it answers gives away.
          const accounts = [
            { account: 'north', url: sandbox?.url ?? '' },
            { account: 'south', url: elsewhere.COSELL_API_URL ?? '' },
          ]
          return withWorld(accounts, { workers: 2 }, async ({ context, state }) => {
            const failure = await failureOf(run(context, false))
            expect(failure).toMatchObject({ code: 'account.same_source', exitCode: 78 })
            if (!(failure instanceof AccountsFailed)) throw failure
            expect(failure.result).toMatchObject({ status: 'partly', seen: 20 })
            const failed = failure.result.accounts.filter(({ status }) => status === 'failed')
            expect(failed).toMatchObject([{ code: 'account.same_source', run_ids: [], seen: 0 }])
            expect((await state())['dw.fact_referral']).toMatch(/^20 rows /)
            expect((await state())['dw.dim_partner_account']).toMatch(/^1 rows /)
          })
        },
      ),
    ))
})
