import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  method: string
  /** Path and query, as sent. */
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Reply {
  status?: number
  headers?: Record<string, string>
  /** Text and bytes are sent as they are, anything else as JSON. */
  body?: unknown
  /** Writes the response on its own: cuts, drips, hangs. */
  by?: (response: ServerResponse) => void
}

export interface ScriptedServer {
  url: string
  /** Host and port. */
  host: string
  requests: Received[]
  connections: () => number
}

/** Serves the replies of `script` on a free loopback port while `use` runs. */
export async function withServer<T>(
  script: (request: Received, index: number) => Reply | Promise<Reply>,
  use: (server: ScriptedServer) => Promise<T>,
): Promise<T> {
  const requests: Received[] = []
  let connections = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url: path = '', headers } = request
    const received = { method, path, headers, body: Buffer.concat(chunks).toString() }
    requests.push(received)
    const reply = await script(received, requests.length - 1)
    if (reply.by !== undefined) return reply.by(response)
    response.writeHead(reply.status ?? 200, {
      'content-type': 'application/json',
      ...reply.headers,
    })
    response.end(bytesOf(reply.body))
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await use({ url: `http://${host}`, host, requests, connections: () => connections })
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

function bytesOf(body: unknown): string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body ?? {})
}
