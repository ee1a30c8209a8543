import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { parseJson } from './exact-json.ts'

/**
 * Most bytes of one answer, after decompression; a page of 100 referrals has about 300 KiB.
 * Measured: a body of this size takes 115 MB to read and parse, an endless one 96 MB. With 64 MiB it
 * is 227 and 160 MB.
 */
export const bodyBytesMax = 32 * 1024 * 1024

/** Highest ratio of decompression. Referrals shrink to a tenth; a thousandth is a zip bomb. */
const ratioMax = 100
/** Size below which any ratio is harmless: a page of a few equal rows may well exceed it. */
const ratioFreeBytes = 1024 * 1024

/** Body that arrived whole but cannot be used; the message never quotes it. */
export class UnusableBody extends Error {
  override readonly name = 'UnusableBody'
  constructor(
    message: string,
    /** `tooLarge` for a body that another try would bring again. */
    readonly form: 'notJson' | 'tooLarge' = 'notJson',
  ) {
    super(message)
  }
}

/** Body that ended too early. */
export class CutBody extends Error {
  override readonly name = 'CutBody'
}

/**
 * Reads, decompresses and decodes a JSON body piece by piece, then parses it.
 *
 * @throws UnusableBody too large, another type or encoding than requested, not UTF-8, not JSON
 * @throws CutBody compressed data ended early (HTTP alone does not notice: measured with `fetch`)
 */
export async function readJsonBody(
  body: AsyncIterable<Uint8Array>,
  headers: Record<string, string | string[] | undefined>,
): Promise<unknown> {
  const encoding = String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase()
  if (!['identity', 'gzip', 'x-gzip'].includes(encoding))
    throw new UnusableBody('a content encoding that was not asked for')
  checkType(String(headers['content-type'] ?? ''))
  return parse(await (encoding === 'identity' ? readText(body) : readPackedText(body)))
}

/** Accepts a missing content type: the envelope is checked in any case. */
function checkType(contentType: string): void {
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim())
  if (type !== '' && !/^(?:application|text)\/(?:[\w.-]+\+)?json$/i.test(type))
    throw new UnusableBody('another content type than JSON')
  const charset = parameters
    .map((parameter) => /^charset\s*=\s*"?([^"\s]+)/i.exec(parameter)?.[1])
    .find((found) => found !== undefined)
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset))
    throw new UnusableBody('another charset than UTF-8')
}

async function readPackedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  let bytesIn = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      bytesIn += piece.length
      yield piece
    }
  }
  try {
    return await pipeline(counted, createGunzip(), (unpacked: AsyncIterable<Uint8Array>) =>
      readText(unpacked, () => bytesIn),
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'Z_BUF_ERROR') throw new CutBody('compressed data that ends early')
    throw code?.startsWith('Z_') ? new UnusableBody('compressed data that is damaged') : error
  }
}

/**
 * Decodes piece by piece, so that bytes and text of a large body are never held at once. Stops at
 * the first piece above a limit, so that a small body that unpacks to a huge one costs nothing.
 */
async function readText(
  pieces: AsyncIterable<Uint8Array>,
  bytesIn: () => number = () => Number.POSITIVE_INFINITY,
): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const texts: string[] = []
  let length = 0
  for await (const piece of pieces) {
    length += piece.length
    if (length > bodyBytesMax) throw tooLarge()
    if (length > ratioFreeBytes && length > ratioMax * bytesIn()) throw tooDense()
    texts.push(decode(() => decoder.decode(piece, { stream: true })))
  }
  texts.push(decode(() => decoder.decode()))
  return texts.join('')
}

function decode(next: () => string): string {
  try {
    return next()
  } catch {
    throw new UnusableBody('bytes that are not UTF-8')
  }
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    // The parser's own message quotes the text, which may hold people's data.
    throw new UnusableBody(text.trim() === '' ? 'nothing' : 'text that is not JSON')
  }
}

function tooLarge(): UnusableBody {
  return new UnusableBody(`more than ${bodyBytesMax / 1024 / 1024} MiB`, 'tooLarge')
}

function tooDense(): UnusableBody {
  return new UnusableBody(`a body that unpacks to more than ${ratioMax} times its size`, 'tooLarge')
}
