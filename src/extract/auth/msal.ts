import type { INetworkModule } from '@azure/msal-node'
import { CosellError } from '../../errors.ts'
import { isLoopback } from '../http/origin.ts'
import type { Answer } from '../http/send.ts'
import { type SignInFlow, signInError } from './sign-in-errors.ts'
import { parseTokenResponse, type TokenResponse } from './token-response.ts'

/** Entra application that a user signs in to, and the API that it is for. */
export interface Application {
  tenantId?: string | undefined
  clientId?: string | undefined
  clientSecret?: string | undefined
  apiUrl: string
  /** Permission to ask for; unset: all that were granted for the API. */
  apiScope?: string | undefined
}

/** Sends one encoded form to a path of the authority and returns its answer, whatever the status. */
export type PostForm = (path: string, form: string) => Promise<Answer>

/**
 * Permissions to ask for; MSAL adds those for a refresh token. They follow the address of the API, as
 * another cloud has another one. The sandbox on loopback stands for the documented address.
 */
export function scopesFor({ apiUrl, apiScope }: Application): string[] {
  const { hostname, origin } = new URL(apiUrl)
  const resource = isLoopback(hostname) ? 'https://api.partner.microsoft.com' : origin
  return [apiScope ?? `${resource}/.default`]
}

/**
 * Host name that MSAL is given. MSAL demands https, and asks an unknown authority for its endpoints.
 * This reserved name never resolves, so a request that bypasses our client goes nowhere.
 */
const nominalHost = 'authority.invalid'

/** Exchanges a refresh token. @throws CosellError when the authority rejects it or is unreachable */
export function redeemRefreshToken(
  application: Application,
  refreshToken: string,
  post: PostForm,
): Promise<TokenResponse> {
  return requestToken('refresh', post, async (networkClient) => {
    // Loading the library takes 0.1 s and 20 MB, which runs with a given access token do not pay.
    const { ConfidentialClientApplication, PublicClientApplication } = await importMsal()
    const configuration = configurationOf(application, networkClient)
    // A new one each time: a kept one would cache tokens and throttle by rules of its own.
    const client =
      application.clientSecret === undefined
        ? new PublicClientApplication(configuration)
        : new ConfidentialClientApplication(configuration)
    await client.acquireTokenByRefreshToken({ refreshToken, scopes: scopesFor(application) })
  })
}

export function importMsal(): Promise<typeof import('@azure/msal-node')> {
  return import('@azure/msal-node')
}

/**
 * Returns the tokens that a flow of MSAL ends with. Its forms are sent by `post`; of its addresses only
 * the path is used.
 */
export async function requestToken(
  flowName: SignInFlow,
  post: PostForm,
  flow: (networkClient: INetworkModule) => Promise<unknown>,
): Promise<TokenResponse> {
  let tokens: TokenResponse | null = null
  let failure: unknown = null
  const networkClient: INetworkModule = {
    sendGetRequestAsync: async () => {
      throw new CosellError('auth.discovery', 'MSAL asked for metadata that it was given.')
    },
    async sendPostRequestAsync<T>(url: string, options?: { body?: string }) {
      try {
        const { pathname } = new URL(url)
        const { status, body, requestId } = await post(pathname, options?.body ?? '')
        if (status !== 200) throw signInError(status, body, requestId, flowName)
        // MSAL does not give out refresh tokens, and the rotated one has to be stored.
        if (pathname.endsWith('/token')) tokens = parseTokenResponse(body)
        // Without headers: a Retry-After was obeyed already, and must not reach MSAL's own throttling.
        return { status, headers: {}, body: body as T }
      } catch (error) {
        // MSAL replaces the error by "network_error".
        failure ??= error
        throw error
      }
    },
  }
  try {
    await flow(networkClient)
  } catch (error) {
    throw failure ?? (error instanceof CosellError ? error : unusableTokens(error))
  }
  return tokens ?? noTokenRequested()
}

export function configurationOf(application: Application, networkClient: INetworkModule) {
  const { tenantId = 'common', clientId = missingClientId(), clientSecret } = application
  const authority = `https://${nominalHost}/${encodeURIComponent(tenantId)}`
  const endpoints = `${authority}/oauth2/v2.0`
  return {
    auth: {
      clientId,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      authority,
      knownAuthorities: [nominalHost],
      cloudDiscoveryMetadata: JSON.stringify({
        tenant_discovery_endpoint: `${authority}/v2.0/.well-known/openid-configuration`,
        metadata: [
          { preferred_network: nominalHost, preferred_cache: nominalHost, aliases: [nominalHost] },
        ],
      }),
      authorityMetadata: JSON.stringify({
        token_endpoint: `${endpoints}/token`,
        authorization_endpoint: `${endpoints}/authorize`,
        jwks_uri: `${endpoints}/keys`,
        issuer: `${authority}/v2.0`,
      }),
    },
    system: { networkClient },
  }
}

/** Error for tokens that MSAL rejects. Its messages may quote the answer, its codes do not. */
function unusableTokens(error: unknown): CosellError {
  const { errorCode } = error as { errorCode?: unknown }
  const code = /^[a-z_]{1,60}$/.test(String(errorCode)) ? ` (${errorCode})` : ''
  return new CosellError(
    'auth.unusable_answer',
    `Token endpoint: expected tokens that MSAL accepts, got unusable ones${code}. Check COSELL_AUTHORITY_URL.`,
  )
}

function noTokenRequested(): never {
  throw new CosellError('auth.no_grant', 'MSAL ended without asking for a token.')
}

function missingClientId(): never {
  throw new CosellError(
    'auth.client_id_missing',
    'COSELL_CLIENT_ID: expected the id of the Entra application to sign in to, got nothing. Set it, ' +
      'and COSELL_TENANT_ID.',
  )
}
