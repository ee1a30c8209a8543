import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { traceIo } from '../../io-boundary.ts'

/** Separators of ASCII for rows and their cells. */
export const rowEnd = '\x1e'
export const cellEnd = '\x1f'

const chunkLength = 256 * 1024

/**
 * Temporary file that its owner alone may read. Its name is removed as soon as it is open, so that
 * nothing stays behind when the process is killed; Windows removes it at the end.
 */
export class Spool {
  /** Bytes that are not written yet. */
  private pending = Buffer.allocUnsafe(2 * chunkLength)
  private pendingLength = 0
  /** Takes the turn of `pending` while that is written: text may come meanwhile. */
  private spare = Buffer.allocUnsafe(2 * chunkLength)
  private size = 0
  private constructor(
    readonly handle: FileHandle,
    private readonly folder: string,
  ) {}

  static async open(): Promise<Spool> {
    return await traceIo('file', 'open spool', async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'cosell-import-'))
      try {
        const handle = await open(path.join(folder, 'spool'), 'wx+', 0o600)
        if (process.platform !== 'win32') await rm(folder, { recursive: true })
        return new Spool(handle, folder)
      } catch (error) {
        await rm(folder, { recursive: true, force: true })
        throw error
      }
    })
  }

  /** Appends bytes. */
  async append(bytes: Uint8Array): Promise<void> {
    await traceIo('file', 'write spool', async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done)
        done += bytesWritten
      }
    })
    this.size += bytes.length
  }

  /** Keeps text until it is flushed. */
  appendText(text: string): void {
    // No character takes more than three bytes for each of its units of UTF-16.
    const needed = this.pendingLength + 3 * text.length
    if (needed > this.pending.length) {
      const larger = Buffer.allocUnsafe(2 * needed)
      this.pending.copy(larger, 0, 0, this.pendingLength)
      this.pending = larger
    }
    this.pendingLength += this.pending.write(text, this.pendingLength)
  }

  async flushWhenLarge(): Promise<void> {
    if (this.pendingLength >= chunkLength) await this.flush()
  }

  async flush(): Promise<void> {
    const { pending, pendingLength } = this
    this.pending = this.spare
    this.pendingLength = 0
    this.spare = pending
    await this.append(pending.subarray(0, pendingLength))
  }

  /**
   * Yields the pieces of the text between separators of ASCII; the last one ends with a separator
   * too. Each is decoded alone: beside one letter that is none of Latin-1, a whole chunk would take
   * twice the memory and time.
   */
  async *pieces(separator: string): AsyncGenerator<string[]> {
    const end = separator.charCodeAt(0)
    let buffer = Buffer.alloc(chunkLength)
    let kept = 0
    for (let position = 0; position < this.size; ) {
      // A piece that is longer than the buffer.
      if (kept === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(buffer.length)])
      const { bytesRead } = await this.handle.read(buffer, kept, buffer.length - kept, position)
      if (bytesRead === 0) break
      position += bytesRead
      const filled = buffer.subarray(0, kept + bytesRead)
      const pieces: string[] = []
      let start = 0
      for (let at = filled.indexOf(end, kept); at !== -1; at = filled.indexOf(end, start)) {
        pieces.push(filled.toString('utf8', start, at))
        start = at + 1
      }
      buffer.copyWithin(0, start, filled.length)
      kept = filled.length - start
      yield pieces
    }
  }

  async close(): Promise<void> {
    await this.handle.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
