import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readJsonBody } from '../../src/extract/body.ts'
import { aReferral } from './support.ts'

const page = { value: Array.from({ length: 12 }, (_, index) => aReferral(`r${index}`)) }
const text = Buffer.from(JSON.stringify(page))

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
}

test.each([
  { name: 'plain', bytes: text, headers: {} },
  { name: 'compressed', bytes: gzipSync(text), headers: { 'content-encoding': 'gzip' } },
])('a $name body is accepted whole, and cut at no byte', async ({ bytes, headers }) => {
  expect(await readJsonBody(inPieces(bytes), headers)).toEqual(page)
  const accepted: number[] = []
  for (let length = 0; length < bytes.length; length += 1) {
    await readJsonBody(inPieces(bytes.subarray(0, length)), headers).then(
      () => accepted.push(length),
      () => undefined,
    )
  }
  expect(accepted).toEqual([])
})

test('no bit of the checksum of a compressed body can be wrong', async () => {
  const bytes = gzipSync(text)
  for (let back = 1; back <= 8; back += 1) {
    const damaged = Buffer.from(bytes)
    damaged[bytes.length - back] = (damaged[bytes.length - back] ?? 0) ^ 1
    await expect(
      readJsonBody(inPieces(damaged), { 'content-encoding': 'gzip' }),
    ).rejects.toMatchObject({ name: 'UnusableBody' })
  }
})

test('the message does not quote the body', () =>
  expect(readJsonBody(inPieces(Buffer.from('{"canary')), {})).rejects.toThrow(
    expect.objectContaining({ message: 'text that is not JSON' }),
  ))
