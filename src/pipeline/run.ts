import type { AccountConfig } from '../config.ts'
import { applyReportingCurrency } from '../exchange-rates/store.ts'
import { planRead } from '../extract/incremental/read-plan.ts'
import { advanceWatermark } from '../extract/incremental/watermark.ts'
import type { Lease } from '../load/runs/lease.ts'
import { readAccountState } from '../load/runs/ledger.ts'
import { readReference } from '../load/runs/reference.ts'
import { withAccountApi } from './account-api.ts'
import { withLease, withRun } from './account-run.ts'
import { requireAccounts } from './accounts/accounts-in-force.ts'
import { forEachAccount } from './accounts/for-each-account.ts'
import { openAccount } from './accounts/open-account.ts'
import { readSecrets } from './accounts/read-secrets.ts'
import { type EarlyLoading, startEarlyLoad } from './early-load.ts'
import { extractAndLand } from './extract-and-land.ts'
import type { RunContext } from './run-context.ts'
import { type RunResult, type RunSummary, summarize } from './run-summary.ts'
import { checkEligibilitySource } from './stored-settings/eligibility-source.ts'
import { transformAndPublish } from './transform-and-publish.ts'

/**
 * The nightly job: reads what changed in every configured account and publishes it. A failing
 * account does not keep the others from being loaded; the gravest failure is thrown at the end. `clock`
 * gives milliseconds since 1970.
 */
export async function run(
  context: RunContext,
  full: boolean,
  clock: () => number = Date.now,
): Promise<RunResult> {
  const { config, warehouse } = context
  await requireAccounts(context)
  await applyReportingCurrency(warehouse.query, config.reportingCurrency)
  await checkEligibilitySource(warehouse.query, config.accounts)
  return forEachAccount(context, config.accounts, async (configured, ofAccount) => {
    const account = await readSecrets(ofAccount, configured)
    const partnerAccountKey = await openAccount(ofAccount, account)
    return withLease(ofAccount, partnerAccountKey, (lease) =>
      runAccount(ofAccount, account, lease, { full, now: new Date(clock()) }),
    )
  })
}

/** One night of one account: plan, extract and land, transform and publish. */
async function runAccount(
  context: RunContext,
  account: AccountConfig,
  lease: Lease,
  { full, now }: { readonly full: boolean; readonly now: Date },
): Promise<RunSummary> {
  const { query } = context.warehouse
  const { partnerAccountKey } = lease
  const reference = await readReference(query)
  const state = await readAccountState(query, partnerAccountKey)
  const plan = planRead({
    watermark: state.watermark,
    lastFullReadAt: state.last_full_read_at,
    full,
    now,
    fullReadDaysMax: reference.settings.fullReadDaysMax,
    overlapHours: context.config.overlapHours,
  })
  const startedAt = now.toISOString()
  const request = { lease, reference, ...plan, to: startedAt, startedAt }
  return withRun(context, request, async (run) => {
    let early: EarlyLoading | undefined
    try {
      const access = { account, partnerAccountKey }
      const extraction = await withAccountApi(run, access, async (accountApi) => {
        if (plan.since === null) early = await startEarlyLoad(run)
        return extractAndLand(run, accountApi, plan, early?.onLanded)
      })
      run.stopwatch.lap('extract_ms')
      const watermark = advanceWatermark(state.watermark, extraction.latest, run.startedAt)
      const end = { watermark, rowsRead: extraction.rows }
      early?.end(end)
      const request = { scope: 'unpublished', ...end } as const
      return summarize(run, extraction, await transformAndPublish(run, request, early))
    } finally {
      await early?.abandon()
    }
  })
}
