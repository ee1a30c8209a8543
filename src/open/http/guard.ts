import { createHash, timingSafeEqual } from 'node:crypto'

// Pure: decides which requests are answered. Any page that a browser shows can send requests to
// 127.0.0.1, and any host name can be made to lead there.

/** What a request says about itself. */
export interface Asking {
  readonly method: string
  /** Path, which begins with the token. */
  readonly path: string
  readonly host: string | undefined
  readonly origin: string | undefined
  /** Header Sec-Fetch-Site, which a page cannot set. */
  readonly site: string | undefined
  /** Header Sec-Fetch-Mode. */
  readonly mode: string | undefined
}

export interface Refusal {
  readonly status: 403 | 404 | 405
  readonly message: string
}

/** Returns why a request is not answered; undefined for one that is. */
export function refusalOf(asking: Asking, port: number, token: string): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  // A name of somebody else's that leads here would let their page read the answers.
  if (asking.host === undefined || !hosts.includes(asking.host)) {
    return {
      status: 403,
      message:
        'Only 127.0.0.1 and localhost are answered. Open the address that `cosell open` prints.',
    }
  }
  const isOwnOrigin = asking.origin === undefined || asking.origin === `http://${asking.host}`
  if (!isOwnOrigin || !mayAsk(asking)) {
    return { status: 403, message: 'Only the page itself may ask.' }
  }
  if (!isSame(tokenIn(asking.path), token)) {
    return { status: 404, message: 'Nothing is here. Open the address that `cosell open` prints.' }
  }
  if (asking.method !== 'GET') return { status: 405, message: 'Only GET is answered.' }
  return undefined
}

/**
 * Whether the request is of the page, of an address typed or clicked, or of a program. A link of
 * another site may lead to the page, and its scripts, frames and images get nothing.
 */
function mayAsk({ site, mode }: Asking): boolean {
  if (site === undefined || site === 'none' || site === 'same-origin') return true
  return mode === 'navigate'
}

/** First part of a path; empty without one. */
function tokenIn(path: string): string {
  return /^\/([^/]*)/.exec(path)?.[1] ?? ''
}

/** Compares in a time that does not tell how much is right. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

/** Headers of every answer, refusals included. What is no HTTP gets a bare status from Node.js. */
export const headers: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  // The address has the token.
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Robots-Tag': 'noindex',
}
