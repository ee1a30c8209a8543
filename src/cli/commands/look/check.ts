import { type AccountConfig, type Config, hasSecret, loadConfig } from '../../../config.ts'
import { exitCodes } from '../../../exit-codes.ts'
import { withStoredAccounts } from '../../../pipeline/accounts/accounts-in-force.ts'
import { judgeFreshness, readLastPublishes } from '../../../report/queries/freshness.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderFreshness } from '../../text/status.ts'
import { inspectWarehouse } from '../../with-warehouse.ts'

export type CheckFlags = JsonFlag & { readonly maxAge: number; readonly metrics?: true }

const hourMs = 3_600_000

/**
 * Prints whether every account was published lately enough, and sets the exit code; or prints the
 * metrics of the warehouse.
 */
export async function check({ json, maxAge, metrics }: CheckFlags) {
  const config = loadConfig()
  if (metrics) return printMetrics(config)
  const found = await inspectWarehouse(config, async ({ query }) => ({
    published: await readLastPublishes(query),
    accounts: (await withStoredAccounts(config, query)).accounts,
  }))
  const { published, accounts } = found ?? { published: [], accounts: config.accounts }
  const expected = accounts.filter(isRead).map(({ name }) => name)
  const freshness = judgeFreshness(published, expected, maxAge / hourMs)
  const message = renderFreshness(freshness)
  printAnswer(json, { ...freshness, message }, () => message)
  if (freshness.status === 'stale') process.exitCode = exitCodes.stale.code
}

async function printMetrics(config: Config) {
  const { stateText } = await import('../../telemetry/read-state.ts')
  const text = await inspectWarehouse(config, async (warehouse) =>
    stateText(warehouse, await withStoredAccounts(config, warehouse.query)),
  )
  printAnswer(undefined, {}, () => (text ?? '').trimEnd())
}

/** Whether a run could read the account: without a sign-in, only files can bring it. */
function isRead(account: AccountConfig): boolean {
  return hasSecret(account, 'accessToken') || account.clientId !== undefined
}
