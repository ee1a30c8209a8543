import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

/** What a file holds once it is complete. */
export interface FileFacts {
  readonly bytes: number
  /** Hash of the whole file, as `sha256sum` prints it. */
  readonly sha256: string
}

/** A file under a temporary name, hashed as it is written. */
export class DraftFile {
  private readonly hash = createHash('sha256')
  private bytes = 0

  private constructor(
    private readonly file: string,
    private readonly draft: string,
    private readonly handle: FileHandle,
  ) {}

  /** Opens the draft of `file`; `mode` as of a new file. */
  static async open(file: string, mode: number): Promise<DraftFile> {
    const draft = `${file}.${process.pid}.draft`
    // A file of another process of this number, long gone, may have other rights.
    await rm(draft, { force: true })
    return new DraftFile(file, draft, await open(draft, 'wx', mode))
  }

  /** Writes all of the bytes, which the caller may reuse afterwards. */
  async write(bytes: Uint8Array): Promise<void> {
    this.hash.update(bytes)
    this.bytes += bytes.length
    await this.handle.writeFile(bytes)
  }

  /** Closes the draft, whose bytes are on the disk then. */
  async finish(): Promise<FileFacts> {
    await this.handle.sync()
    await this.handle.close()
    return { bytes: this.bytes, sha256: this.hash.digest('hex') }
  }

  /** Gives the finished draft the name of its file, in place of an earlier one. */
  publish(): Promise<void> {
    return rename(this.draft, this.file)
  }

  /** Removes the draft, complete or not; nothing once it was published. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => undefined)
    await rm(this.draft, { force: true })
  }
}
