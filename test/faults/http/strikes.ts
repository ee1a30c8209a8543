import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { canonical, type Strike, tooDeep } from './world.ts'

// What a spoilt answer looks like on the wire; each of these takes over one response.

type Headers = Record<string, string | number | string[]>
export type Spoil = (strike: Strike) => unknown

/** An answer with this status, these headers and a body of its own. */
export function status(code: number, headers: Headers = {}, body: unknown = errorBody): Spoil {
  return ({ response }) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers })
    response.end(code === 204 || code === 304 ? undefined : textOf(body))
  }
}

const errorBody = { error: { code: 'generalException', message: 'canary' } }

/** The healthy text, changed, as JSON that is not compressed. */
export function text(change: (healthy: string) => string | Buffer, headers: Headers = {}): Spoil {
  return ({ response, healthy }) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(change(healthy.body))
  }
}

/** The healthy answer, compressed and then changed; its length as announced. */
export function packed(change: (gzip: Buffer) => Buffer, encoding = 'gzip'): Spoil {
  return text((healthy) => change(gzipSync(healthy)), { 'content-encoding': encoding })
}

/** Bytes instead of what Node would write; the connection is closed after them unless said. */
export function raw(bytes: (healthy: string) => string | Buffer, after: After = 'end'): Spoil {
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

/** Part of a body under a header that promises all of it, then `after`. */
export function cutOfLength(share: number, after: After): Spoil {
  return raw((healthy) => {
    const whole = Buffer.from(healthy)
    const announced = head([`content-length: ${whole.length}`])
    return Buffer.concat([Buffer.from(announced), whole.subarray(0, whole.length * share)])
  }, after)
}

/** One chunk with the first part of a body, then `after`. */
export function cutChunks(share: number, after: After, ending = ''): Spoil {
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

export const reset: Spoil = ({ response }) => response.socket?.resetAndDestroy()
export const closeSilently: Spoil = ({ response }) => response.socket?.end()
export const hang: Spoil = () => undefined

/** A byte every 50 ms, for ever. */
export const drip: Spoil = ({ response }) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const drops = setInterval(() => response.write(' '), 50)
  response.on('close', () => clearInterval(drops))
}

/** 429 or 503 with a wait that must be kept to. */
export function wait(waitMs: number, headers: Headers, code = 429): Spoil {
  return (strike) => {
    strike.world.leaveAloneMs(waitMs)
    return status(code, headers)(strike)
  }
}

/** The page with another next link; a list answer of no other kind has one. */
export function link(to: (strike: Strike) => string): Spoil {
  return envelope((page, strike) => ({ ...page, '@odata.nextLink': to(strike) }))
}

/** A list answer with something changed; the rows it then has count as a whole page. */
export function envelope(
  change: (page: Record<string, unknown>, strike: Strike) => Record<string, unknown>,
): Spoil {
  return (strike) => {
    const changed = change(JSON.parse(strike.healthy.body), strike)
    const rows = Array.isArray(changed.value) ? changed.value : []
    strike.world.wholePages.add(rows.map((row) => row?.id).join(' '))
    return text(() => JSON.stringify(changed))(strike)
  }
}

/**
 * The answer with one property more in its first referral: as written, and as it has to be read;
 * `null` when it is too deep to be compared.
 */
export function property(onWire: string, read: string | null): Spoil {
  return (strike) => {
    const { world, healthy } = strike
    // Solutions have an id as well, but no engagement.
    const row = /"id":"([^"]+)","engagementId"/.exec(healthy.body)
    const [start = '', id = ''] = row ?? []
    const known = world.source.get(id) ?? ''
    const expected =
      read === null ? null : canonical(JSON.parse(known.replace('{', () => `{${read},`)))
    world.altered.set(id, expected ?? tooDeep)
    return text((body) => body.replace(start, () => `${onWire},${start}`))(strike)
  }
}

function textOf(body: unknown): string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
}
