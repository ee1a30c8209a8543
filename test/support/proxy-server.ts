import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ProxyServer {
  readonly port: number
  readonly url: string
  /** Targets asked for: `CONNECT host:port`, or method and address of a request passed on whole. */
  readonly asked: string[]
  /** Values of proxy-authorization, in the order of `asked`. */
  readonly credentials: (string | undefined)[]
  /** Number of bytes passed on, so that a test sees that the answer took this way. */
  passedBytes(): number
}

export interface ProxyOptions {
  /** User and password to ask for, as `user:password`. */
  readonly password?: string
  /** Answer instead of a tunnel, as written on the wire; `null` for none at all. */
  readonly answer?: string | null
  /** Certificate and key of a proxy that speaks TLS itself. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Sends every tunnel to this port of loopback, whatever host it is for. */
  readonly tunnelTo?: number
}

/** Runs `use` with a forward proxy on loopback: CONNECT, and http requests passed on. */
export async function withProxy<T>(
  options: ProxyOptions,
  use: (proxy: ProxyServer) => Promise<T>,
): Promise<T> {
  const asked: string[] = []
  const credentials: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  let passed = 0
  const isAllowed = (request: IncomingMessage, target: string) => {
    asked.push(target)
    credentials.push(request.headers['proxy-authorization'])
    const expected = Buffer.from(options.password ?? '').toString('base64')
    return (
      options.password === undefined ||
      request.headers['proxy-authorization'] === `Basic ${expected}`
    )
  }
  const server: Server =
    options.tls === undefined
      ? createServer()
      : createSecureServer({ cert: options.tls.certificate, key: options.tls.key })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.on('error', () => undefined)
    const granted = isAllowed(request, `CONNECT ${request.url}`)
    if (!granted) return void client.end(passwordWanted)
    if (options.answer === null) return
    if (options.answer !== undefined) return void client.end(options.answer)
    const [host = '', port] = splitHost(request.url ?? '')
    const upstream = connect(
      options.tunnelTo ?? Number(port),
      options.tunnelTo ? '127.0.0.1' : host,
    )
    sockets.add(upstream)
    upstream.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
    upstream.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.on('data', (data) => {
        passed += data.length
      })
      client.pipe(upstream).pipe(client)
    })
    client.on('close', () => upstream.destroy())
  })
  server.on('request', (request, response) => {
    const granted = isAllowed(request, `${request.method} ${request.url}`)
    if (!granted) return void response.writeHead(407).end()
    const { hostname, port, pathname, search } = new URL(request.url ?? '')
    const { 'proxy-authorization': _, ...headers } = request.headers
    const upstream = forward(
      {
        host: options.tunnelTo === undefined ? hostname : '127.0.0.1',
        port: options.tunnelTo ?? (port || 80),
        method: request.method,
        path: pathname + search,
        headers,
        agent: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    upstream.on('error', () => response.writeHead(502).end())
    request.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  try {
    return await use({ port, url, asked, credentials, passedBytes: () => passed })
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

const passwordWanted =
  'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="proxy"\r\n' +
  'content-length: 6\r\n\r\nGo out'

function splitHost(authority: string): [host: string, port: string] {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(authority) ?? []
  return [host, port]
}
