import { createHash } from 'node:crypto'

/**
 * Returns an opaque text for the user of a token: the same for the same user of the same tenant, and
 * without a way back to the person. `null` when the token is not a JWT or names no user. The signature
 * is not checked: the text compares what two runs could see, and gives no access to anything.
 */
export function principalOf(token: string | null): string | null {
  const claims = token === null ? null : claimsOf(token)
  const user = textOf(claims?.oid) ?? textOf(claims?.sub)
  if (user === null) return null
  const whole = `${textOf(claims?.tid) ?? ''}\n${user}`
  return createHash('sha256').update(whole).digest('hex').slice(0, 32)
}

/**
 * Returns the tenant that a token was issued for, its claim `tid` in lower case; `null` when the token
 * is not a JWT or names none. The signature is not checked, as for `principalOf`.
 */
export function tenantOf(token: string | null): string | null {
  const claims = token === null ? null : claimsOf(token)
  return textOf(claims?.tid)?.toLowerCase() ?? null
}

function claimsOf(token: string): Record<string, unknown> | null {
  const [, payload, ...rest] = token.split('.')
  if (payload === undefined || rest.length !== 1) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof claims === 'object' ? (claims as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
