import type { AccountConfig } from '../config.ts'
import { CosellError } from '../errors.ts'
import { settleReportingCurrency } from '../exchange-rates/store.ts'
import { advanceWatermark, planRead } from '../extract/incremental/read-plan.ts'
import type { LandedScope } from '../load/landing/read-landed.ts'
import { enterAccount, listAccounts, refuseUnknownAccount } from '../load/runs/accounts.ts'
import type { Lease } from '../load/runs/lease.ts'
import { readAccountState } from '../load/runs/ledger.ts'
import { readReference } from '../load/runs/reference.ts'
import { listQuarantine } from '../quarantine/entries.ts'
import { eachAccount, inRun, underLease } from './account-run.ts'
import { extract } from './extract-and-land.ts'
import type { RunEnvironment } from './run-context.ts'
import { type RunSummary, startStopwatch, summarize } from './run-summary.ts'
import { stageAndPublish } from './transform-and-publish.ts'

/**
 * The nightly job: reads what changed in every configured account and publishes it. An account that
 * fails does not keep the others from being loaded; its error is thrown at the end.
 */
export async function run(environment: RunEnvironment, full: boolean): Promise<RunSummary> {
  const { config, warehouse } = environment
  await settleReportingCurrency(warehouse.query, config.reportingCurrency)
  return eachAccount(config.accounts, environment, async (account) => {
    const key = await enterAccount(warehouse.query, account)
    return underLease(environment, key, (lease) => loadAccount(environment, account, lease, full))
  })
}

/** Transforms and publishes again everything that is in the landing zone, without the API. */
export async function rebuild(environment: RunEnvironment): Promise<RunSummary> {
  const known = await listAccounts(environment.warehouse.query)
  const accounts = known.map((account) => ({ ...account, name: account.account_code }))
  return eachAccount(accounts, environment, (account) =>
    underLease(environment, account.partner_account_key, (lease) =>
      replay(environment, lease, 'all'),
    ),
  )
}

export interface RetryRequest {
  /** Name of an account; every account when left out. */
  readonly account?: string | undefined
  /** Referrals to try; all that are set aside when empty. */
  readonly referralIds: readonly string[]
}

/**
 * Transforms and publishes again the landed versions of referrals that are set aside, without the
 * API. Those that still cannot be read stay where they are, with one attempt more.
 *
 * @throws CosellError `usage` when the account is not known or a referral is not set aside.
 */
export async function retry(
  environment: RunEnvironment,
  { account, referralIds }: RetryRequest,
): Promise<RunSummary> {
  const { query } = environment.warehouse
  const known = await listAccounts(query)
  refuseUnknownAccount(account, known)
  const held = await listQuarantine(query, { account, openOnly: true })
  const wanted = new Set(referralIds)
  for (const { referral_id } of held) wanted.delete(referral_id)
  if (wanted.size > 0) {
    const text = `Not in quarantine: ${[...wanted].join(', ')}. \`cosell quarantine list\` shows what is.`
    throw new CosellError('usage', 'quarantine.not_held', text)
  }
  const isWanted = (id: string) => referralIds.length === 0 || referralIds.includes(id)
  const accounts = known.flatMap(({ partner_account_key: key, account_code: name }) => {
    const theirs = held.filter((entry) => entry.account === name && isWanted(entry.referral_id))
    const ids = [...new Set(theirs.map((entry) => entry.referral_id))]
    return ids.length === 0 ? [] : [{ key, name, ids }]
  })
  return eachAccount(accounts, environment, ({ key, ids }) =>
    underLease(environment, key, (lease) => replay(environment, lease, { ids })),
  )
}

async function loadAccount(
  environment: RunEnvironment,
  account: AccountConfig,
  lease: Lease,
  full: boolean,
): Promise<RunSummary> {
  const { warehouse, config } = environment
  const reference = await readReference(warehouse.query)
  const state = await readAccountState(warehouse.query, lease.partnerAccountKey)
  const now = new Date()
  const startedAt = now.toISOString()
  const plan = planRead({
    watermark: state.watermark,
    lastFullReadAt: state.last_full_read_at,
    full,
    now,
    fullReadDaysMax: reference.settings.fullReadDaysMax,
    overlapHours: config.overlapHours,
  })
  return inRun(environment, lease, { ...plan, to: startedAt }, async (runId) => {
    const stopwatch = startStopwatch()
    const read = await extract(environment, { account, lease, runId, reference, plan, startedAt })
    stopwatch.lap('extract_ms')
    const published = await stageAndPublish(environment, lease, stopwatch, {
      runId,
      reference,
      scope: 'unpublished',
      rowsRead: read.rows,
      watermark: advanceWatermark(state.watermark, read.latest, startedAt),
    })
    return summarize(runId, read, published, stopwatch.stages)
  })
}

async function replay(
  environment: RunEnvironment,
  lease: Lease,
  scope: Exclude<LandedScope, 'unpublished'>,
): Promise<RunSummary> {
  const { query } = environment.warehouse
  const reference = await readReference(query)
  const { watermark } = await readAccountState(query, lease.partnerAccountKey)
  return inRun(environment, lease, { mode: 'rebuild', since: null, to: null }, async (runId) => {
    const stopwatch = startStopwatch()
    const published = await stageAndPublish(environment, lease, stopwatch, {
      runId,
      reference,
      scope,
      watermark,
    })
    const seen = published.staged + published.quarantined
    const read = { seen, requests: 0, throttled: 0, landedRows: 0 }
    return summarize(runId, read, published, stopwatch.stages)
  })
}
