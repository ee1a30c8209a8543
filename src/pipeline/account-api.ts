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
import type { RunEnvironment } from './run-context.ts'

/** The API of an account, and what it was found to do. */
export interface Contact {
  readonly api: ReferralsApi
  readonly capabilities: Capabilities
}

/** Runs what sends requests outside of a run's own turn. */
export type Turn = <T>(ask: () => Promise<T>) => Promise<T>

/**
 * Opens the API for `use`, at the rate that it was last found to bear. What it does is probed at
 * first contact, in a `turn` where one is given, and again after an answer that contradicts what the
 * ledger says.
 */
export async function inContact<T>(
  environment: RunEnvironment,
  partnerAccountKey: number,
  account: AccountConfig,
  use: (contact: Contact) => Promise<T>,
  turn: Turn = (ask) => ask(),
): Promise<T> {
  const { query } = environment.warehouse
  const kept = await readCapabilities(query, partnerAccountKey)
  const api = openApi(environment, account, learnedRate(kept))
  const learn = async () => {
    const found = await probe(api)
    await storeCapabilities(query, partnerAccountKey, describeCapabilities(found))
    return found
  }
  try {
    const known = parseCapabilities(kept)
    // Of an empty account nothing could be seen.
    const isKnown = known !== null && !isNothingKnown(known)
    const capabilities = isKnown ? known : await turn(learn)
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

/** Requests a minute that the API was last found to bear, where a run has found that out. */
export function learnedRate(kept: ReadonlyMap<string, string>): number | undefined {
  const rate = Number(kept.get('requests_per_minute'))
  return rate >= 1 ? rate : undefined
}

/** The API of an account as the settings say. */
export function openApi(
  {
    config,
    log,
    signal,
    deadlineAt,
  }: Pick<RunEnvironment, 'config' | 'log' | 'signal' | 'deadlineAt'>,
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
