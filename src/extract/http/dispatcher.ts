import type { Duplex } from 'node:stream'
import { buildConnector, Client, type Dispatcher, errors, Pool } from 'undici'
import { type HttpProxy, type NetworkVariables, ProxyError, routeTo } from './proxy.ts'

export interface DispatcherOptions {
  readonly connections: number
  readonly connectMs: number
  readonly headersMs: number
  /** Between two pieces of a body. */
  readonly bodyIdleMs: number
  readonly network: NetworkVariables
}

/**
 * Opens the connections to the server of `target`, directly or through the proxy that the variables
 * name. To an https address a proxy opens a tunnel by CONNECT, so it sees host and port alone. An
 * http address is sent to it whole: many proxies open no tunnel to port 80.
 *
 * The dispatcher is our own in any case. So Node's own handling of these variables
 * (NODE_USE_ENV_PROXY) does not add a second proxy.
 *
 * @throws CosellError `configuration` when the proxy's address is not usable
 */
export function openDispatcher(target: URL, options: DispatcherOptions): Dispatcher {
  const { connections, connectMs, headersMs, bodyIdleMs } = options
  const limits = { connections, headersTimeout: headersMs, bodyTimeout: bodyIdleMs }
  const { proxy } = routeTo(target, options.network)
  const connect = { timeout: connectMs }
  if (proxy === null) return new Pool(target.origin, { ...limits, connect })
  if (target.protocol === 'https:')
    return new Pool(target.origin, { ...limits, connect: tunnelThrough(proxy, target, connectMs) })
  const pool = new Pool(proxy.origin, { ...limits, connect: connectorTo(connectMs) })
  return pool.compose((dispatch) => (request, handler) => {
    const headers = { ...request.headers, host: target.host, ...authorizationFor(proxy) }
    const path = target.origin + request.path
    return dispatch({ ...request, origin: proxy.origin, path, headers }, handler)
  })
}

function authorizationFor({ authorization }: HttpProxy) {
  return authorization === null ? {} : { 'proxy-authorization': authorization }
}

/**
 * Returns a connector to a proxy. undici takes the name to verify from the request's `host`, which is
 * that of the server behind; without a name it takes the proxy's own.
 */
function connectorTo(timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout })
  return ({ servername: _, ...options }, callback) => connect(options, callback)
}

/** Returns a connector whose TLS with the server runs through a tunnel of the proxy. */
function tunnelThrough(proxy: HttpProxy, target: URL, connectMs: number): buildConnector.connector {
  const secure = buildConnector({ timeout: connectMs })
  return (options, callback) => {
    openTunnel(proxy, target, connectMs).then(
      (socket) => secure({ ...options, httpSocket: socket as never }, callback),
      (error) => callback(error, null),
    )
  }
}

/** @throws ProxyError when the proxy cannot be reached, or answers with another status than 2xx */
async function openTunnel(proxy: HttpProxy, target: URL, timeoutMs: number): Promise<Duplex> {
  const host = `${target.hostname}:${target.port || '443'}`
  // Of this client only the one connection is used, and it belongs to the tunnel afterwards.
  const client = new Client(proxy.origin, { connect: connectorTo(timeoutMs) })
  const late = new AbortController()
  // The client's own limits of less than a second are rounded up to one.
  const timer = setTimeout(() => late.abort(new errors.HeadersTimeoutError()), timeoutMs)
  try {
    const { statusCode, headers, socket } = await client.connect({
      path: host,
      headers: { host, ...authorizationFor(proxy) },
      signal: late.signal,
    })
    if (statusCode >= 200 && statusCode < 300) return socket
    socket.on('error', () => undefined).destroy()
    throw new ProxyError(proxy, { status: statusCode, schemes: schemesOf(headers) })
  } catch (error) {
    throw error instanceof ProxyError ? error : new ProxyError(proxy, null, { cause: error })
  } finally {
    clearTimeout(timer)
    client.destroy().catch(() => undefined)
  }
}

/** Ways of signing in to a proxy that its answer 407 offers. */
function schemesOf(headers: Record<string, string | string[] | undefined>): string[] {
  const offers = [headers['proxy-authenticate'] ?? []].flat()
  return offers.flatMap((offer) => /^[A-Za-z]{1,20}/.exec(offer.trim())?.[0] ?? [])
}
