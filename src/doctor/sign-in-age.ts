import type { AccountConfig, Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import { readTokenAge, type TokenAge, tokenFileOf } from '../extract/auth/token-store.ts'
import type { SignInFigures } from '../report/queries/status.ts'
import { type Verdict, verdictOf } from './check-result.ts'

/** Entra lets a refresh token die when nobody has used it for this long. */
const deadAfterDays = 90
/** Two weeks in which somebody can still act. */
const oldAfterDays = 75

/** How old the stored sign-in of each account is, by account name, for `cosell status`. */
export async function readSignIns(
  config: Config,
  nowMs: number,
): Promise<ReadonlyMap<string, SignInFigures>> {
  const figures = config.accounts.map(async (account) => {
    // What cannot be read is for `doctor` to tell; it must not keep the status from being shown.
    const age = await ageOf(config, account).catch(() => null)
    return [account.name, figuresOf(age, nowMs)] as const
  })
  return new Map(await Promise.all(figures))
}

/** Whether the stored sign-in is in danger of dying, or dead. */
export async function judgeAge(
  config: Config,
  account: AccountConfig,
  nowMs: number,
): Promise<Verdict> {
  const check = 'sign-in age'
  if (account.accessToken !== undefined) {
    const detail = 'not applicable: COSELL_ACCESS_TOKEN is used as it is and lives about an hour'
    return { check, status: 'skipped', detail }
  }
  try {
    const age = await ageOf(config, account)
    if (age === null) return { check, status: 'ok', detail: 'not known: none was stored so far' }
    const { sign_in_idle_days: days, sign_in_warning: remedy } = figuresOf(age, nowMs)
    const since = age.signedInAt === null ? '' : `, signed in on ${age.signedInAt.slice(0, 10)}`
    const detail = `last renewed ${inDays(days ?? 0)} ago${since}`
    return remedy === null
      ? { check, status: 'ok', detail }
      : { check, status: 'warn', detail, remedy }
  } catch (error) {
    if (error instanceof CosellError) return verdictOf(check, error)
    throw error
  }
}

/** The same of an old sign-in that has just proved to be alive. */
export function usedJustNow(age: Verdict): Verdict {
  if (age.status !== 'warn') return age
  const remedy =
    'See that the nightly job runs: it renews the sign-in, which Entra lets die after ' +
    `${deadAfterDays} days without use.`
  return { ...age, detail: `${age.detail}; used just now by this look`, remedy }
}

function inDays(count: number): string {
  return `${count} ${count === 1 ? 'day' : 'days'}`
}

function ageOf(config: Config, account: AccountConfig): Promise<TokenAge | null> {
  if (account.accessToken !== undefined) return Promise.resolve(null)
  return readTokenAge(tokenFileOf(config.home, account.name))
}

function figuresOf(age: TokenAge | null, nowMs: number): SignInFigures {
  const idle = age === null ? null : daysSince(age.renewedAt, nowMs)
  return {
    signed_in_at: age?.signedInAt ?? null,
    sign_in_renewed_at: age?.renewedAt ?? null,
    sign_in_idle_days: idle,
    sign_in_warning: idle === null ? null : warningOf(idle),
  }
}

function daysSince(instant: string, nowMs: number): number | null {
  const days = Math.floor((nowMs - Date.parse(instant)) / 86_400_000)
  return Number.isNaN(days) ? null : Math.max(0, days)
}

/** What to do about a sign-in that nobody has renewed for so many days; `null` when it is young. */
export function warningOf(idleDays: number): string | null {
  if (idleDays < oldAfterDays) return null
  if (idleDays < deadAfterDays) {
    return (
      `Let the nightly job run within ${inDays(deadAfterDays - idleDays)}: it renews the sign-in, ` +
      `which Entra lets die after ${deadAfterDays} days without use.`
    )
  }
  return (
    `Entra lets a sign-in die after ${deadAfterDays} days without use: the Referrals admin has to ` +
    'sign in again with `cosell login`, and the nightly job has to run.'
  )
}
