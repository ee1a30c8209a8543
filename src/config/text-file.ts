import { readFileSync } from 'node:fs'

/** Returns the text of a file in UTF-8 or, with a byte order mark, in UTF-16. @throws Error with the reason. */
export function readTextFile(path: string): string {
  return decodeText(readFileSync(path))
}

/** Returns why a file was not read, without a word of its text. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? `it cannot be read (${error.code})` : error.message
}

const marks: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  // Before UTF-16, whose mark it begins with.
  ['UTF-32', [0xff, 0xfe, 0, 0]],
  ['UTF-32', [0, 0, 0xfe, 0xff]],
  ['UTF-16LE', [0xff, 0xfe]],
  ['UTF-16BE', [0xfe, 0xff]],
]

/**
 * Decodes a file that people wrote: UTF-8 with or without byte order mark, or UTF-16 with one, as
 * Windows PowerShell writes it.
 *
 * @throws Error whose message completes "the file cannot be read: …", for any other encoding.
 */
export function decodeText(bytes: Uint8Array): string {
  const [encoding] = marks.find(([, mark]) => mark.every((byte, at) => bytes[at] === byte)) ?? []
  if (encoding === 'UTF-32') throw new Error('it is in UTF-32; save it as UTF-8')
  if (encoding !== undefined) return decode(encoding, bytes) ?? fail(`it is not valid ${encoding}`)
  const text = decode('utf-8', bytes) ?? fail(`line ${invalidLine(bytes)} is not valid UTF-8`)
  if (!text.includes('\0')) return text
  throw new Error(
    'it holds NUL characters, as UTF-16 without a byte order mark does; save it as UTF-8',
  )
}

function fail(reason: string): never {
  throw new Error(`${reason}; save it as UTF-8`)
}

/** Returns the text without its byte order mark; undefined when the bytes are not of the encoding. */
function decode(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Number of the first line that is not UTF-8. */
function invalidLine(bytes: Uint8Array): number {
  const lineFeed = 0x0a
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(lineFeed, start)
    const next = end === -1 ? bytes.length : end + 1
    if (decode('utf-8', bytes.subarray(start, next)) === undefined) break
    start = next
  }
  return line
}
