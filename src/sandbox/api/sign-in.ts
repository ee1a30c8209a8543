import { createHash } from 'node:crypto'
import type { Random } from '../random.ts'
import type { SandboxOptions } from './options.ts'
import { ErrorReply, errorReply, json, type Reply } from './reply.ts'

/** Grant types of the device flow; the second is sent by Microsoft's own library. */
const deviceGrants = ['urn:ietf:params:oauth:grant-type:device_code', 'device_code']
const audience = 'https://api.partner.microsoft.com'
/** An invented tenant of every principal. */
const tenant = '5a4db0c0-0000-4000-8000-000000000001'

/** Error and description of a poll that is not granted. */
const pollErrors = {
  pending: ['authorization_pending', 'AADSTS70016: Authorization is pending.'],
  slow_down: ['slow_down', 'AADSTS70016: Too many polls.'],
  declined: ['authorization_declined', 'AADSTS70000: The user declined.'],
  expired: ['expired_token', 'AADSTS70019: The code has expired.'],
} as const

/**
 * The part of the identity platform that the API needs: refresh-token and device-code grants,
 * and the check of the access tokens that they give.
 */
export class SignIn {
  readonly #expiries = new Map<string, number>()
  readonly #devices = new Map<string, { polls: number }>()
  readonly #refreshTokens: string[]
  #rotations = 0
  #principal: string

  constructor(
    readonly options: SandboxOptions,
    readonly random: Random,
  ) {
    this.#refreshTokens = [options.refreshToken]
    this.#principal = options.principal
  }

  /** User who signed in last. */
  get principal(): string {
    return this.#principal
  }

  /** Gives the refresh token to another user, from the next access token on. */
  setPrincipal(principal: string): void {
    this.#principal = principal
  }

  /**
   * Answers a call of a token endpoint; version 1 writes its numbers as strings.
   * @throws ErrorReply with the identity platform's own error body.
   */
  token(form: URLSearchParams, version: 1 | 2): Reply {
    for (const name of ['client_id', 'grant_type']) this.#require(form, name)
    const { signInError } = this.options
    if (signInError !== undefined)
      throw this.#oauthError(signInError.error, `AADSTS${signInError.number}: as configured.`)
    const grant = form.get('grant_type') ?? ''
    if (grant === 'refresh_token') {
      this.#checkRefreshToken(form)
      return this.#tokens(form, version, this.#nextRefreshToken())
    }
    if (deviceGrants.includes(grant) && version === 2) {
      this.#checkDevice(form)
      return this.#tokens(form, version, this.#newestRefreshToken())
    }
    if (grant === 'client_credentials') {
      const why = 'AADSTS50105: The application is not assigned to a role for the application.'
      throw this.#oauthError('unauthorized_client', why)
    }
    throw this.#oauthError('unsupported_grant_type', `AADSTS70003: unsupported grant '${grant}'.`)
  }

  /** Starts a device sign-in; its polls are answered as the options say. */
  device(form: URLSearchParams, verificationUri: string): Reply {
    this.#require(form, 'client_id')
    const deviceCode = this.random.hex(40)
    const userCode = this.random.hex(9).toUpperCase()
    this.#devices.set(deviceCode, { polls: 0 })
    return json(200, {
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: verificationUri,
      expires_in: 900,
      interval: 1,
      message: `To sign in, open ${verificationUri} and enter the code ${userCode}.`,
    })
  }

  /** @throws ErrorReply (401) without a bearer token that was issued here and has not expired. */
  check(authorization: string | undefined): void {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    const expiresMs = token === undefined ? undefined : this.#expiries.get(token)
    if (expiresMs !== undefined && this.options.clock() < expiresMs) return
    const inner =
      expiresMs === undefined
        ? { code: 'tokenMissingOrUnknown', message: 'Unauthorized referral access' }
        : { code: 'tokenExpired', message: 'The access token has expired.' }
    throw errorReply(401, 'unAuthorized', 'Caller is not authorized to access the resource.', {
      target: 'referral',
      innerError: inner,
      headers: { 'WWW-Authenticate': `Bearer realm="", error="invalid_token"` },
    })
  }

  #tokens(form: URLSearchParams, version: 1 | 2, refreshToken: string): Reply {
    const lifetime = this.options.tokenLifetimeSeconds
    const nowMs = this.options.clock()
    const issued = Math.floor(nowMs / 1000)
    const who = { tid: tenant, oid: guidOf(this.#principal), sub: guidOf(`sub ${this.#principal}`) }
    const times = { iat: issued, nbf: issued, exp: issued + lifetime }
    const accessToken = unsigned({ aud: audience, ...who, ...times, uti: this.random.hex(32) })
    this.#expiries.set(accessToken, nowMs + lifetime * 1000)
    const clientId = form.get('client_id')
    const isOpenId = form.get('scope')?.split(' ').includes('openid') ?? false
    const common = {
      token_type: 'Bearer',
      access_token: accessToken,
      refresh_token: refreshToken,
      ...(isOpenId ? { id_token: unsigned({ aud: clientId, ...who, ...times }) } : {}),
      ...(form.get('client_info') === '1'
        ? { client_info: encoded({ uid: who.oid, utid: who.tid }) }
        : {}),
    }
    if (version === 2) {
      const scope = `${audience}/.default`
      return json(200, { ...common, scope, expires_in: lifetime, ext_expires_in: lifetime })
    }
    const notBefore = Math.floor(nowMs / 1000) - 300
    return json(200, {
      ...common,
      expires_in: String(lifetime),
      ext_expires_in: String(lifetime),
      expires_on: String(Math.floor(nowMs / 1000 + lifetime)),
      not_before: String(notBefore),
      resource: audience,
    })
  }

  #newestRefreshToken(): string {
    return this.#refreshTokens.at(-1) ?? this.options.refreshToken
  }

  #nextRefreshToken(): string {
    if (!this.options.rotateRefreshToken) return this.#newestRefreshToken()
    const token = `${this.options.refreshToken}.${++this.#rotations}`
    this.#refreshTokens.push(token)
    if (this.#refreshTokens.length > this.options.refreshTokensKept) this.#refreshTokens.shift()
    return token
  }

  #checkRefreshToken(form: URLSearchParams): void {
    if (this.#refreshTokens.includes(this.#require(form, 'refresh_token'))) return
    throw this.#oauthError(
      'invalid_grant',
      'AADSTS700082: The refresh token has expired due to inactivity.',
    )
  }

  #checkDevice(form: URLSearchParams): void {
    const device = this.#devices.get(this.#require(form, 'device_code'))
    if (device === undefined)
      throw this.#oauthError('bad_verification_code', 'AADSTS70018: unknown code.')
    const script = this.options.devicePolls
    const step = script[Math.min(device.polls++, script.length - 1)] ?? 'granted'
    if (step === 'granted') return
    const [error, description] = pollErrors[step]
    throw this.#oauthError(error, description)
  }

  #require(form: URLSearchParams, name: string): string {
    const value = form.get(name)
    if (value !== null && value !== '') return value
    throw this.#oauthError('invalid_request', `AADSTS900144: The body must contain '${name}'.`)
  }

  #oauthError(error: string, description: string): ErrorReply {
    const codes = /^AADSTS(\d+)/.exec(description)
    return new ErrorReply(
      json(400, {
        error,
        error_description: description,
        error_codes: [Number(codes?.[1] ?? 0)],
        trace_id: this.random.guid(),
        correlation_id: this.random.guid(),
      }),
    )
  }
}

/** Shaped like a JWT, with an invalid signature. */
function unsigned(claims: Record<string, unknown>): string {
  return `${encoded({ typ: 'JWT', alg: 'none' })}.${encoded(claims)}.sandbox`
}

function encoded(value: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function guidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`]
    .concat(hex.slice(20, 32))
    .join('-')
}
