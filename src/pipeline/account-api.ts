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
import {
  forgetCapabilities,
  readCapabilities,
  storeCapabilities,
} from '../load/runs/api-capabilities.ts'
import type { Warehouse } from '../warehouse/connection/database.ts'
import { confirmSource, signIn } from './accounts/account-source.ts'
import type { RunContext } from './run-context.ts'
import { tokenStoreOf } from './sign-ins/store.ts'

/** The API of an account and its probed capabilities. */
export interface AccountApi {
  readonly api: ReferralsApi
  readonly capabilities: Capabilities
  /** Rows of `etl.api_capability` that earlier runs left, by name. */
  readonly stored: ReadonlyMap<string, string>
  /** Keeps what a run found out, by name, for the next one. */
  learn(found: Readonly<Record<string, string>>): void
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
 * Opens the API for `use` at the rate that the last run learned, once the source is known to be the
 * account's own. Capabilities are probed at first contact, through the `gate` where one is given.
 * They are forgotten after an answer that contradicts them, so that the next run probes again.
 */
export async function withAccountApi<T>(
  context: RunContext,
  { account, partnerAccountKey, gate = (ask) => ask() }: ApiAccess,
  use: (accountApi: AccountApi) => Promise<T>,
): Promise<T> {
  const { query } = context.warehouse
  const stored = await readCapabilities(query, partnerAccountKey)
  const api = openApi(context, account, stored)
  const learned: Record<string, string> = {}
  const learn = (found: Readonly<Record<string, string>>) => void Object.assign(learned, found)
  const probeAndStore = async () => {
    const found = await probe(api)
    await storeCapabilities(query, partnerAccountKey, describeCapabilities(found))
    return found
  }
  // The error of the read counts, and the next run can do without.
  const warn = (what: string) => (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    const text = `what the API was found to accept could not be ${what}`
    context.log.logger.warn({ reason }, text)
  }
  try {
    const known = parseCapabilities(stored)
    // An empty account shows no capability.
    const isKnown = known !== null && !isNothingKnown(known)
    context.log.progress({ phase: 'connecting to the API' })
    const source = await signIn(context, api, account)
    const capabilities = isKnown ? known : await gate(probeAndStore)
    const result = await use({ api, capabilities, stored, learn })
    await confirmSource(context, partnerAccountKey, source)
    return result
  } catch (error) {
    if (error instanceof CosellError && error.code.startsWith('paging.')) {
      await forgetCapabilities(query, partnerAccountKey).catch(warn('forgotten'))
    }
    throw error
  } finally {
    if (api.counts.requests > 0) {
      const rate = { requests_per_minute: String(Math.floor(api.requestsPerMinute)) }
      const found = { ...learned, ...rate, ...answeredAddresses(api) }
      await storeCapabilities(query, partnerAccountKey, found).catch(warn('stored'))
    }
    await api.close()
  }
}

/** Requests a minute that the API last accepted; `undefined` before a run has found that out. */
export function learnedRate(stored: ReadonlyMap<string, string>): number | undefined {
  const rate = Number(stored.get('requests_per_minute'))
  return rate >= 1 ? rate : undefined
}

/** Addresses that gave a good answer, as `etl.api_capability` keeps them. */
function answeredAddresses(api: ReferralsApi): Record<string, string> {
  const { api: api_address, signIn: sign_in_address } = api.answered()
  return {
    ...(api_address === null ? {} : { api_address }),
    ...(sign_in_address === null ? {} : { sign_in_address }),
  }
}

/**
 * The API of an account, opened as the settings say; with the rate and the addresses that an earlier
 * run stored.
 */
export function openApi(
  context: Pick<RunContext, 'config' | 'log' | 'signal' | 'deadlineAt' | 'tally'> & {
    /** Null where it could not be opened: `doctor` asks the API all the same. */
    readonly warehouse: Pick<Warehouse, 'query'> | null
  },
  account: AccountConfig,
  stored: ReadonlyMap<string, string> = new Map(),
): ReferralsApi {
  const { config, warehouse, log, signal, deadlineAt } = context
  const known = [stored.get('api_address'), stored.get('sign_in_address')]
  const api = createReferralsApi({
    ...account,
    tokenStore: tokenStoreOf(config, warehouse?.query, account.name),
    pageSize: config.pageSize,
    requestsPerMinute: config.requestsPerMinute,
    startingRate: learnedRate(stored),
    knownOrigins: known.filter((origin) => origin !== undefined),
    network: config.network,
    deadlineAt,
    concurrency: config.concurrency,
    signal,
    log: log.logger,
  })
  context.tally?.add(api.counts)
  return api
}
