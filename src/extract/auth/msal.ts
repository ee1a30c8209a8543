import type { INetworkModule } from '@azure/msal-node'
import { CosellError } from '../../errors.ts'
import { refusalOf, type SignInFlow } from './sign-in-errors.ts'
import { type Grant, readGrant } from './token-response.ts'

/** The Entra application that a user signs in to. */
export interface Application {
  tenantId?: string | undefined
  clientId?: string | undefined
  clientSecret?: string | undefined
}

export interface AuthorityAnswer {
  status: number
  body: unknown
  requestId: string
}

/** Sends one encoded form to a path of the authority and returns its answer, whatever the status. */
export type PostForm = (path: string, form: string) => Promise<AuthorityAnswer>

/** The permissions granted to the application; MSAL adds those for a refresh token. */
export const scopes = ['https://api.partner.microsoft.com/.default']

/**
 * MSAL demands https and asks an authority that it does not know for its endpoints. This reserved
 * name never resolves: should a request leave by any way but ours, it goes nowhere.
 */
const nominalHost = 'authority.invalid'

/** Exchanges a refresh token. @throws CosellError when the authority refuses or cannot be reached */
export function redeemRefreshToken(
  application: Application,
  refreshToken: string,
  post: PostForm,
): Promise<Grant> {
  return grantThrough('refresh', post, async (networkClient) => {
    // Reading the library takes 0.1 s and 20 MB, which runs with a given access token do not pay.
    const { ConfidentialClientApplication, PublicClientApplication } = await importMsal()
    const configuration = configurationOf(application, networkClient)
    // A new one each time: what it would remember are tokens and a throttling of its own.
    const client =
      application.clientSecret === undefined
        ? new PublicClientApplication(configuration)
        : new ConfidentialClientApplication(configuration)
    await client.acquireTokenByRefreshToken({ refreshToken, scopes })
  })
}

export function importMsal(): Promise<typeof import('@azure/msal-node')> {
  return import('@azure/msal-node')
}

/**
 * The grant that a flow of MSAL ends with. Its forms are sent by `post`; of its addresses only the
 * path is used.
 */
export async function grantThrough(
  flowName: SignInFlow,
  post: PostForm,
  flow: (networkClient: INetworkModule) => Promise<unknown>,
): Promise<Grant> {
  let grant: Grant | null = null
  let failure: unknown = null
  const networkClient: INetworkModule = {
    sendGetRequestAsync: async () => {
      throw new CosellError('bug', 'auth.discovery', 'MSAL asked for metadata that it was given.')
    },
    async sendPostRequestAsync<T>(url: string, options?: { body?: string }) {
      try {
        const { pathname } = new URL(url)
        const { status, body, requestId } = await post(pathname, options?.body ?? '')
        if (status !== 200) throw refusalOf(status, body, requestId, flowName)
        // MSAL keeps refresh tokens to itself, and the rotated one has to be stored.
        if (pathname.endsWith('/token')) grant = readGrant(body)
        // Without headers: a Retry-After was waited for, and must not reach MSAL's throttling.
        return { status, headers: {}, body: body as T }
      } catch (error) {
        // MSAL replaces it by "network_error".
        failure ??= error
        throw error
      }
    },
  }
  try {
    await flow(networkClient)
  } catch (error) {
    throw failure ?? (error instanceof CosellError ? error : notUnderstood(error))
  }
  return grant ?? notGranted()
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

/** MSAL's words may quote the answer, its codes do not. */
function notUnderstood(error: unknown): CosellError {
  const { errorCode } = error as { errorCode?: unknown }
  const code = /^[a-z_]{1,60}$/.test(String(errorCode)) ? ` (${errorCode})` : ''
  return new CosellError(
    'sourceBroken',
    'auth.unusable_answer',
    `Token endpoint: expected tokens that MSAL accepts, got others${code}. Check COSELL_AUTHORITY_URL.`,
  )
}

function notGranted(): never {
  throw new CosellError('bug', 'auth.no_grant', 'MSAL ended without asking for a token.')
}

function missingClientId(): never {
  throw new CosellError(
    'configuration',
    'auth.client_id_missing',
    'COSELL_CLIENT_ID: expected the id of the Entra application to sign in to, got nothing. Set it, ' +
      'and COSELL_TENANT_ID.',
  )
}
