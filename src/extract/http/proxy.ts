import { BlockList, isIP, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import { CosellError } from '../../errors.ts'
import { isLoopback } from './origin.ts'

/** Variables of the environment that choose proxies, by name. */
export type NetworkVariables = Readonly<Record<string, string | undefined>>

export interface HttpProxy {
  /** Scheme, host and port, without user and password. */
  readonly origin: string
  /** Host and port as messages name them. */
  readonly name: string
  /** Variable that it comes from. */
  readonly variable: string
  /** Value of `proxy-authorization`; `null` when the address has no user. */
  readonly authorization: string | null
}

/** Way to a server: through a proxy, or directly for a reason. */
export type Route =
  | { readonly proxy: HttpProxy }
  | { readonly proxy: null; readonly reason: 'loopback' | 'exempt' | 'no proxy' }

/** Failure of a proxy to open a tunnel: its answer, or the cause why there is none. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  constructor(
    readonly proxy: HttpProxy,
    readonly answer: { readonly status: number; readonly schemes: readonly string[] } | null,
    options?: { cause?: unknown },
  ) {
    super(`The proxy ${proxy.name} opened no tunnel.`, options)
  }
}

/**
 * Returns the way to `target`. Loopback is always reached directly, so that the sandbox needs no
 * exemption. An https address uses HTTPS_PROXY, an http address HTTP_PROXY, and either ALL_PROXY when
 * its own variable is unset. A name in lower case takes precedence, and a blank value is an unset one.
 *
 * @throws CosellError `configuration` when the variable in force holds no address of an HTTP proxy
 */
export function routeTo(target: URL, variables: NetworkVariables): Route {
  if (isLoopback(target.hostname)) return { proxy: null, reason: 'loopback' }
  const scheme = target.protocol === 'http:' ? 'http_proxy' : 'https_proxy'
  const found = variableOf(scheme, variables) ?? variableOf('all_proxy', variables)
  if (found === null) return { proxy: null, reason: 'no proxy' }
  const exempt = variableOf('no_proxy', variables)
  if (exempt !== null && isExempt(target, exempt.value)) return { proxy: null, reason: 'exempt' }
  return { proxy: parseProxy(found.name, found.value) }
}

function variableOf(lowerCase: string, variables: NetworkVariables) {
  for (const name of [lowerCase, lowerCase.toUpperCase()]) {
    const value = (variables[name] ?? '').trim()
    if (value !== '') return { name, value }
  }
  return null
}

/**
 * Whether NO_PROXY exempts a server. Its entries are separated by commas or blanks, in any letter
 * case: `*` for all; a domain with or without a leading dot or `*.`, for the host of that name and
 * every host below it; an IP address; a network such as `10.0.0.0/8`, which matches addresses, not
 * names. `:port` behind a domain or an address limits it to that port.
 */
export function isExempt(target: URL, noProxy: string): boolean {
  const host = target.hostname.replace(/^\[|\]$|\.$/g, '')
  const port = target.port || (target.protocol === 'http:' ? '80' : '443')
  return noProxy.split(/[\s,]+/).some((entry) => matches(entry, host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const [, network = '', prefix] = /^\[?([^/\]]+)\]?\/(\d{1,3})$/.exec(entry) ?? []
  if (prefix !== undefined) return isInNetwork(host, network, Number(prefix))
  const [, bracketed, plain = '', ownPort = port] =
    /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  const named = bracketed ?? (isIPv6(entry) ? entry : plain)
  if (Number(ownPort) !== Number(port)) return false
  if (isIP(named) !== 0) return isInNetwork(host, named, isIPv6(named) ? 128 : 32)
  const domain = domainToASCII(named.replace(/^\*?\.|\.$/g, ''))
  if (domain === '' || isIP(host) !== 0) return false
  return host === domain || host.endsWith(`.${domain}`)
}

function isInNetwork(host: string, network: string, prefix: number): boolean {
  const family = isIPv6(network) ? 'ipv6' : 'ipv4'
  const isNetwork = isIP(network) !== 0 && prefix <= (family === 'ipv6' ? 128 : 32)
  if (!isNetwork || isIP(host) === 0) return false
  const block = new BlockList()
  block.addSubnet(network, prefix, family)
  return block.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

/** Reads the address of a proxy; without a scheme it is one by http. */
function parseProxy(variable: string, value: string): HttpProxy {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) throw unusable(variable, 'text that is not an address')
  if (/^socks/.test(url.protocol)) throw unusable(variable, 'a SOCKS proxy, which is not supported')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw unusable(variable, 'an address with another scheme')
  // A password with "#", "/" or "?" that is not encoded ends up here: its part stays out of messages.
  if (/[?#]/.test(text) || url.pathname !== '/')
    throw unusable(variable, 'an address with more than user, password, host and port')
  const port = url.port || (url.protocol === 'http:' ? '80' : '443')
  return {
    origin: url.origin,
    name: `${url.hostname}:${port}`,
    variable,
    authorization: authorizationOf(variable, url),
  }
}

function authorizationOf(variable: string, { username, password }: URL): string | null {
  if (username === '' && password === '') return null
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return `Basic ${Buffer.from(pair).toString('base64')}`
  } catch {
    throw unusable(variable, 'a user or password with a "%" that begins no percent-encoding')
  }
}

function unusable(variable: string, got: string): CosellError {
  return new CosellError(
    'proxy.invalid',
    `${variable}: expected http://user:password@host:port of an HTTP proxy, got ${got}; it is not shown. ` +
      'Percent-encode special characters of user and password, or exempt the host in NO_PROXY.',
  )
}
