import { CosellError } from '../../errors.ts'

/** Answer of the token endpoint to a sign-in that it accepts. */
export interface TokenResponse {
  accessToken: string
  /** `null` when the redeemed one stays valid. */
  refreshToken: string | null
  idToken: string | null
  lifeSeconds: number
}

/** Life of a token when the endpoint does not state it. */
const assumedLifeSeconds = 3_600

/** @throws CosellError when there is no access token in the answer */
export function parseTokenResponse(body: unknown): TokenResponse {
  const response = (body ?? {}) as Record<string, unknown>
  const accessToken = textOf(response.access_token)
  if (accessToken === null) {
    throw new CosellError(
      'auth.no_token_in_answer',
      'Token endpoint: expected an access_token, got an answer without one. Check COSELL_AUTHORITY_URL.',
    )
  }
  // Version 1 of the endpoint writes the number as a string.
  const lifeSeconds = Number(response.expires_in)
  return {
    accessToken,
    refreshToken: textOf(response.refresh_token),
    idToken: textOf(response.id_token),
    lifeSeconds: lifeSeconds > 0 ? lifeSeconds : assumedLifeSeconds,
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
