import { CosellError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { createReferralsApi } from './api/referrals-api.ts'
import { openAuthority } from './auth/authority.ts'
import { type DeviceCode, signInWithDeviceCode } from './auth/device-code.ts'
import type { Application } from './auth/msal.ts'
import { createTokenStore, type TokenStore, tokenFileOf } from './auth/token-store.ts'
import { type Clock, systemClock } from './clock.ts'
import type { NetworkVariables } from './http/proxy.ts'
import { createRetryBudget } from './http/retry-budget.ts'

/** Account to sign in for. */
export interface LoginAccount extends Application {
  readonly name: string
  readonly authorityUrl: string
  /** Token that the settings give; takes precedence over the stored sign-in. */
  readonly accessToken: string | undefined
}

export interface LoginOptions {
  readonly account: LoginAccount
  /** Folder of the token file. */
  readonly home: string
  /** Where the sign-in is kept instead of a file of `home`: in the warehouse. */
  readonly sharedStore?: TokenStore | undefined
  readonly requestsPerMinute: number
  /** Variables that choose a proxy. */
  readonly network: NetworkVariables
  readonly log: Logger
  /** Aborted with the CosellError that says why to stop. */
  readonly signal: AbortSignal
  /** Shows the person what to do now. */
  readonly show: (text: string) => void
  readonly clock?: Clock | undefined
}

export interface LoginResult {
  readonly status: 'signed_in'
  readonly account: string
  /** Null where the warehouse keeps the sign-in. */
  readonly token_file: string | null
  /** Whether the list has at least one referral for this user. */
  readonly sees_referrals: boolean
  /** Advice to the person. */
  readonly notes: readonly string[]
}

/**
 * Signs in a person who enters a code in a browser on any machine, verifies the sign-in as the
 * nightly job would use it, and keeps it for that job. A sign-in that is rejected replaces no
 * earlier one.
 *
 * @throws CosellError `signIn` when the code ran out, was declined, or the user lacks the role
 */
export async function login(options: LoginOptions): Promise<LoginResult> {
  const { account } = options
  const { sharedStore } = options
  const tokenFile = tokenFileOf(options.home, account.name)
  const newest = await askForSignIn(options)
  const tokenStore = sharedStore ?? createTokenStore(tokenFile, options.clock?.now)
  const keep = async () => tokenStore.save((await newest.load()) ?? '')
  const seesReferrals = await verify(options, newest).catch(async (error: unknown) => {
    options.signal.throwIfAborted()
    if (!(error instanceof CosellError)) throw error
    const isRejected = error.kind === 'signIn' || error.kind === 'configuration'
    if (!isRejected) await keep()
    const fate = isRejected
      ? 'You are signed in, but this sign-in cannot read anything, so it was not kept.'
      : `The sign-in is kept in ${sharedStore === undefined ? tokenFile : 'the warehouse'}, but it could not be verified.`
    throw new CosellError(error.code, `${fate} ${error.message}`, { cause: error })
  })
  await keep()
  return {
    status: 'signed_in',
    account: account.name,
    token_file: sharedStore === undefined ? tokenFile : null,
    sees_referrals: seesReferrals,
    notes: notesOn(account, seesReferrals),
  }
}

/** Returns the new refresh token in a store that keeps it in memory alone until it is verified. */
async function askForSignIn({
  account,
  network,
  log,
  signal,
  show,
  clock = systemClock,
}: LoginOptions): Promise<TokenStore> {
  const { authorityUrl } = account
  const authority = openAuthority({
    authorityUrl,
    clock,
    signal,
    log,
    network,
    retries: createRetryBudget(),
  })
  try {
    const { refreshToken } = await signInWithDeviceCode(account, {
      post: authority.post,
      clock,
      signal,
      show: (code) => show(instructions(account.name, code)),
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

/** Makes a renewal and a small list request, as the nightly job does; returns whether it got a row. */
async function verify(
  { account, requestsPerMinute, network, clock, log, signal }: LoginOptions,
  tokenStore: TokenStore,
): Promise<boolean> {
  const api = createReferralsApi({
    ...account,
    accessToken: undefined,
    refreshToken: undefined,
    tokenStore,
    pageSize: 1,
    requestsPerMinute,
    concurrency: 1,
    clock,
    signal,
    network,
    log,
  })
  try {
    const { referrals } = await api.getPage({ orderBy: 'createdDateTime asc' })
    return referrals.length > 0
  } finally {
    await api.close()
  }
}

function instructions(account: string, code: DeviceCode): string {
  return [
    `To sign in for the account ${account}, open`,
    `  ${code.verificationUrl}`,
    `in a browser on any machine and enter the code`,
    `  ${code.userCode}`,
    `within ${code.expiresInMinutes} minutes, as a Referrals admin of the entire company: other users ` +
      'see fewer referrals, without a warning.',
  ].join('\n')
}

function notesOn(account: LoginAccount, seesReferrals: boolean): string[] {
  const notes: string[] = []
  if (!seesReferrals)
    notes.push(
      'This user sees no referrals at all. Unless the company has none, the user lacks the role ' +
        'Referrals admin, or has it for other locations: grant the role for the entire company in ' +
        'Partner Center, or sign in as a user who has it.',
    )
  if (account.accessToken !== undefined)
    notes.push(
      'COSELL_ACCESS_TOKEN is set and takes precedence over the stored sign-in; unset it to use ' +
        'the sign-in.',
    )
  return notes
}

function noRefreshToken(): CosellError {
  return new CosellError(
    'auth.no_refresh_token',
    'Token endpoint: expected a refresh token, got a sign-in without one, which would last an hour. ' +
      'Allow the permission offline_access to the Entra application COSELL_CLIENT_ID.',
  )
}
