import { loadConfig } from '../../../config.ts'
import { AccountsFailed } from '../../../pipeline/accounts/account-outcomes.ts'
import { requireAccounts } from '../../../pipeline/accounts/accounts-in-force.ts'
import { chooseAccounts } from '../../../pipeline/accounts/choose-accounts.ts'
import { run } from '../../../pipeline/run.ts'
import type { RunResult } from '../../../pipeline/run-summary.ts'
import { type JsonFlag, log, toFailure } from '../../output.ts'
import { ping } from '../../ping.ts'
import {
  type LoadContext,
  type MetricsFlag,
  printRun,
  type WorkerFlags,
  withRunContext,
} from '../../with-warehouse.ts'

export type RunFlags = JsonFlag &
  MetricsFlag &
  WorkerFlags & {
    readonly full?: true
    readonly account?: readonly string[]
  }

/** Runs the nightly job, and reports its end to the dead-man's switch where one is configured. */
export async function runAndPing({ json, full, account, metricsFile, ...side }: RunFlags) {
  const config = loadConfig()
  try {
    const use = async (context: LoadContext) => {
      if (account !== undefined) await requireAccounts(context)
      const accounts = chooseAccounts(context.config.accounts, account)
      const chosen = { ...context, config: { ...context.config, accounts } }
      const result = await printRun(json, context.place, run(chosen, full === true))
      await ping(config, 'done', countsOf(result), log.logger)
    }
    const watched = { command: 'run', metricsFile }
    await withRunContext(config, use, { readsAccounts: true, watched, side })
  } catch (error) {
    const { code, exitCode } = toFailure(error)
    const counts = error instanceof AccountsFailed ? accountCounts(error.result) : {}
    await ping(config, 'failed', { code, exitCode, ...counts }, log.logger)
    throw error
  }
}

/** A monitor is another company's: it gets counts, and neither a name nor a message that may have one. */
function countsOf(result: RunResult) {
  const { accounts: _, message: __, ...summary } = result
  return { ...summary, ...accountCounts(result) }
}

function accountCounts({ accounts }: RunResult) {
  const failed = accounts.filter(({ status }) => status === 'failed')
  return { accounts: accounts.length, accounts_failed: failed.length }
}
