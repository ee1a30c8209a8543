import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { canonical, type FaultContext, tooDeep } from './world.ts'

// Faulty answers on the wire: an injection takes over one response.

type Headers = Record<string, string | number | string[]>
export type Injection = (context: FaultContext) => unknown

/** Answers with this status, these headers and this body. */
export function status(code: number, headers: Headers = {}, body: unknown = errorBody): Injection {
  return ({ response }) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers })
    response.end(code === 204 || code === 304 ? undefined : textOf(body))
  }
}

const errorBody = { error: { code: 'generalException', message: 'canary' } }

/** Answers with a changed body, uncompressed. */
export function text(
  change: (healthy: string) => string | Buffer,
  headers: Headers = {},
): Injection {
  return ({ response, healthy }) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(change(healthy.body))
  }
}

/** Answers with the compressed healthy body, then changed; the content length fits the result. */
export function packed(change: (gzip: Buffer) => Buffer, encoding = 'gzip'): Injection {
  return text((healthy) => change(gzipSync(healthy)), { 'content-encoding': encoding })
}

/** Writes raw bytes to the socket, then closes the connection unless `after` says otherwise. */
export function raw(bytes: (healthy: string) => string | Buffer, after: After = 'end'): Injection {
  return ({ response, healthy }) => {
    const { socket } = response
    if (socket === null) throw new Error('no socket')
    socket.write(bytes(healthy.body), () => finish(response, after))
  }
}

type After = 'end' | 'reset' | 'hang' | 'destroy'

function finish({ socket }: ServerResponse, after: After): void {
  if (after === 'end') socket?.end()
  if (after === 'reset') socket?.resetAndDestroy()
  if (after === 'destroy') socket?.destroy()
}

export function head(lines: readonly string[], code = '200 OK'): string {
  return `HTTP/1.1 ${code}\r\ncontent-type: application/json\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** Writes a part of the body under the content length of all of it, then does `after`. */
export function cutOfLength(share: number, after: After): Injection {
  return raw((healthy) => {
    const whole = Buffer.from(healthy)
    const announced = head([`content-length: ${whole.length}`])
    return Buffer.concat([Buffer.from(announced), whole.subarray(0, whole.length * share)])
  }, after)
}

/** Writes one chunk with the first part of the body, then does `after`. */
export function cutChunks(share: number, after: After, ending = ''): Injection {
  return raw((healthy) => {
    const whole = Buffer.from(healthy)
    const part = whole.subarray(0, whole.length * share)
    return Buffer.concat([
      Buffer.from(`${head(['transfer-encoding: chunked'])}${part.length.toString(16)}\r\n`),
      part,
      Buffer.from(ending === '' ? '' : `\r\n${ending}`),
    ])
  }, after)
}

export const reset: Injection = ({ response }) => response.socket?.resetAndDestroy()
export const closeSilently: Injection = ({ response }) => response.socket?.end()
export const hang: Injection = () => undefined

/** Writes a byte every 50 ms, for ever. */
export const drip: Injection = ({ response }) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const drops = setInterval(() => response.write(' '), 50)
  response.on('close', () => clearInterval(drops))
}

/** Answers 429 or 503 and records the wait that the client must keep. */
export function wait(waitMs: number, headers: Headers, code = 429): Injection {
  return (context) => {
    context.world.requireWait(waitMs)
    return status(code, headers)(context)
  }
}

/** Answers a list request with another next link. */
export function link(to: (context: FaultContext) => string): Injection {
  return envelope((page, context) => ({ ...page, '@odata.nextLink': to(context) }))
}

/** Answers a list request with a changed page; the changed rows count as a whole page. */
export function envelope(
  change: (page: Record<string, unknown>, context: FaultContext) => Record<string, unknown>,
): Injection {
  return (context) => {
    const changed = change(JSON.parse(context.healthy.body), context)
    const rows = Array.isArray(changed.value) ? changed.value : []
    context.world.wholePages.add(rows.map((row) => row?.id).join(' '))
    return text(() => JSON.stringify(changed))(context)
  }
}

/**
 * Adds a property to the first referral of the answer: `onWire` is its text, `read` the expected
 * result; `null` when it is too deep to be compared.
 */
export function property(onWire: string, read: string | null): Injection {
  return (context) => {
    const { world, healthy } = context
    // Solutions have an id too, but no engagement id after it.
    const row = /"id":"([^"]+)","engagementId"/.exec(healthy.body)
    const [start = '', id = ''] = row ?? []
    const known = world.source.get(id) ?? ''
    const expected =
      read === null ? null : canonical(JSON.parse(known.replace('{', () => `{${read},`)))
    world.altered.set(id, expected ?? tooDeep)
    return text((body) => body.replace(start, () => `${onWire},${start}`))(context)
  }
}

function textOf(body: unknown): string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
}
