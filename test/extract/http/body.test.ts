import { execFile } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bodyBytesMax, readJsonBody } from '../../../src/extract/http/body.ts'
import { type Reply, withServer } from '../../support/scripted-server.ts'
import { aReferral, firstPage, withApi } from '../support.ts'

const page = { value: Array.from({ length: 12 }, (_, index) => aReferral(`r${index}`)) }
const text = Buffer.from(JSON.stringify(page))
const gzip = { 'content-encoding': 'gzip' }

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
}

test.each([
  { name: 'plain', bytes: text, headers: {} },
  { name: 'compressed', bytes: gzipSync(text), headers: gzip },
])(
  'readJsonBody accepts a whole $name body and rejects it cut at any byte',
  async ({ bytes, headers }) => {
    expect(await readJsonBody(inPieces(bytes), headers)).toEqual(page)
    const accepted: number[] = []
    for (let length = 0; length < bytes.length; length += 1) {
      await readJsonBody(inPieces(bytes.subarray(0, length)), headers).then(
        () => accepted.push(length),
        () => undefined,
      )
    }
    expect(accepted).toEqual([])
  },
)

test('readJsonBody rejects a compressed body with any wrong bit in its checksum', async () => {
  const bytes = gzipSync(text)
  for (let back = 1; back <= 8; back += 1) {
    const damaged = Buffer.from(bytes)
    damaged[bytes.length - back] = (damaged[bytes.length - back] ?? 0) ^ 1
    await expect(readJsonBody(inPieces(damaged), gzip)).rejects.toMatchObject({
      name: 'UnusableBody',
    })
  }
})

test('the message about a body does not quote it', () =>
  expect(readJsonBody(inPieces(Buffer.from('{"canary')), {})).rejects.toThrow(
    expect.objectContaining({ message: 'text that is not JSON' }),
  ))

describe('the type and charset of a body', () => {
  const read = (type: string) => readJsonBody(inPieces(text), { 'content-type': type })
  test.each([
    '',
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;Charset="UTF8"',
    'application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8',
    'text/json',
    'application/problem+json',
  ])('readJsonBody accepts the type "%s"', async (type) => expect(await read(type)).toEqual(page))
  test.each([
    ['text/html', 'another content type than JSON'],
    ['text/plain; charset=utf-8', 'another content type than JSON'],
    ['application/octet-stream', 'another content type than JSON'],
    ['application/json; charset=iso-8859-1', 'another charset than UTF-8'],
    ['application/json; charset=utf-16', 'another charset than UTF-8'],
  ])('readJsonBody rejects the type "%s"', (type, message) =>
    expect(read(type)).rejects.toThrow(message),
  )
})

test('readJsonBody rejects a body that unpacks to over a hundred times its size, from 1 MiB on', async () => {
  const blanks = (bytes: number) => gzipSync(Buffer.alloc(bytes, ' '))
  const below = gzipSync(`{"value":[${' '.repeat(1_000_000)}]}`)
  expect(await readJsonBody(inPieces(below), gzip)).toEqual({ value: [] })
  await expect(readJsonBody(inPieces(blanks(2_000_000)), gzip)).rejects.toThrow(
    'unpacks to more than 100 times',
  )
})

// The referrals differ, so that the cuts hit bytes of every kind.
const wire = Buffer.from(
  JSON.stringify({
    '@odata.count': 3,
    value: [1, 2, 3].map((n) => ({ ...aReferral(`r${n}`), name: `Größe ${n} 😀 "\\n"`, n: n / 7 })),
  }),
)

interface Form {
  name: string
  bytes: Buffer
}

const headOf = (lines: string) =>
  Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${lines}\r\n\r\n`)

function chunked(bytes: Buffer, size: number): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size)
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')])
}

const packed = gzipSync(wire)
const forms: Form[] = [
  {
    name: 'plain with its length',
    bytes: Buffer.concat([headOf(`Content-Length: ${wire.length}`), wire]),
  },
  { name: 'plain until the end', bytes: Buffer.concat([headOf('Connection: close'), wire]) },
  {
    name: 'compressed with its length',
    bytes: Buffer.concat([
      headOf(`Content-Encoding: gzip\r\nContent-Length: ${packed.length}`),
      packed,
    ]),
  },
  {
    name: 'compressed until the end',
    bytes: Buffer.concat([headOf('Content-Encoding: gzip\r\nConnection: close'), packed]),
  },
  {
    name: 'plain in chunks',
    bytes: Buffer.concat([headOf('Transfer-Encoding: chunked'), chunked(wire, 61)]),
  },
  {
    name: 'compressed in chunks',
    bytes: Buffer.concat([
      headOf('Content-Encoding: gzip\r\nTransfer-Encoding: chunked'),
      chunked(packed, 23),
    ]),
  },
]

/** Serves the first `length` bytes of one answer to every request, then hangs up. */
async function withCuts<T>(
  bytes: Buffer,
  use: (url: string, cutAt: (length: number) => void, served: () => number) => Promise<T>,
): Promise<T> {
  let length = 0
  let served = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => {
      served += 1
      socket.end(bytes.subarray(0, length))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  try {
    const cutAt = (at: number) => {
      length = at
    }
    return await use(`http://127.0.0.1:${port}`, cutAt, () => served)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

describe('an answer cut at any byte, over real HTTP', () => {
  let cuts = 0
  test.each(forms)('an answer cut at any byte over HTTP is rejected: $name', ({ bytes }) =>
    withCuts(bytes, async (url, cutAt, served) => {
      const accepted: number[] = []
      // One try each: the retry budget would end a run after twenty cuts.
      for (let length = 0; length < bytes.length; length += 1) {
        cutAt(length)
        const stop = new AbortController()
        const options = { signal: stop.signal, clock: stopAtFirstWait(stop) }
        const read = await withApi(url, options, (api) => api.getPage(firstPage).catch(() => null))
        if (read !== null) accepted.push(length)
      }
      expect(accepted).toEqual([])
      expect(served()).toBe(bytes.length)
      cuts += served()
      cutAt(bytes.length)
      const whole = await withApi(url, {}, (api) => api.getPage(firstPage))
      expect(whole.referrals).toHaveLength(3)
    }),
  )
  test('answers were cut at 2,000 bytes and more', () => {
    process.stdout.write(`answers cut: ${cuts}, accepted: 0\n`)
    expect(cuts).toBeGreaterThanOrEqual(2_000)
  })
})

/** A clock whose first sleep aborts the request, so that no second try is sent. */
function stopAtFirstWait(stop: AbortController) {
  return {
    now: () => 0,
    monotonic: () => 0,
    sleep: async () => {
      stop.abort(new Error('one try'))
      throw stop.signal.reason
    },
  }
}

const largest = `{"value":["${'x'.repeat(bodyBytesMax - 14)}"]}`
const refused = { code: 'api.unusable_answer', requests: 2 }
const bomb = gzipSync(Buffer.alloc(300_000_000))

/** Sends blanks for as long as the client reads. */
function endless(response: ServerResponse): void {
  const blanks = Buffer.alloc(1024 * 1024, ' ')
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = () => {
    while (!response.destroyed && response.write(blanks));
  }
  response.on('drain', more)
  more()
}

test.each<[string, Reply, object]>([
  ['300 MB packed into 300 KB', { headers: gzip, body: bomb }, refused],
  ['a body without end', { by: endless }, refused],
  ['the largest body allowed', { body: largest }, { code: null, requests: 1 }],
])('memory rises by less than 150 MB: %s', async (name, bad, ending) => {
  const script = fileURLToPath(new URL('../../faults/http/memory.ts', import.meta.url))
  const said = await withServer(
    ({ path }) => (path.startsWith('/bad/') ? bad : { body: page }),
    async ({ url }) => {
      const reading = promisify(execFile)(process.execPath, ['--import', 'tsx', script, url])
      return (await reading).stdout
    },
  )
  const { rise, code, requests } = JSON.parse(said)
  process.stdout.write(`${name}: ${Math.round(rise / 1e6)} MB more at the peak\n`)
  expect({ code, requests }).toEqual(ending)
  expect(rise).toBeLessThan(150_000_000)
})
