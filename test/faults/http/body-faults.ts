import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { bodyBytesMax } from '../../../src/extract/http/body.ts'
import { bothWays, type FaultKind, fatal, inTheApi, survived, unusableAnswer } from './kinds.ts'
import {
  cutChunks,
  cutOfLength,
  drip,
  hang,
  head,
  type Injection,
  packed,
  property,
  raw,
  text,
} from './strikes.ts'

const unreachable = [75, 'api.unreachable'] as const
const unusable = [69, 'api.unusable_answer'] as const

/** Short timeouts in real time: sockets do not use the virtual clock. */
const shortTimeouts = {
  timeouts: { connectMs: 500, headersMs: 250, bodyIdleMs: 250, totalMs: 300 },
}
const longTimeoutsBut = (totalMs: number) => ({
  timeouts: { connectMs: 500, headersMs: 5_000, bodyIdleMs: 5_000, totalMs },
})

const slow = [
  survived('B1', 'headers that never come', 1, hang, { options: shortTimeouts }),
  survived('B1', 'a body that stops in the middle', 1, cutOfLength(0.5, 'hang'), {
    options: shortTimeouts,
  }),
  survived('B1', 'a body that drips', 1, drip, { options: longTimeoutsBut(400) }),
  fatal('B1', 'headers that never come, for ever', 8, hang, unreachable, {
    options: shortTimeouts,
    positions: ['token', 'middle', 'single'],
  }),
  fatal('B1', 'a body that drips, for ever', 8, drip, unreachable, {
    options: longTimeoutsBut(300),
    positions: ['first'],
  }),
]

const cuts = [
  ...bothWays('B2', 'short of its length', 8, cutOfLength(0.5, 'end'), unreachable),
  ...bothWays('B2', 'reset in the body', 8, cutOfLength(0.9, 'reset'), unreachable),
  ...bothWays('B2', 'cut in a chunk', 8, cutChunks(0.5, 'end'), unreachable),
  ...bothWays('B2', 'last chunk missing', 8, cutChunks(1, 'end', ''), unreachable),
  ...unusableAnswer('B2', 'chunks ended too early', cutChunks(0.7, 'end', '0\r\n\r\n')),
  ...bothWays(
    'B3',
    'gzip cut in half',
    8,
    packed((gzip) => gzip.subarray(0, gzip.length / 2)),
    unreachable,
  ),
  ...bothWays(
    'B3',
    'gzip without its last 8 bytes',
    8,
    packed((gzip) => gzip.subarray(0, -8)),
    unreachable,
  ),
  ...bothWays(
    'B3',
    'gzip without its last byte',
    8,
    packed((gzip) => gzip.subarray(0, -1)),
    unreachable,
  ),
  ...unusableAnswer('B3', 'closed early, no length told', closedEarly(0.6)),
  ...unusableAnswer('B3', 'a length that is too small', tooSmallLength()),
  ...unusableAnswer(
    'B4',
    'gzip with a wrong checksum',
    packed((gzip) => flip(gzip, gzip.length - 6)),
  ),
  ...unusableAnswer(
    'B4',
    'gzip with a wrong length',
    packed((gzip) => flip(gzip, gzip.length - 2)),
  ),
  ...unusableAnswer(
    'B4',
    'gzip with a damaged head',
    packed((gzip) => flip(gzip, 0)),
  ),
]

function closedEarly(share: number): Injection {
  return raw((healthy) => head(['connection: close']) + healthy.slice(0, healthy.length * share))
}

function tooSmallLength(): Injection {
  return raw(
    (healthy) => `${head([`content-length: ${Buffer.byteLength(healthy) - 20}`])}${healthy}`,
  )
}

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[at] = (flipped[at] ?? 0) ^ 1
  return flipped
}

const json = 'application/json'
const notText = [
  ...unusableAnswer(
    'B5',
    'JSON cut short',
    text((healthy) => healthy.slice(0, -1)),
  ),
  ...unusableAnswer(
    'B5',
    'something after the JSON',
    text((healthy) => `${healthy}}`),
  ),
  ...unusableAnswer(
    'B5',
    'two documents',
    text((healthy) => `${healthy}\n${healthy}`),
  ),
  survived(
    'B5',
    'a byte-order mark',
    1,
    text((healthy) => `\ufeff${healthy}`),
  ),
  ...unusableAnswer(
    'B5',
    'two byte-order marks',
    text((healthy) => `\ufeff\ufeff${healthy}`),
  ),
  ...unusableAnswer(
    'B6',
    'JSON called HTML',
    text((healthy) => healthy, { 'content-type': 'text/html' }),
  ),
  ...unusableAnswer(
    'B6',
    'latin-1',
    text((healthy) => Buffer.from(healthy, 'latin1'), {
      'content-type': `${json}; charset=iso-8859-1`,
    }),
  ),
  ...unusableAnswer(
    'B6',
    'UTF-16',
    text((healthy) => Buffer.from(healthy, 'utf16le')),
  ),
  ...unusableAnswer(
    'B6',
    'bytes that are not UTF-8',
    text((healthy) =>
      Buffer.concat([
        Buffer.from(healthy.slice(0, 9)),
        Buffer.from([0xc3, 0x28]),
        Buffer.from(healthy.slice(9)),
      ]),
    ),
  ),
  survived(
    'B6',
    'UTF-8 in capitals and quotes',
    1,
    text((healthy) => healthy, { 'content-type': 'Application/JSON; Charset="UTF-8"' }),
  ),
]

const bomb = gzipSync(Buffer.alloc(20_000_000, ' '))
const tooMany = Buffer.alloc(bodyBytesMax + 1, ' ')

const tooMuch = [
  ...bothWays(
    'B7',
    '20 MB of blanks in 20 KB',
    2,
    packed(() => bomb),
    unusable,
  ),
  fatal(
    'B7',
    'more bytes than allowed',
    2,
    text(() => tooMany),
    unusable,
    {
      positions: ['first', 'single'],
    },
  ),
  ...unusableAnswer(
    'B7',
    'gzip in gzip',
    packed((gzip) => gzipSync(gzip), 'gzip, gzip'),
  ),
  ...unusableAnswer(
    'B7',
    'gzip in gzip, said once',
    packed((gzip) => gzipSync(gzip)),
  ),
  ...unusableAnswer(
    'B7',
    'an encoding not asked for',
    packed((gzip) => gzip, 'br'),
  ),
  ...unusableAnswer(
    'B7',
    'gzip that is none',
    text((healthy) => healthy, { 'content-encoding': 'gzip' }),
  ),
  survived(
    'B7',
    'gzip under its old name',
    1,
    packed((gzip) => gzip, 'x-gzip'),
  ),
]

const referrals = { positions: inTheApi }
const long = 'x'.repeat(2_000_000)
const many = Array.from({ length: 3_000 }, (_, index) => `"key${index}":${index}`).join(',')
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

/** Odd but valid bodies. The read succeeds; a row that cannot be loaded is quarantined later. */
const odd = [
  survived('B8', 'a property 100,000 levels deep', 1, property(`"deep":${deep}`, null), referrals),
  survived(
    'B8',
    '3,000 properties',
    1,
    property(`"many":{${many}}`, `"many":{${many}}`),
    referrals,
  ),
  survived('B8', 'a text of 2 MB', 1, property(`"long":"${long}"`, `"long":"${long}"`), referrals),
  survived('B9', 'a key given twice', 1, property('"name":"first"', '"name":"first"'), {
    ...referrals,
    check: () => expect(({} as { name?: unknown }).name).toBeUndefined(),
  }),
  ...['__proto__', 'constructor', 'prototype'].map((key) => {
    const own = `"${key}":{"polluted":true}`
    return survived('B9', `a key called ${key}`, 1, property(own, own), {
      ...referrals,
      check: () => expect(({} as { polluted?: unknown }).polluted).toBeUndefined(),
    })
  }),
  ...[
    ['1234567890123456789.0123456789', '"1234567890123456789.0123456789"'],
    ['1e400', '"1e400"'],
    ['-0', '0'],
    ['0.1', '0.1'],
    ['9007199254740993', '"9007199254740993"'],
  ].map(([wire = '', read]) =>
    survived('B10', `the number ${wire}`, 1, property(`"x":${wire}`, `"x":${read}`), referrals),
  ),
]

/** Faults of bodies: slow, cut short, damaged, too large or odd. */
export const bodyFaults: readonly FaultKind[] = [...slow, ...cuts, ...notText, ...tooMuch, ...odd]
