import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** Answer to the client; the server adds request ids and compression. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

/** A request that fails with the API's error body; thrown anywhere, sent by the server. */
export class ErrorReply extends Error {
  override readonly name = 'ErrorReply'
  constructor(readonly reply: Reply) {
    super(`answered with ${reply.status}`)
  }
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: JSON.stringify(value) }
}

interface ErrorDetails {
  readonly target?: string
  readonly innerError?: { readonly code: string; readonly message: string }
  readonly headers?: Record<string, string>
}

/** Returns the documented error body: code, message, target and an inner error. */
export function errorReply(
  status: number,
  code: string,
  message: string,
  { headers, ...details }: ErrorDetails = {},
): ErrorReply {
  return new ErrorReply(json(status, { error: { code, message, ...details } }, headers))
}

export function badRequest(target: string, message: string): ErrorReply {
  return errorReply(400, 'invalidRequest', message, { target })
}

const compress = promisify(gzip)
/** Below this, compressed text is no smaller. */
const compressedBytesMin = 1024

/** Sends the reply as JSON, compressed when the client accepts gzip. */
export async function send(request: IncomingMessage, response: ServerResponse, reply: Reply) {
  const plain = Buffer.from(reply.body)
  const accepts = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(
    String(request.headers['accept-encoding'] ?? ''),
  )
  const isCompressed = accepts && plain.length >= compressedBytesMin
  // The fastest level: the sandbox shares two cores with the measured process.
  const body = isCompressed ? await compress(plain, { level: 1 }) : plain
  response.writeHead(reply.status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    Vary: 'Accept-Encoding',
    ...(isCompressed ? { 'Content-Encoding': 'gzip' } : {}),
    ...reply.headers,
  })
  response.end(body)
}
