import type { AccountConfig } from '../config.ts'
import { CosellError } from '../errors.ts'
import {
  type Capabilities,
  describeCapabilities,
  isNothingKnown,
  parseCapabilities,
} from '../extract/api/capabilities.ts'
import { probe } from '../extract/api/probe.ts'
import { createReferralsApi, type ReferralsApi } from '../extract/api/referrals-api.ts'
import { createTokenStore, tokenFileOf } from '../extract/auth/token-store.ts'
import {
  forgetCapabilities,
  readCapabilities,
  storeCapabilities,
} from '../load/runs/api-capabilities.ts'
import type { RunContext } from './run-context.ts'

/** The API of an account and its probed capabilities. */
export interface AccountApi {
  readonly api: ReferralsApi
  readonly capabilities: Capabilities
}

/** Runs requests that are sent outside of a run, when the account is free. */
export type RequestGate = <T>(ask: () => Promise<T>) => Promise<T>

export interface ApiAccess {
  readonly account: AccountConfig
  readonly partnerAccountKey: number
  /** Left out where the caller holds the lease. */
  readonly gate?: RequestGate
}

/**
 * Opens the API for `use` at the rate that the last run learned. Capabilities are probed at first
 * contact, through the `gate` where one is given. They are forgotten after an answer that
 * contradicts them, so that the next run probes again.
 */
export async function withAccountApi<T>(
  context: RunContext,
  { account, partnerAccountKey, gate = (ask) => ask() }: ApiAccess,
  use: (accountApi: AccountApi) => Promise<T>,
): Promise<T> {
  const { query } = context.warehouse
  const stored = await readCapabilities(query, partnerAccountKey)
  const api = openApi(context, account, learnedRate(stored))
  const probeAndStore = async () => {
    const found = await probe(api)
    await storeCapabilities(query, partnerAccountKey, describeCapabilities(found))
    return found
  }
  try {
    const known = parseCapabilities(stored)
    // An empty account shows no capability.
    const isKnown = known !== null && !isNothingKnown(known)
    const capabilities = isKnown ? known : await gate(probeAndStore)
    return await use({ api, capabilities })
  } catch (error) {
    if (error instanceof CosellError && error.code.startsWith('paging.')) {
      await forgetCapabilities(query, partnerAccountKey).catch(() => undefined)
    }
    throw error
  } finally {
    if (api.counts.requests > 0) {
      const rate = { requests_per_minute: String(Math.floor(api.requestsPerMinute)) }
      await storeCapabilities(query, partnerAccountKey, rate).catch(() => undefined)
    }
    await api.close()
  }
}

/** Requests a minute that the API last accepted; `undefined` before a run has found that out. */
export function learnedRate(stored: ReadonlyMap<string, string>): number | undefined {
  const rate = Number(stored.get('requests_per_minute'))
  return rate >= 1 ? rate : undefined
}

/** The API of an account, opened as the settings say. */
export function openApi(
  { config, log, signal, deadlineAt }: Pick<RunContext, 'config' | 'log' | 'signal' | 'deadlineAt'>,
  account: AccountConfig,
  startingRate?: number,
): ReferralsApi {
  return createReferralsApi({
    ...account,
    tokenStore: createTokenStore(tokenFileOf(config.home, account.name)),
    pageSize: config.pageSize,
    requestsPerMinute: config.requestsPerMinute,
    startingRate,
    deadlineAt,
    concurrency: config.concurrency,
    signal,
    log: log.logger,
  })
}
