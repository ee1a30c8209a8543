import { describeSecrets } from '../config/account-config.ts'
import type { AccountConfig } from '../config.ts'
import { CosellError } from '../errors.ts'
import { type Capabilities, describeCapabilities } from '../extract/api/capabilities.ts'
import type { ReferralsApi } from '../extract/api/referrals-api.ts'
import { movedMin, movesDate, parseEvidence } from '../extract/incremental/review-evidence.ts'
import { listAccounts } from '../load/runs/accounts.ts'
import { readCapabilities, storeCapabilities } from '../load/runs/api-capabilities.ts'
import { openApi } from '../pipeline/account-api.ts'
import { readSecrets } from '../pipeline/accounts/read-secrets.ts'
import type { RunContext } from '../pipeline/run-context.ts'
import { countPresent } from '../report/queries/status.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import type { OpenWarehouse } from '../warehouse/open.ts'
import { type CheckResult, failedWith } from './check-result.ts'
import { type DatabaseChecks, describeSkew, skewMsMax } from './database-checks.ts'
import { checkRoutes } from './network-checks.ts'
import { checkSignInAge, usedJustNow } from './sign-in-age.ts'

/** Settings, clock and limits that all checks share. */
export interface DoctorContext extends Pick<RunContext, 'config' | 'log' | 'signal'> {
  readonly probe: (api: ReferralsApi) => Promise<Capabilities>
  readonly now: () => number
  /** Longest time that the API of one account may take, retries included. */
  readonly accountTimeoutMs: number
}

/** The open warehouse and the results of its checks; no warehouse when it did not answer. */
export interface DatabaseState {
  readonly warehouse: OpenWarehouse | null
  readonly checks: DatabaseChecks
}

/** First answer of the list call, or the failure instead of it. */
type FirstAnswer =
  | {
      readonly isAnswered: true
      readonly rows: number
      readonly count: number | null
      /** Lead of the API's clock over ours. */
      readonly clockAheadMs: number
    }
  | { readonly isAnswered: false; readonly failure: CosellError; readonly isOfSignIn: boolean }

/** Facts of an account in the warehouse; null or empty when it was never loaded. */
interface KnownAccount {
  readonly key: number | null
  readonly referrals: number | null
  /** Rows of `etl.api_capability` by name: what runs have learned. */
  readonly learned: ReadonlyMap<string, string>
}

const notAnswered = 'not checked: the API does not answer'

/** Checks the way to the API, sign-in, API and age of the sign-in of one account. */
export async function checkAccount(
  context: DoctorContext,
  account: AccountConfig,
  database: DatabaseState,
): Promise<CheckResult[]> {
  // Read before signing in, which renews it.
  const age = await checkSignInAge(
    context.config,
    keptSignIns(database)?.query,
    account,
    context.now(),
  )
  const routes = checkRoutes(context.config, account)
  if (routes.status === 'fail') {
    const detail = 'not checked: there is no way to the API'
    return [routes, { check: 'sign-in', status: 'skipped', detail }, age]
  }
  const { accountTimeoutMs } = context
  const text = `The API of ${account.apiUrl} took longer than ${accountTimeoutMs / 1_000} s. Run \`cosell doctor\` again later.`
  const late = new AbortController()
  const end = () => late.abort(new CosellError('doctor.too_long', text))
  const timer = setTimeout(end, accountTimeoutMs)
  const signal = AbortSignal.any([context.signal, late.signal])
  try {
    const { secrets, withSecrets } = await checkSecrets({ ...context, signal }, account)
    if (withSecrets === undefined) return [routes, ...secrets, age]
    const results = await checkApi({ ...context, signal }, withSecrets, database)
    const isSignedIn = results.some(({ check, status }) => check === 'sign-in' && status === 'ok')
    return [routes, ...secrets, ...results, isSignedIn ? usedJustNow(age) : age]
  } finally {
    clearTimeout(timer)
  }
}

/** Reads the secrets of an account of the warehouse, and says where each was found. */
async function checkSecrets(
  context: DoctorContext,
  account: AccountConfig,
): Promise<{ secrets: CheckResult[]; withSecrets: AccountConfig | undefined }> {
  const check = 'secrets'
  const places = Object.values(describeSecrets(account))
  if (places.length === 0) return { secrets: [], withSecrets: account }
  try {
    const withSecrets = await readSecrets(context, account)
    const detail = `found: ${places.join(', ')}`
    return { secrets: [{ check, status: 'ok', detail }], withSecrets }
  } catch (error) {
    return { secrets: [failedWith(check, failureOf(error))], withSecrets: undefined }
  }
}

/** The warehouse as the place of sign-ins, whose table an older schema has not. */
function keptSignIns({ warehouse, checks }: DatabaseState): OpenWarehouse | null {
  return checks.isMigrated ? warehouse : null
}

async function checkApi(
  context: DoctorContext,
  account: AccountConfig,
  database: DatabaseState,
): Promise<CheckResult[]> {
  const api = openApi({ ...context, warehouse: keptSignIns(database) }, account)
  try {
    const answer = await readFirstAnswer(api, context.now)
    const capabilities = answer.isAnswered ? await context.probe(api).catch(failureOf) : null
    const known = await readKnownAccount(account, database)
    return [
      checkSignIn(answer, account),
      checkVisibility(answer, capabilities, known),
      checkClocks(answer, database.checks.clockAheadMs),
      await checkCapabilities(capabilities, database, known),
      checkReviews(known),
      checkRequestBudget(context, api, known),
    ]
  } finally {
    await api.close()
  }
}

async function readFirstAnswer(api: ReferralsApi, now: () => number): Promise<FirstAnswer> {
  try {
    const page = await api.getPage({ orderBy: 'updatedDateTime desc', top: 1 })
    const clockAheadMs = Date.parse(page.fetchedAt) - now()
    return {
      isAnswered: true,
      rows: page.referrals.length,
      count: page.count,
      clockAheadMs,
    }
  } catch (error) {
    const failure = failureOf(error)
    // A request is counted once it has its token: before the first, only signing in can have failed.
    const isOfSignIn =
      api.counts.requests === 0 ||
      (failure.code.startsWith('auth.') && failure.code !== 'auth.forbidden')
    return { isAnswered: false, failure, isOfSignIn }
  }
}

function failureOf(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  throw error
}

async function readKnownAccount(
  account: AccountConfig,
  database: DatabaseState,
): Promise<KnownAccount> {
  const nothing: KnownAccount = { key: null, referrals: null, learned: new Map() }
  const { warehouse, checks } = database
  if (warehouse === null || !checks.isMigrated) return nothing
  try {
    const { query } = warehouse
    const accounts = await listAccounts(query)
    const entry = accounts.find((other) => other.account_code === account.name)
    if (entry === undefined) return nothing
    const key = entry.partner_account_key
    return {
      key,
      referrals: await countPresent(query, key),
      learned: await readCapabilities(query, key),
    }
  } catch {
    // The database's own checks report missing rights and an older schema.
    return nothing
  }
}

function checkSignIn(answer: FirstAnswer, { accessToken }: AccountConfig): CheckResult {
  const check = 'sign-in'
  const isGiven = accessToken !== undefined
  if (!answer.isAnswered && answer.isOfSignIn) return failedWith(check, answer.failure)
  if (!answer.isAnswered && isGiven && answer.failure.code !== 'auth.forbidden') {
    return { check, status: 'skipped', detail: notAnswered }
  }
  const detail = isGiven ? 'COSELL_ACCESS_TOKEN is accepted' : 'the refresh token gives a token'
  return { check, status: 'ok', detail }
}

/** A user who lost the role gets no error but fewer referrals, so only the counts show it. */
function checkVisibility(
  answer: FirstAnswer,
  capabilities: Capabilities | CosellError | null,
  { referrals }: KnownAccount,
): CheckResult {
  const check = 'role'
  if (!answer.isAnswered) {
    if (!answer.isOfSignIn) return failedWith(check, answer.failure)
    return { check, status: 'skipped', detail: 'not checked: no user is signed in' }
  }
  const remedy =
    'Give the user who signs in the role "Referrals admin of the entire company" in Partner Center ' +
    '(account settings, user management); other users see fewer referrals without an error.'
  // One row was requested, so a greater count is not that of the page.
  const isTotal =
    (answer.count ?? 0) > answer.rows ||
    (capabilities !== null && 'count' in capabilities && capabilities.count === 'total')
  const visible = answer.rows === 0 ? 0 : isTotal ? answer.count : null
  if (visible === null) {
    const detail = 'the list answers; this API does not report the number of referrals'
    return { check, status: 'ok', detail }
  }
  const loaded = referrals === null ? '' : `, ${referrals} are in the warehouse`
  const detail = `${visible} referrals are visible${loaded}`
  const isLess = visible === 0 || visible < (referrals ?? 0) * (1 - invisibleShareMax)
  return isLess ? { check, status: 'warn', detail, remedy } : { check, status: 'ok', detail }
}

/** Largest share of known referrals that may be invisible before `doctor` warns, as in a full read. */
const invisibleShareMax = 0.05

function checkClocks(answer: FirstAnswer, databaseAheadMs: number | null): CheckResult {
  const check = 'clock'
  if (!answer.isAnswered) return { check, status: 'skipped', detail: notAnswered }
  const { clockAheadMs: aheadMs } = answer
  const ofDatabaseMs = databaseAheadMs === null ? 0 : aheadMs - databaseAheadMs
  const detail = [
    describeSkew('the API', aheadMs, 'this machine'),
    ...(databaseAheadMs === null ? [] : [describeSkew('the API', ofDatabaseMs, 'the database')]),
  ].join(', ')
  const off = [
    ...(Math.abs(aheadMs) > skewMsMax ? ['this machine'] : []),
    ...(Math.abs(ofDatabaseMs) > skewMsMax ? ['the database server'] : []),
  ]
  if (off.length === 0) return { check, status: 'ok', detail }
  const remedy = `Let ${off.join(' and ')} follow a time server (NTP): the watermark depends on it.`
  return { check, status: 'warn', detail, remedy }
}

async function checkCapabilities(
  capabilities: Capabilities | CosellError | null,
  { warehouse, checks }: DatabaseState,
  { key }: KnownAccount,
): Promise<CheckResult> {
  const check = 'API'
  if (capabilities === null) return { check, status: 'skipped', detail: notAnswered }
  if (capabilities instanceof CosellError) return failedWith(check, capabilities)
  const observed = describeCapabilities(capabilities)
  const texts = Object.entries(observed).map(
    ([name, value]) => `${name.replaceAll('_', ' ')} ${value}`,
  )
  const reported = (note: string): CheckResult => ({
    check,
    status: 'ok',
    detail: `${texts.join(', ')} (${note})`,
  })
  if (warehouse === null || !checks.isMigrated)
    return reported('not recorded: no schema to record it in')
  if (key === null) return reported('not recorded: the account was never loaded')
  if (!checks.isWritable) return reported('not recorded: the database cannot be written')
  try {
    await storeCapabilities(warehouse.query, key, observed)
    return reported('recorded')
  } catch (error) {
    return reported(`not recorded: ${databaseFailure(error).code}`)
  }
}

/**
 * Says what runs have learned about the reviews of an account's registrations, and how many requests
 * that costs a night. It is never a failure: a source may do either.
 */
function checkReviews({ key, learned }: KnownAccount): CheckResult {
  const check = 'reviews'
  if (key === null) {
    return { check, status: 'skipped', detail: 'not checked: the account was never loaded' }
  }
  const evidence = parseEvidence(learned)
  const { movedInRow, silent } = evidence
  const moved = `${movedInRow} decisions that moved updatedDateTime`
  const seen =
    silent === 0 ? `seen ${moved}` : `seen ${silent} changes that did not move it, then ${moved}`
  const rule = movesDate(evidence)
    ? 'a night reads a sample of the registrations that may change'
    : `a night looks at every registration that may change, until ${movedMin} in a row move it`
  const way = learned.get('reviews_read')
  const last = way === undefined ? '' : `; last: ${way}`
  return { check, status: 'ok', detail: `${seen}: ${rule}${last}` }
}

function checkRequestBudget(
  { config }: DoctorContext,
  { counts }: ReferralsApi,
  { learned: found }: KnownAccount,
): CheckResult {
  const check = 'budget'
  const allowed = found.get('requests_per_minute')
  const learned = allowed === undefined ? '' : `; ${allowed} were accepted in the last run`
  const budget = `${config.requestsPerMinute} requests a minute, ${config.concurrency} at once${learned}`
  const { requests, throttled } = counts
  if (throttled === 0) return { check, status: 'ok', detail: budget }
  return {
    check,
    status: 'warn',
    detail: `${budget}; ${throttled} of ${requests} requests of this check were throttled`,
    remedy:
      'Lower COSELL_REQUESTS_PER_MINUTE, or see who else calls the API for this tenant at this time.',
  }
}
