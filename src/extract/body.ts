import { promisify } from 'node:util'
import { gunzip as gunzipWithCallback } from 'node:zlib'
import { parseJson } from './json.ts'

const gunzip = promisify(gunzipWithCallback)

/** Bytes of one answer, after decompression; a page of 100 referrals has about 300 KiB. */
export const bodyBytesMax = 64 * 1024 * 1024

/** A body that arrived but cannot be used; the message never quotes it. */
export class UnusableBody extends Error {
  override readonly name = 'UnusableBody'
}

/** A body that ended too early. */
export class CutBody extends Error {
  override readonly name = 'CutBody'
}

/**
 * Reads, decompresses, decodes and parses a JSON body.
 *
 * @throws UnusableBody too large, encoded in a way that was not asked for, not UTF-8, not JSON
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
  const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(String(headers['content-type'] ?? ''))?.[1]
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    throw new UnusableBody('another charset than UTF-8')
  const received = await collect(body)
  const bytes = encoding === 'identity' ? received : await decompress(received)
  return parse(decode(bytes))
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > bodyBytesMax) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

async function decompress(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await gunzip(bytes, { maxOutputLength: bodyBytesMax })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    if (code === 'Z_BUF_ERROR') throw new CutBody('compressed data that ends early')
    throw new UnusableBody('compressed data that is damaged')
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
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
  return new UnusableBody(`more than ${bodyBytesMax / 1024 / 1024} MiB`)
}
