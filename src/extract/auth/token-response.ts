import { CosellError } from '../../errors.ts'

/** What the token endpoint gives for a sign-in that it accepts. */
export interface Grant {
  accessToken: string
  /** `null` when the one that was redeemed stays in force. */
  refreshToken: string | null
  idToken: string | null
  lifeSeconds: number
}

/** Used when the endpoint does not say how long the token lives. */
const assumedLifeSeconds = 3_600

/** @throws CosellError when there is no access token in the answer */
export function readGrant(body: unknown): Grant {
  const grant = (body ?? {}) as Record<string, unknown>
  const accessToken = textOf(grant.access_token)
  if (accessToken === null) {
    throw new CosellError(
      'sourceBroken',
      'auth.no_token_in_answer',
      'Token endpoint: expected an access_token, got an answer without. Check COSELL_AUTHORITY_URL.',
    )
  }
  // Version 1 of the endpoint writes the number as a string.
  const lifeSeconds = Number(grant.expires_in)
  return {
    accessToken,
    refreshToken: textOf(grant.refresh_token),
    idToken: textOf(grant.id_token),
    lifeSeconds: lifeSeconds > 0 ? lifeSeconds : assumedLifeSeconds,
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
