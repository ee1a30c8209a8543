import { isAscii, isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { CosellError } from '../../errors.ts'
import { cellEnd, rowEnd } from './spool.ts'

export type Encoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'Windows-1252'

const marks: readonly (readonly [Encoding | 'UTF-32', readonly number[]])[] = [
  // Before UTF-16, whose mark it begins with.
  ['UTF-32', [0xff, 0xfe, 0, 0]],
  ['UTF-32', [0, 0, 0xfe, 0xff]],
  ['UTF-8', [0xef, 0xbb, 0xbf]],
  ['UTF-16LE', [0xff, 0xfe]],
  ['UTF-16BE', [0xfe, 0xff]],
]

/** Enough to see whether every second byte is 0. */
const headBytes = 64

/**
 * Decoder of one file, chunk by chunk. A byte order mark decides, or zeros in every second byte.
 * Other files are UTF-8, or Windows-1252 from the first byte on that is not UTF-8, which has ASCII
 * alone before it. Two letters of Windows-1252 may look like one of UTF-8 (`É”`), so that a file of
 * Windows-1252 is refused only where most of its letters are UTF-8. Where a chunk ends does not
 * matter.
 */
export class FileDecoder {
  encoding: Encoding = 'UTF-8'
  /** Bytes without a result yet: the beginning of the file, or of a character. */
  private pending: Buffer = Buffer.alloc(0)
  private isBegun = false
  /** What is known of a file without mark. */
  private proven: 'ascii' | 'utf-8' | 'windows-1252' = 'ascii'
  private utf16: TextDecoder | null = null
  private lineFeeds = 0
  /** First line that is not UTF-8, and what the letters after it are. */
  private readonly windows = { line: 0, letters: 0, asUtf8: 0 }

  constructor(private readonly file: string) {}

  /**
   * Returns text, or bytes that are UTF-8 as they are, which the parser takes as well.
   *
   * @throws CosellError `checkFailed` for bytes of no encoding, or of two.
   */
  write(chunk: Uint8Array): string | Buffer {
    const bytes = this.pending.length === 0 ? toBuffer(chunk) : Buffer.concat([this.pending, chunk])
    if (!this.isBegun && bytes.length < headBytes) {
      this.pending = bytes
      return ''
    }
    return this.take(bytes, false)
  }

  end(): string | Buffer {
    return this.take(this.pending, true)
  }

  private take(bytes: Buffer, isEnd: boolean): string | Buffer {
    this.pending = Buffer.alloc(0)
    const body = this.isBegun ? bytes : this.begin(bytes)
    const decoded =
      this.utf16 === null ? this.decodeBytes(body, isEnd) : this.decodeUtf16(body, isEnd)
    if (isEnd && this.windows.asUtf8 > this.windows.letters) {
      throw this.failure('UTF-8, as elsewhere in the file', 'another byte', this.windows.line)
    }
    const hasControls = this.utf16 !== null || controls.some((code) => body.includes(code))
    const text = hasControls ? decoded.toString() : decoded
    const nul = hasControls ? text.indexOf('\0') : -1
    if (nul !== -1) {
      throw this.failure('text', 'NUL characters', this.lineAt(text.toString(), nul))
    }
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.lineFeeds++
    if (typeof text !== 'string' || !hasControls) return text
    // Both end pieces of the spool; a cell holds their pictures instead.
    return text.replaceAll(rowEnd, '\u241e').replaceAll(cellEnd, '\u241f')
  }

  /** Finds the encoding at the beginning; returns the bytes behind the mark. */
  private begin(bytes: Buffer): Buffer {
    this.isBegun = true
    const found = marks.find(([, mark]) => mark.every((byte, at) => bytes[at] === byte))
    const [encoding, mark] = found ?? [zerosOf(bytes), []]
    if (encoding === 'UTF-32') throw this.failure('UTF-8', 'UTF-32', 1)
    if (encoding === null) return bytes
    this.encoding = encoding
    if (encoding === 'UTF-8') this.proven = 'utf-8'
    else this.utf16 = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
    return bytes.subarray(mark.length)
  }

  private decodeUtf16(bytes: Buffer, isEnd: boolean): string {
    try {
      return this.utf16?.decode(bytes, { stream: !isEnd }) ?? ''
    } catch {
      throw this.failure(this.encoding, 'half a character', this.lineAt('', 0))
    }
  }

  private decodeBytes(bytes: Buffer, isEnd: boolean): string | Buffer {
    if (isAscii(bytes)) return bytes
    const complete = isEnd ? bytes : bytes.subarray(0, bytes.length - openBytes(bytes))
    this.pending = bytes.subarray(complete.length)
    if (this.proven === 'windows-1252') return this.decodeWindows(complete)
    if (isUtf8(complete)) {
      if (!isAscii(complete)) this.proven = 'utf-8'
      return complete
    }
    const text = complete.toString('utf8')
    const before = text.slice(0, text.indexOf('\ufffd'))
    const line = this.lineAt(before, before.length)
    const isLetter = complete.subarray(Buffer.byteLength(before)).indexOf('\ufffd') === 0
    if (this.proven === 'utf-8' || isLetter || /\P{ASCII}/u.test(before)) {
      throw this.failure('UTF-8, as before in the file', 'another byte', line)
    }
    this.proven = 'windows-1252'
    this.encoding = 'Windows-1252'
    this.windows.line = line
    return this.decodeWindows(complete)
  }

  private decodeWindows(bytes: Buffer): string {
    const latin = bytes.toString('latin1')
    let pairs = 0
    for (const [pair] of latin.matchAll(lettersOfUtf8)) {
      this.windows.asUtf8++
      pairs += pair.length
    }
    this.windows.letters += (latin.match(/[\x80-\xff]/g)?.length ?? 0) - pairs
    const text = latin.replace(/[\x80-\x9f]/g, windowsCharacter)
    const unknown = text.indexOf('\ufffd')
    if (unknown === -1) return text
    const line = this.lineAt(text, unknown)
    throw this.failure('UTF-8 or Windows-1252', 'a byte that is in neither', line)
  }

  /** Line of a place in the text that was decoded last. */
  private lineAt(text: string, at: number): number {
    return this.lineFeeds + text.slice(0, at).split('\n').length
  }

  private failure(expected: string, got: string, line: number): CosellError {
    const message =
      `${this.file}:${line}: expected ${expected}, got ${got}. Nothing was loaded; ` +
      'save the file as "CSV UTF-8" or download it again, then run again.'
    return new CosellError('import.invalid', message)
  }
}

/** Codes of NUL and of what ends pieces of the spool; bytes are searched faster than text. */
const controls = [0, rowEnd.charCodeAt(0), cellEnd.charCodeAt(0)]

/** Bytes of one letter of UTF-8, read as Latin-1. */
const lettersOfUtf8 = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Encoding of a file without mark in which every second byte is 0, as of ASCII in UTF-16. */
function zerosOf(bytes: Buffer): Encoding | null {
  const head = bytes.subarray(0, headBytes)
  const zeros = [0, 0]
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  const most = Math.max(3, head.length / 2 - 2)
  if (odd >= most && even === 0) return 'UTF-16LE'
  return even >= most && odd === 0 ? 'UTF-16BE' : null
}

/** Bytes at the end that begin a character of UTF-8 without ending it. */
function openBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte < 0xc0) continue
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    return back < length ? back : 0
  }
  return 0
}

// Node's own decoder of Windows-1252 reads these 32 as Latin-1 in some releases. The five places
// that the code page leaves empty become U+FFFD.
const windowsCharacters = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ'

function windowsCharacter(latin: string): string {
  return windowsCharacters[latin.charCodeAt(0) - 0x80] ?? '\ufffd'
}
