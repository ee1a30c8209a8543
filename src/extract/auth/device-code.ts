import { CosellError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { isLoopback } from '../http/origin.ts'
import type { Answer } from '../http/send.ts'
import {
  type Application,
  configurationOf,
  importMsal,
  type PostForm,
  requestToken,
  scopesFor,
} from './msal.ts'
import { codeRanOut } from './sign-in-errors.ts'
import type { TokenResponse } from './token-response.ts'

/** Address and code for a person who signs in on another device; checked, so safe to print. */
export interface DeviceCode {
  verificationUrl: string
  userCode: string
  expiresInMinutes: number
}

const pollSeconds = { least: 1, most: 60, otherwise: 5 }
/** Seconds that `slow_down` adds to the time between two polls, by RFC 8628. */
const slowDownSeconds = 5
const lifeSeconds = { least: 1, most: 3_600, otherwise: 900 }

/**
 * Signs in a person who enters a code in a browser; resolves once that is done.
 *
 * @throws CosellError of kind `signIn` when the code runs out or is declined
 */
export async function signInWithDeviceCode(
  application: Application,
  context: {
    post: PostForm
    clock: Clock
    signal?: AbortSignal | undefined
    show: (code: DeviceCode) => void
  },
): Promise<TokenResponse> {
  let polling: Polling = { everyMs: 0, until: 0 }
  const post: PostForm = (path, form) =>
    path.endsWith('/token')
      ? pollUntilSettled(() => context.post(path, form), polling, context)
      : context.post(path, form)
  return requestToken('deviceCode', post, async (networkClient) => {
    const { PublicClientApplication } = await importMsal()
    const client = new PublicClientApplication(
      configurationOf({ ...application, clientSecret: undefined }, networkClient),
    )
    await client.acquireTokenByDeviceCode({
      scopes: scopesFor(application),
      deviceCodeCallback({ verificationUri, userCode, expiresIn, interval }) {
        const life = within(lifeSeconds, expiresIn)
        polling = {
          everyMs: within(pollSeconds, interval) * 1_000,
          until: context.clock.monotonic() + life * 1_000,
        }
        const expiresInMinutes = Math.max(1, Math.floor(life / 60))
        context.show({ ...checked(verificationUri, userCode), expiresInMinutes })
      },
    })
  })
}

interface Polling {
  everyMs: number
  /** In the clock's monotonic milliseconds. */
  until: number
}

/**
 * Asks until the person has decided, and returns that answer. MSAL would poll as well, but by the wall
 * clock and without an interruption, and it takes `slow_down` for a failure; so it sees only this one.
 */
async function pollUntilSettled(
  ask: () => Promise<Answer>,
  { everyMs, until }: Polling,
  { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<Answer> {
  for (let waitMs = everyMs; ; ) {
    await clock.sleep(waitMs, signal)
    const answer = await ask()
    const { error } = (answer.body ?? {}) as { error?: unknown }
    if (error !== 'authorization_pending' && error !== 'slow_down') return answer
    if (error === 'slow_down') waitMs += slowDownSeconds * 1_000
    if (clock.monotonic() + waitMs > until) throw codeRanOut()
  }
}

/** Checks the form of address and code: they come from the network and go to a terminal. */
function checked(verificationUri: unknown, userCode: unknown) {
  const url = URL.canParse(String(verificationUri)) ? new URL(String(verificationUri)) : null
  const isSafe =
    url !== null &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) &&
    url.username === '' &&
    url.password === '' &&
    url.href.length <= 200
  if (isSafe && /^[A-Z0-9-]{4,16}$/.test(String(userCode)))
    return { verificationUrl: url.href, userCode: String(userCode) }
  throw new CosellError(
    'auth.unusable_device_code',
    'Device code: expected an https address and a code of 4 to 16 capitals, digits or hyphens, got ' +
      'something else, which is not shown. Check COSELL_AUTHORITY_URL.',
  )
}

function within(
  range: { least: number; most: number; otherwise: number },
  seconds: unknown,
): number {
  const given = Number(seconds)
  if (!(given > 0)) return range.otherwise
  return Math.min(range.most, Math.max(range.least, given))
}
