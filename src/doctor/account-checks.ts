import type { AccountConfig } from '../config.ts'
import { CosellError } from '../errors.ts'
import { type Capabilities, describeCapabilities } from '../extract/api/capabilities.ts'
import type { ReferralsApi } from '../extract/api/referrals-api.ts'
import { listAccounts } from '../load/runs/accounts.ts'
import { readCapabilities, storeCapabilities } from '../load/runs/api-capabilities.ts'
import { openApi } from '../pipeline/account-api.ts'
import type { RunEnvironment } from '../pipeline/run-context.ts'
import { countPresent } from '../report/queries/status.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import type { OpenWarehouse } from '../warehouse/open.ts'
import { type Verdict, verdictOf } from './check-result.ts'
import { describeSkew, type Preflight, skewMsMax } from './database-checks.ts'
import { judgeAge, usedJustNow } from './sign-in-age.ts'

/** What the examination works with. */
export interface Doctor extends Pick<RunEnvironment, 'config' | 'log' | 'signal'> {
  readonly probe: (api: ReferralsApi) => Promise<Capabilities>
  readonly now: () => number
  /** How long the API of one account may keep us, retries included. */
  readonly accountMsMax: number
}

/** The database as far as it answered. */
export interface Patient {
  readonly warehouse: OpenWarehouse | null
  readonly found: Preflight
}

/** The first answer of the list, or why there is none. */
type Contact =
  | {
      readonly isMade: true
      readonly rows: number
      readonly count: number | null
      /** How far the API's clock is ahead of ours. */
      readonly aheadMs: number
    }
  | { readonly isMade: false; readonly failure: CosellError; readonly isOfSignIn: boolean }

/** What the warehouse knows of an account; all null when it does not know it. */
interface Known {
  readonly key: number | null
  readonly referrals: number | null
  /** Requests a minute that the API let pass, as the last run found out. */
  readonly allowed: string | null
}

const unanswered = 'not looked at: the API gives no answer'

/** Sign-in, API and age of the sign-in of one account. */
export async function examineAccount(
  doctor: Doctor,
  account: AccountConfig,
  patient: Patient,
): Promise<Verdict[]> {
  // Before signing in, which renews it.
  const age = await judgeAge(doctor.config, account, doctor.now())
  const { accountMsMax } = doctor
  const text = `The API of ${account.apiUrl} took longer than ${accountMsMax / 1_000} s. Run \`cosell doctor\` again later.`
  const late = new AbortController()
  const end = () => late.abort(new CosellError('tryAgainLater', 'doctor.too_long', text))
  const timer = setTimeout(end, accountMsMax)
  const signal = AbortSignal.any([doctor.signal, late.signal])
  try {
    const verdicts = await examineApi({ ...doctor, signal }, account, patient)
    const isSignedIn = verdicts.some(({ check, status }) => check === 'sign-in' && status === 'ok')
    return [...verdicts, isSignedIn ? usedJustNow(age) : age]
  } finally {
    clearTimeout(timer)
  }
}

async function examineApi(
  doctor: Doctor,
  account: AccountConfig,
  patient: Patient,
): Promise<Verdict[]> {
  const api = openApi(doctor, account)
  try {
    const contact = await makeContact(api, doctor.now)
    const accepted = contact.isMade ? await doctor.probe(api).catch(failureOf) : null
    const known = await readKnown(account, patient)
    return [
      judgeSignIn(contact, account),
      judgeVisibility(contact, accepted, known),
      judgeClock(contact, patient.found.clockAheadMs),
      await judgeAccepted(accepted, patient, known),
      judgeBudget(doctor, api, known),
    ]
  } finally {
    await api.close()
  }
}

async function makeContact(api: ReferralsApi, now: () => number): Promise<Contact> {
  try {
    const page = await api.getPage({ orderBy: 'updatedDateTime desc', top: 1 })
    const aheadMs = Date.parse(page.fetchedAt) - now()
    return { isMade: true, rows: page.referrals.length, count: page.count, aheadMs }
  } catch (error) {
    const failure = failureOf(error)
    // A request is counted once it has its token: before the first, only signing in can have failed.
    const isOfSignIn =
      api.counts.requests === 0 ||
      (failure.code.startsWith('auth.') && failure.code !== 'auth.forbidden')
    return { isMade: false, failure, isOfSignIn }
  }
}

function failureOf(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  throw error
}

async function readKnown(account: AccountConfig, patient: Patient): Promise<Known> {
  const nothing: Known = { key: null, referrals: null, allowed: null }
  const { warehouse, found } = patient
  if (warehouse === null || !found.isMigrated) return nothing
  try {
    const { query } = warehouse
    const accounts = await listAccounts(query)
    const entry = accounts.find((other) => other.account_code === account.name)
    if (entry === undefined) return nothing
    const key = entry.partner_account_key
    const capabilities = await readCapabilities(query, key)
    return {
      key,
      referrals: await countPresent(query, key),
      allowed: capabilities.get('requests_per_minute') ?? null,
    }
  } catch {
    // What the database refuses, or an older schema does not have, is told by its own checks.
    return nothing
  }
}

function judgeSignIn(contact: Contact, { accessToken }: AccountConfig): Verdict {
  const check = 'sign-in'
  const isGiven = accessToken !== undefined
  if (!contact.isMade && contact.isOfSignIn) return verdictOf(check, contact.failure)
  if (!contact.isMade && isGiven && contact.failure.code !== 'auth.forbidden') {
    return { check, status: 'skipped', detail: unanswered }
  }
  const detail = isGiven ? 'COSELL_ACCESS_TOKEN is accepted' : 'the refresh token gives a token'
  return { check, status: 'ok', detail }
}

/** A user who lost the role is not refused, but sees less: only the numbers tell. */
function judgeVisibility(
  contact: Contact,
  accepted: Capabilities | CosellError | null,
  { referrals }: Known,
): Verdict {
  const check = 'role'
  if (!contact.isMade) {
    if (!contact.isOfSignIn) return verdictOf(check, contact.failure)
    return { check, status: 'skipped', detail: 'not looked at: nobody is signed in' }
  }
  const remedy =
    'Give the user who signs in the role "Referrals admin of the entire company" in Partner Center ' +
    '(account settings, user management); other users see fewer referrals without an error.'
  // One row was asked for: a greater count cannot be that of the page.
  const isTotal =
    (contact.count ?? 0) > contact.rows ||
    (accepted !== null && 'count' in accepted && accepted.count === 'total')
  const visible = contact.rows === 0 ? 0 : isTotal ? contact.count : null
  if (visible === null) {
    const detail = 'the list answers; how many referrals there are is not told by this API'
    return { check, status: 'ok', detail }
  }
  const loaded = referrals === null ? '' : `, ${referrals} are in the warehouse`
  const detail = `${visible} referrals are visible${loaded}`
  const isLess = visible === 0 || visible < (referrals ?? 0) * (1 - visibleShareLost)
  return isLess ? { check, status: 'warn', detail, remedy } : { check, status: 'ok', detail }
}

/** As the brake on a full read: that many do not go by themselves. */
const visibleShareLost = 0.05

function judgeClock(contact: Contact, databaseAheadMs: number | null): Verdict {
  const check = 'clock'
  if (!contact.isMade) return { check, status: 'skipped', detail: unanswered }
  const { aheadMs } = contact
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
  const remedy = `Let ${off.join(' and ')} follow a time server (NTP): what was read up to when goes by it.`
  return { check, status: 'warn', detail, remedy }
}

async function judgeAccepted(
  accepted: Capabilities | CosellError | null,
  { warehouse, found }: Patient,
  { key }: Known,
): Promise<Verdict> {
  const check = 'API'
  if (accepted === null) return { check, status: 'skipped', detail: unanswered }
  if (accepted instanceof CosellError) return verdictOf(check, accepted)
  const observed = describeCapabilities(accepted)
  const words = Object.entries(observed).map(
    ([name, value]) => `${name.replaceAll('_', ' ')} ${value}`,
  )
  const told = (note: string): Verdict => ({
    check,
    status: 'ok',
    detail: `${words.join(', ')} (${note})`,
  })
  if (warehouse === null || !found.isMigrated)
    return told('not recorded: no schema to record it in')
  if (key === null) return told('not recorded: the account was never loaded')
  if (!found.isWritable) return told('not recorded: the database cannot be written')
  try {
    await storeCapabilities(warehouse.query, key, observed)
    return told('recorded')
  } catch (error) {
    return told(`not recorded: ${databaseFailure(error).code}`)
  }
}

function judgeBudget({ config }: Doctor, { counts }: ReferralsApi, { allowed }: Known): Verdict {
  const check = 'budget'
  const learnt = allowed === null ? '' : `; ${allowed} were let pass in the last run`
  const budget = `${config.requestsPerMinute} requests a minute, ${config.concurrency} at once${learnt}`
  const { requests, throttled } = counts
  if (throttled === 0) return { check, status: 'ok', detail: budget }
  return {
    check,
    status: 'warn',
    detail: `${budget}; ${throttled} of ${requests} requests of this look were throttled`,
    remedy:
      'Lower COSELL_REQUESTS_PER_MINUTE, or see who else calls the API for this tenant at this time.',
  }
}
