import { listAccounts } from '../../load/runs/accounts.ts'
import { withLease } from '../account-run.ts'
import { chooseQuarantined, type RetryRequest } from '../rebuild.ts'
import type { RunContext } from '../run-context.ts'
import { type AccountDifference, diffAccount, type ReplayScope } from './diff-account.ts'

/** What a rebuild, or a retry, would change. */
export interface ReplayDifference {
  readonly status: 'same' | 'different'
  readonly accounts: readonly AccountDifference[]
}

/**
 * Tells what `rebuild` would change, account by account, and leaves nothing behind.
 *
 * @throws CosellError as `rebuild` would; `accountHeld` when a run holds an account.
 */
export async function diffRebuild(context: RunContext): Promise<ReplayDifference> {
  const known = await listAccounts(context.warehouse.query)
  const accounts = known.map(({ partner_account_key: key, account_code: name }) => {
    return { key, name, scope: 'all' } as const
  })
  return diffAccounts(context, accounts)
}

/**
 * Tells what `retryQuarantined` would change, and leaves nothing behind.
 *
 * @throws CosellError as `retryQuarantined` would; `accountHeld` when a run holds an account.
 */
export async function diffRetry(
  context: RunContext,
  request: RetryRequest,
): Promise<ReplayDifference> {
  const chosen = await chooseQuarantined(context.warehouse.query, request)
  return diffAccounts(
    context,
    chosen.map(({ key, name, ids }) => ({ key, name, scope: { ids } })),
  )
}

interface AccountToReplay {
  readonly key: number
  readonly name: string
  readonly scope: ReplayScope
}

/** One account after the other, each from what is stored: half an answer would be taken for a whole. */
async function diffAccounts(
  context: RunContext,
  accounts: readonly AccountToReplay[],
): Promise<ReplayDifference> {
  const found: AccountDifference[] = []
  for (const [index, { key, name, scope }] of accounts.entries()) {
    const part = `${name} (${index + 1} of ${accounts.length})`
    const log = accounts.length === 1 ? context.log : context.log.within(part)
    const ofAccount = { ...context, log, account: name }
    found.push(await withLease(ofAccount, key, (lease) => diffAccount(ofAccount, lease, scope)))
    log.end()
  }
  return { status: found.some(isDifferent) ? 'different' : 'same', accounts: found }
}

function isDifferent({ quarantine, tables, marts }: AccountDifference): boolean {
  return quarantine.added + quarantine.removed + tables.length + marts.length > 0
}
