import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { CosellError } from '../../errors.ts'
import type { ImportSource } from './import-source.ts'
import { Spool } from './spool.ts'
import { readZip } from './zip.ts'

/**
 * Yields the files that arguments of the command name: a file, the files of a folder and of the
 * folders in it by name, `-` for standard input, and the files of zip archives among them, whatever
 * their names. Each can be read until the next one is asked for. Hidden files, and what Windows and
 * Excel leave in a folder, are left out.
 *
 * @throws CosellError `usage` for a path that cannot be opened, `checkFailed` for a broken archive.
 */
export async function* expandSources(
  paths: readonly string[],
  standardInput: AsyncIterable<Uint8Array>,
): AsyncGenerator<ImportSource> {
  for (const name of paths) {
    if (name === '-') {
      yield* fromStream(standardInput, 'standard input')
      continue
    }
    for (const file of await filesOf(name)) yield* fromFile(file)
  }
}

async function filesOf(name: string): Promise<readonly string[]> {
  try {
    if (!(await stat(name)).isDirectory()) return [name]
    const entries = await readdir(name, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !isLeftOut(path.relative(name, file)))
      .sort()
  } catch (error) {
    throw unreadable(name, error)
  }
}

function isLeftOut(relative: string): boolean {
  const names = relative.split(path.sep)
  return names.some((name) => /^(\.|~\$|__MACOSX$|thumbs\.db$|desktop\.ini$)/i.test(name))
}

async function* fromFile(name: string): AsyncGenerator<ImportSource> {
  const handle = await open(name).catch((error: unknown) => {
    throw unreadable(name, error)
  })
  try {
    // A pipe, as of `cosell import <(…)`, is read once and from its beginning.
    if (!(await handle.stat()).isFile()) {
      yield* fromStream(handle.createReadStream({ autoClose: false }), name)
      return
    }
    if (await isZip(handle, name)) yield* readZip({ fd: handle.fd, name })
    else yield { name, open: async () => createReadStream(name) }
  } finally {
    await handle.close()
  }
}

async function isZip(handle: FileHandle, name: string): Promise<boolean> {
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
    return isZipHead(buffer.subarray(0, bytesRead))
  } catch (error) {
    throw unreadable(name, error)
  }
}

/** Local header of a first entry, or the end of an empty archive. */
function isZipHead(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] ?? 9) < 9 && (bytes[3] ?? 9) < 9
}

async function* fromStream(
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<ImportSource> {
  const iterator = input[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  while (lengthOf(head) < 4) {
    const next = await iterator.next()
    if (next.done) break
    head.push(next.value)
  }
  const whole = async function* () {
    yield* head
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      yield next.value
    }
  }
  if (!isZipHead(Buffer.concat(head).subarray(0, 4))) {
    yield { name, open: async () => whole() }
    return
  }
  // The directory of an archive is at its end.
  const spool = await Spool.open()
  try {
    for await (const chunk of whole()) await spool.append(chunk)
    yield* readZip({ fd: spool.handle.fd, name })
  } finally {
    await spool.close()
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((length, chunk) => length + chunk.length, 0)
}

function unreadable(name: string, error: unknown): CosellError {
  const reason = error instanceof Error && 'code' in error ? error.code : String(error)
  const text =
    `Cannot read ${name} (${reason}): expected a file or folder of downloads. ` +
    'Check its path and rights.'
  return new CosellError('import.unreadable', text, { cause: error })
}
