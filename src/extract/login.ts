import type { AccountConfig, Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { createReferralsApi, openAuthority } from './api/referrals-api.ts'
import { type DeviceCode, signInWithDeviceCode } from './auth/device-code.ts'
import { createTokenStore, type TokenStore, tokenFileOf } from './auth/token-store.ts'
import { type Clock, systemClock } from './http/rate-limiter.ts'

export interface LoginOptions {
  readonly config: Config
  /** Which account; needed when several are configured. */
  readonly account?: string | undefined
  readonly log: Logger
  /** Aborted with the CosellError that says why to stop. */
  readonly signal: AbortSignal
  /** Shows the person what to do now. */
  readonly tell: (text: string) => void
  readonly clock?: Clock | undefined
}

export interface LoginResult {
  readonly status: 'signed_in'
  readonly account: string
  readonly token_file: string
  /** Whether the list has at least one referral for this user. */
  readonly sees_referrals: boolean
  /** What the person should know or do about it. */
  readonly notes: readonly string[]
}

/**
 * Signs a person in with a code that is entered in a browser on any machine, tries the sign-in as
 * the nightly job would, and keeps it for that job. One that is refused replaces no earlier one.
 *
 * @throws CosellError `signIn` when the code ran out, was declined, or the user lacks the role
 */
export async function login(options: LoginOptions): Promise<LoginResult> {
  const account = accountOf(options)
  const tokenFile = tokenFileOf(options.config.home, account.name)
  const newest = await askForSignIn(options, account)
  const tokenStore = createTokenStore(tokenFile, options.clock?.now)
  const keep = async () => tokenStore.save((await newest.load()) ?? '')
  const seesReferrals = await tryOut(options, account, newest).catch(async (error: unknown) => {
    options.signal.throwIfAborted()
    if (!(error instanceof CosellError)) throw error
    const isRefused = error.kind === 'signIn' || error.kind === 'configuration'
    if (!isRefused) await keep()
    const fate = isRefused
      ? 'You are signed in, but with this sign-in nothing can be read, so it was not kept.'
      : `The sign-in is kept in ${tokenFile}, but it could not be tried.`
    throw new CosellError(error.kind, error.code, `${fate} ${error.message}`, { cause: error })
  })
  await keep()
  return {
    status: 'signed_in',
    account: account.name,
    token_file: tokenFile,
    sees_referrals: seesReferrals,
    notes: notesOn(account, seesReferrals),
  }
}

/** What a person is told in the end. */
export function renderLogin({ account, token_file: file, notes }: LoginResult): string {
  return [`Signed in for the account ${account}; the sign-in is kept in ${file}.`, ...notes].join(
    '\n',
  )
}

function accountOf({ config, account }: LoginOptions): AccountConfig {
  const names = config.accounts.map(({ name }) => name).join(', ')
  const [only, ...others] = config.accounts
  if (account === undefined && only !== undefined && others.length === 0) return only
  const found = config.accounts.find(({ name }) => name === account)
  if (found !== undefined) return found
  const got = account === undefined ? 'none' : `"${account}"`
  throw new CosellError(
    'usage',
    'login.which_account',
    `--account: expected one of ${names}, got ${got}. Name the account to sign in for.`,
  )
}

/** The new refresh token, in a store that holds it in memory alone until it was tried. */
async function askForSignIn(
  { config: _, ...options }: LoginOptions,
  account: AccountConfig,
): Promise<TokenStore> {
  const clock = options.clock ?? systemClock
  const authority = openAuthority({ ...options, authorityUrl: account.authorityUrl, clock })
  try {
    const { refreshToken } = await signInWithDeviceCode(account, {
      post: authority.post,
      clock,
      signal: options.signal,
      show: (code) => options.tell(instructions(account, code)),
    })
    if (refreshToken === null) throw noRefreshToken()
    let newest = refreshToken
    return {
      load: async () => newest,
      save: async (rotated) => {
        newest = rotated
      },
    }
  } finally {
    await authority.close()
  }
}

/** One small read as the nightly job makes it: a renewal and a list request. */
async function tryOut(
  { config, clock, log, signal }: LoginOptions,
  account: AccountConfig,
  tokenStore: TokenStore,
): Promise<boolean> {
  const api = createReferralsApi({
    ...account,
    accessToken: undefined,
    refreshToken: undefined,
    tokenStore,
    pageSize: 1,
    requestsPerMinute: config.requestsPerMinute,
    concurrency: 1,
    clock,
    signal,
    log,
  })
  try {
    const { referrals } = await api.getPage({ orderBy: 'createdDateTime asc' })
    return referrals.length > 0
  } finally {
    await api.close()
  }
}

function instructions(account: AccountConfig, code: DeviceCode): string {
  return [
    `To sign in for the account ${account.name}, open`,
    `  ${code.verificationUrl}`,
    `in a browser on any machine and enter the code`,
    `  ${code.userCode}`,
    `within ${code.expiresInMinutes} minutes, as a Referrals admin of the entire company: other users ` +
      'see fewer referrals, and nothing says so.',
  ].join('\n')
}

function notesOn(account: AccountConfig, seesReferrals: boolean): string[] {
  const notes: string[] = []
  if (!seesReferrals)
    notes.push(
      'This user sees no referrals at all. Unless the company has none, it lacks the role Referrals ' +
        'admin, or has it for other locations: give it the role for the entire company in Partner ' +
        'Center, or sign in as somebody who has it.',
    )
  if (account.accessToken !== undefined)
    notes.push(
      'COSELL_ACCESS_TOKEN is set and goes before the stored sign-in; unset it to use this one.',
    )
  return notes
}

function noRefreshToken(): CosellError {
  return new CosellError(
    'configuration',
    'auth.no_refresh_token',
    'Token endpoint: expected a refresh token, got a sign-in without one, which would last an hour. ' +
      'Allow the permission offline_access to the Entra application COSELL_CLIENT_ID.',
  )
}
