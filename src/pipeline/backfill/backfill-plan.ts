import type { AccountConfig } from '../../config.ts'
import { type Capabilities, parseCapabilities } from '../../extract/api/capabilities.ts'
import { probe } from '../../extract/api/probe.ts'
import type { ReferralsApi } from '../../extract/api/referrals-api.ts'
import {
  type BackfillRequest,
  type BackfillSpan,
  type BackfillStrategy,
  estimateCalls,
  explainStrategy,
  filterOf,
  planWindows,
  readSpan,
  stateOf,
  strategyOf,
  type WindowState,
} from '../../extract/incremental/backfill-windows.ts'
import { listAccounts } from '../../load/runs/accounts.ts'
import { readCapabilities } from '../../load/runs/api-capabilities.ts'
import { countKnown, listBackfillAttempts } from '../../load/runs/backfill-attempts.ts'
import { learnedRate, openApi } from '../account-api.ts'
import { requireAccounts } from '../accounts/accounts-in-force.ts'
import { refuseBesideDemo } from '../accounts/demo-account.ts'
import { readSecrets } from '../accounts/read-secrets.ts'
import type { RunContext } from '../run-context.ts'

/** Time between two windows in which the account is free; a waiting run tries to take it every second. */
export const pauseBetweenWindowsMs = 2_000

/** A window and its state in the ledger when the plan was made. */
export interface PlannedWindow extends BackfillSpan {
  readonly planned: WindowState
}

/** Returns the windows of a span, oldest first, with their states. */
export async function readWindowStates(
  { warehouse }: RunContext,
  partnerAccountKey: number,
  span: BackfillSpan,
  strategy: BackfillStrategy,
): Promise<PlannedWindow[]> {
  const attempts = await listBackfillAttempts(warehouse.query, partnerAccountKey, span)
  return planWindows(span, strategy).map((window) => ({
    ...window,
    planned: stateOf(window, attempts, strategy),
  }))
}

/** A window as the plan shows it. */
export interface WindowEstimate {
  /** Days; `to` is the first day that is not read. */
  readonly from: string
  readonly to: string
  readonly state: WindowState['state']
  readonly referrals: number
  /** Calls that are left; zero for a finished window. */
  readonly calls: number
}

export interface AccountPlan {
  readonly account: string
  readonly strategy: BackfillStrategy
  /** One sentence that says which filter is used and why. */
  readonly explanation: string
  /** Whether every window was finished before, so that all are read again. */
  readonly is_again: boolean
  /** Source of the numbers of referrals. */
  readonly basis: 'counted by the API' | 'known so far'
  readonly windows: readonly WindowEstimate[]
  readonly referrals: number
  readonly calls: number
  readonly requests_per_minute: number
  readonly seconds: number
}

export interface BackfillPlan {
  readonly status: 'planned'
  readonly accounts: readonly AccountPlan[]
}

/** Returns the windows, calls and time that `backfill` would need; writes nothing. */
export async function planBackfill(
  context: RunContext,
  request: BackfillRequest,
  now = new Date(),
): Promise<BackfillPlan> {
  const span = readSpan(request, now)
  await requireAccounts(context)
  const accounts: AccountPlan[] = []
  for (const configured of context.config.accounts) {
    await refuseBesideDemo(context.warehouse.query, configured)
    const account = await readSecrets(context, configured)
    const api = openApi(context, account)
    try {
      accounts.push(await planAccount(context, account, api, span))
    } finally {
      await api.close()
    }
  }
  return { status: 'planned', accounts }
}

async function planAccount(
  context: RunContext,
  { name }: AccountConfig,
  api: ReferralsApi,
  span: BackfillSpan,
): Promise<AccountPlan> {
  const { query } = context.warehouse
  const entered = (await listAccounts(query)).find(({ account_code: code }) => code === name)
  // No account has key 0, so one that was never entered has no rows.
  const key = entered?.partner_account_key ?? 0
  const kept = await readCapabilities(query, key)
  const capabilities = parseCapabilities(kept) ?? (await probe(api))
  const strategy = strategyOf(capabilities)
  const states = await readWindowStates(context, key, span, strategy)
  const isAgain = states.every(({ planned }) => planned.state === 'done')
  const counts =
    capabilities.count === 'total'
      ? await countAtSource(api, capabilities, states)
      : await countKnown(query, key, strategy, states)
  const pageSize = Math.min(api.pageSize, capabilities.pageCap ?? api.pageSize)
  const windows = states.map(({ from, to, planned: { state, isRead } }, index): WindowEstimate => {
    const referrals = counts[index] ?? 0
    const calls = isRead && !isAgain ? 0 : estimateCalls(referrals, pageSize)
    return { from: from.slice(0, 10), to: to.slice(0, 10), state, referrals, calls }
  })
  const calls = sumOf(windows, (window) => window.calls)
  const windowsToRead = isAgain
    ? windows.length
    : windows.filter(({ state }) => state !== 'done').length
  const learned = learnedRate(kept) ?? Number.POSITIVE_INFINITY
  const requestsPerMinute = Math.min(context.config.requestsPerMinute, learned)
  const pausesMs = Math.max(0, windowsToRead - 1) * pauseBetweenWindowsMs
  return {
    account: name,
    strategy,
    explanation: explainStrategy(strategy, span),
    is_again: isAgain,
    basis: capabilities.count === 'total' ? 'counted by the API' : 'known so far',
    windows,
    referrals: sumOf(windows, (window) => window.referrals),
    calls,
    requests_per_minute: requestsPerMinute,
    seconds: Math.ceil((calls * 60) / requestsPerMinute + pausesMs / 1000),
  }
}

async function countAtSource(
  api: ReferralsApi,
  capabilities: Capabilities,
  windows: readonly BackfillSpan[],
): Promise<number[]> {
  const counts: number[] = []
  for (const window of windows) {
    const filter = filterOf(window, capabilities)
    const page = await api.getPage({
      orderBy: 'createdDateTime asc',
      top: 1,
      ...(filter === undefined ? {} : { filter }),
    })
    counts.push(page.count ?? 0)
  }
  return counts
}

function sumOf<T>(members: readonly T[], amountOf: (member: T) => number): number {
  return members.reduce((sum, member) => sum + amountOf(member), 0)
}
