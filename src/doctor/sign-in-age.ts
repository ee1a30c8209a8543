import dayjs from 'dayjs'
import utc from 'dayjs/plugin/utc.js'
import { type AccountConfig, type Config, hasSecret } from '../config.ts'
import { CosellError } from '../errors.ts'
import type { TokenAge } from '../extract/auth/token-store.ts'
import { readSignInAge } from '../pipeline/sign-ins/store.ts'
import type { SignInStatus } from '../report/queries/status.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failedWith } from './check-result.ts'

dayjs.extend(utc)

/** Entra expires a refresh token that was not used for this long. */
const expiredAfterDays = 90
/** Leaves two weeks to act. */
const warnAfterDays = 75

/** Returns the age of each account's stored sign-in, by account name, for `cosell status`. */
export async function readSignIns(
  config: Config,
  query: Kysely<Database> | undefined,
  nowMs: number,
): Promise<ReadonlyMap<string, SignInStatus>> {
  const statuses = config.accounts.map(async (account) => {
    // `doctor` reports a file that cannot be read; the status is shown all the same.
    const age = await readAge(config, query, account).catch(() => null)
    return [account.name, statusOf(age, nowMs)] as const
  })
  return new Map(await Promise.all(statuses))
}

/** Checks that the stored sign-in is neither expired nor about to expire. */
export async function checkSignInAge(
  config: Config,
  query: Kysely<Database> | undefined,
  account: AccountConfig,
  nowMs: number,
): Promise<CheckResult> {
  const check = 'sign-in age'
  if (hasSecret(account, 'accessToken')) {
    const detail = 'not applicable: COSELL_ACCESS_TOKEN is used as it is and lives about an hour'
    return { check, status: 'skipped', detail }
  }
  try {
    const age = await readAge(config, query, account)
    if (age === null)
      return { check, status: 'ok', detail: 'not known: no sign-in was stored so far' }
    const { sign_in_idle_days: days, sign_in_warning: remedy } = statusOf(age, nowMs)
    const since = age.signedInAt === null ? '' : `, signed in on ${age.signedInAt.slice(0, 10)}`
    const detail = `last renewed ${daysText(days ?? 0)} ago${since}`
    return remedy === null
      ? { check, status: 'ok', detail }
      : { check, status: 'warn', detail, remedy }
  } catch (error) {
    if (error instanceof CosellError) return failedWith(check, error)
    throw error
  }
}

/** Returns the check of an old sign-in that has just been used with success. */
export function usedJustNow(age: CheckResult): CheckResult {
  if (age.status !== 'warn') return age
  const remedy =
    'Make sure that the nightly job runs: it renews the sign-in, which Entra expires after ' +
    `${expiredAfterDays} days without use.`
  return { ...age, detail: `${age.detail}; used just now by this check`, remedy }
}

function daysText(count: number): string {
  return `${count} ${count === 1 ? 'day' : 'days'}`
}

function readAge(
  config: Config,
  query: Kysely<Database> | undefined,
  account: AccountConfig,
): Promise<TokenAge | null> {
  if (hasSecret(account, 'accessToken')) return Promise.resolve(null)
  return readSignInAge(config, query, account.name)
}

function statusOf(age: TokenAge | null, nowMs: number): SignInStatus {
  const idle = age === null ? null : daysSince(age.renewedAt, nowMs)
  return {
    signed_in_at: age?.signedInAt ?? null,
    sign_in_renewed_at: age?.renewedAt ?? null,
    sign_in_idle_days: idle,
    sign_in_warning: idle === null ? null : warningOf(idle),
  }
}

function daysSince(instant: string, nowMs: number): number | null {
  const days = dayjs.utc(nowMs).diff(dayjs.utc(instant), 'day')
  return Number.isNaN(days) ? null : Math.max(0, days)
}

/** Returns the remedy for a sign-in that was last renewed `idleDays` ago; `null` when it is young. */
export function warningOf(idleDays: number): string | null {
  if (idleDays < warnAfterDays) return null
  if (idleDays < expiredAfterDays) {
    return (
      `Let the nightly job run within ${daysText(expiredAfterDays - idleDays)}: it renews the sign-in, ` +
      `which Entra expires after ${expiredAfterDays} days without use.`
    )
  }
  return (
    `Entra expires a sign-in after ${expiredAfterDays} days without use: the Referrals admin has to ` +
    'sign in again with `cosell login`, and the nightly job has to run.'
  )
}
