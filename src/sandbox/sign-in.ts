import type { SandboxOptions } from './options.ts'
import type { Random } from './random.ts'
import { json, Refusal, type Reply, refusal } from './reply.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const audience = 'https://api.partner.microsoft.com'
/** A new refresh token does not revoke the one it was bought with. */
const refreshTokensKept = 2

/**
 * The part of the identity platform that the API needs: refresh-token and device-code grants,
 * and the check of the access tokens that they give.
 */
export class SignIn {
  readonly #expiries = new Map<string, number>()
  readonly #devices = new Map<string, { polls: number }>()
  readonly #refreshTokens: string[]
  #rotations = 0

  constructor(
    readonly options: SandboxOptions,
    readonly random: Random,
  ) {
    this.#refreshTokens = [options.refreshToken]
  }

  /**
   * Answers a call of a token endpoint; version 1 writes its numbers as strings.
   * @throws Refusal with the identity platform's own error body.
   */
  token(form: URLSearchParams, version: 1 | 2): Reply {
    for (const name of ['client_id', 'grant_type']) this.#require(form, name)
    const grant = form.get('grant_type')
    if (grant === 'refresh_token') {
      this.#checkRefreshToken(form)
      return this.#tokens(version, this.#nextRefreshToken())
    }
    if (grant === deviceGrant && version === 2) {
      this.#checkDevice(form)
      return this.#tokens(version, this.#newestRefreshToken())
    }
    if (grant === 'client_credentials') {
      const why = 'AADSTS50105: The application is not assigned to a role for the application.'
      throw this.#refuse('unauthorized_client', why)
    }
    throw this.#refuse('unsupported_grant_type', `AADSTS70003: unsupported grant '${grant}'.`)
  }

  /** Starts a device sign-in. The first poll finds it pending, the second one granted. */
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

  /** @throws Refusal (401) without a bearer token that was issued here and has not expired. */
  check(authorization: string | undefined): void {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    const expiresMs = token === undefined ? undefined : this.#expiries.get(token)
    if (expiresMs !== undefined && this.options.clock() < expiresMs) return
    const inner =
      expiresMs === undefined
        ? { code: 'tokenMissingOrUnknown', message: 'Unauthorized referral access' }
        : { code: 'tokenExpired', message: 'The access token has expired.' }
    throw refusal(401, 'unAuthorized', 'Caller is not authorized to access the resource.', {
      target: 'referral',
      innerError: inner,
      headers: { 'WWW-Authenticate': `Bearer realm="", error="invalid_token"` },
    })
  }

  #tokens(version: 1 | 2, refreshToken: string): Reply {
    const lifetime = this.options.tokenLifetimeSeconds
    const nowMs = this.options.clock()
    const accessToken = `sandbox.${this.random.hex(32)}`
    this.#expiries.set(accessToken, nowMs + lifetime * 1000)
    const common = { token_type: 'Bearer', access_token: accessToken, refresh_token: refreshToken }
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
    if (this.#refreshTokens.length > refreshTokensKept) this.#refreshTokens.shift()
    return token
  }

  #checkRefreshToken(form: URLSearchParams): void {
    if (this.#refreshTokens.includes(this.#require(form, 'refresh_token'))) return
    throw this.#refuse(
      'invalid_grant',
      'AADSTS700082: The refresh token has expired due to inactivity.',
    )
  }

  #checkDevice(form: URLSearchParams): void {
    const device = this.#devices.get(this.#require(form, 'device_code'))
    if (device === undefined)
      throw this.#refuse('bad_verification_code', 'AADSTS70018: unknown code.')
    if (device.polls++ > 0) return
    throw this.#refuse('authorization_pending', 'AADSTS70016: Authorization is pending.')
  }

  #require(form: URLSearchParams, name: string): string {
    const value = form.get(name)
    if (value !== null && value !== '') return value
    throw this.#refuse('invalid_request', `AADSTS900144: The body must contain '${name}'.`)
  }

  #refuse(error: string, description: string): Refusal {
    const codes = /^AADSTS(\d+)/.exec(description)
    return new Refusal(
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
