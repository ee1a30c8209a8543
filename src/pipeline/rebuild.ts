import { CosellError } from '../errors.ts'
import { applyReportingCurrency } from '../exchange-rates/store.ts'
import type { LandedScope } from '../load/landing/landed-pages.ts'
import { checkAccountKnown, listAccounts } from '../load/runs/accounts.ts'
import type { Lease } from '../load/runs/lease.ts'
import { readAccountState } from '../load/runs/ledger.ts'
import { readReference } from '../load/runs/reference.ts'
import { readEntries } from '../quarantine/entries.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { withLease, withRun } from './account-run.ts'
import { forEachAccount } from './accounts/for-each-account.ts'
import type { RunContext } from './run-context.ts'
import { notAsked, type RunResult, type RunSummary, summarize } from './run-summary.ts'
import { transformAndPublish } from './transform-and-publish.ts'

/** Transforms and publishes the whole landing zone again, without the API. */
export async function rebuild(context: RunContext): Promise<RunResult> {
  const { config, warehouse } = context
  await applyReportingCurrency(warehouse.query, config.reportingCurrency)
  const known = await listAccounts(warehouse.query)
  const accounts = known.map((account) => ({ ...account, name: account.account_code }))
  return forEachAccount(context, accounts, (account, ofAccount) =>
    withLease(ofAccount, account.partner_account_key, (lease) => replay(ofAccount, lease, 'all')),
  )
}

export interface RetryRequest {
  /** Name of an account; every account when left out. */
  readonly account?: string | undefined
  /** Referrals to try; all quarantined ones when empty. */
  readonly referralIds: readonly string[]
}

/**
 * Transforms and publishes the landed versions of quarantined referrals again, without the API.
 * Those that still cannot be read stay in quarantine, with one attempt more.
 *
 * @throws CosellError `usage` as `chooseQuarantined`.
 */
export async function retryQuarantined(
  context: RunContext,
  request: RetryRequest,
): Promise<RunResult> {
  const accounts = await chooseQuarantined(context.warehouse.query, request)
  return forEachAccount(context, accounts, ({ key, ids }, ofAccount) =>
    withLease(ofAccount, key, (lease) => replay(ofAccount, lease, { ids })),
  )
}

/**
 * Returns the accounts with referrals to retry, and the ids of these.
 *
 * @throws CosellError `usage` when the account is not known or a referral is not in quarantine.
 */
export async function chooseQuarantined(
  query: Kysely<Database>,
  { account, referralIds }: RetryRequest,
) {
  const known = await listAccounts(query)
  checkAccountKnown(account, known)
  const held = await readEntries(query, { account, openOnly: true })
  const wanted = new Set(referralIds)
  for (const { referral_id } of held) wanted.delete(referral_id)
  if (wanted.size > 0) {
    const text = `Not in quarantine: ${[...wanted].join(', ')}. \`cosell quarantine list\` shows what is.`
    throw new CosellError('quarantine.not_held', text)
  }
  const isWanted = (id: string) => referralIds.length === 0 || referralIds.includes(id)
  return known.flatMap(({ partner_account_key: key, account_code: name }) => {
    const theirs = held.filter((entry) => entry.account === name && isWanted(entry.referral_id))
    const ids = [...new Set(theirs.map((entry) => entry.referral_id))]
    return ids.length === 0 ? [] : [{ key, name, ids }]
  })
}

/** Transforms and publishes all or some of the landed referrals of an account again. */
export async function replay(
  context: RunContext,
  lease: Lease,
  scope: Exclude<LandedScope, 'unpublished'>,
): Promise<RunSummary> {
  const { query } = context.warehouse
  const reference = await readReference(query)
  const { watermark } = await readAccountState(query, lease.partnerAccountKey)
  const request = { lease, reference, mode: 'rebuild', since: null, to: null } as const
  return withRun(context, request, async (run) => {
    const published = await transformAndPublish(run, { scope, watermark })
    const seen = published.staged + published.quarantined
    return summarize(run, { ...notAsked, seen, landedRows: 0 }, published)
  })
}
