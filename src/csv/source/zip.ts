import { crc32 } from 'node:zlib'
import { fromFdPromise } from 'yauzl'
import { CosellError } from '../../errors.ts'
import type { ImportSource } from './import-source.ts'

const entriesMax = 1_000
/** A download has at most 5,000 rows, some 5 MB; half a million rows are some 500 MB. */
const entryBytesMax = 2 * 1024 ** 3
const archiveBytesMax = 8 * 1024 ** 3

/** File descriptor of an archive, and its name for messages. */
export interface Archive {
  readonly fd: number
  readonly name: string
}

/**
 * Yields the files of a zip archive in the order of its directory. Each can be read until the next
 * one is asked for. Folders and what macOS adds for itself are left out.
 *
 * @throws CosellError `checkFailed` for an archive that is damaged, encrypted or too large, or a
 * workbook of Excel. Of an entry, size and CRC-32 are checked while it is read.
 */
export async function* readZip({ fd, name }: Archive): AsyncGenerator<ImportSource> {
  let bytes = 0
  let entries = 0
  try {
    const zip = await fromFdPromise(fd, { autoClose: false })
    for await (const entry of zip.eachEntry()) {
      const { fileName, uncompressedSize: size } = entry
      if (/^\[Content_Types\]\.xml$/i.test(fileName)) {
        throw broken(name, 'a zip archive of CSV files', 'a workbook of Excel', saveAsCsv)
      }
      if (fileName.endsWith('/') || /(^|\/)(__MACOSX\/|\.)/.test(fileName)) continue
      bytes += size
      entries++
      const file = `${name}/${fileName}`
      if (size > entryBytesMax || bytes > archiveBytesMax || entries > entriesMax) {
        const limits = `at most ${entriesMax} files of 2 GiB, 8 GiB together`
        throw broken(file, limits, 'more', unzipIt)
      }
      if (entry.isEncrypted() || !entry.canDecodeFileData()) {
        throw broken(file, 'a file that is not encrypted and deflated', 'another', unzipIt)
      }
      yield {
        name: file,
        open: async () => checked(await zip.openReadStreamPromise(entry), file, entry.crc32),
      }
    }
  } catch (error) {
    throw error instanceof CosellError ? error : damaged(name, error)
  }
}

const unzipIt = 'unzip it and give the folder'
const saveAsCsv = 'save it as "CSV UTF-8" or give the download itself'

/** The chunks, and a failure at their end when their CRC-32 is not that of the directory. */
async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  expected: number,
): AsyncGenerator<Uint8Array> {
  let sum = 0
  try {
    for await (const chunk of chunks) {
      sum = crc32(chunk, sum)
      yield chunk
    }
  } catch (error) {
    throw error instanceof CosellError ? error : damaged(file, error)
  }
  if (sum !== expected) throw damaged(file, 'its checksum is another')
}

function damaged(file: string, cause: unknown): CosellError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return broken(
    file,
    'a whole zip archive',
    `a damaged one (${reason})`,
    'download it again',
    cause,
  )
}

function broken(
  file: string,
  expected: string,
  got: string,
  remedy: string,
  cause?: unknown,
): CosellError {
  const text = `${file}: expected ${expected}, got ${got}. Nothing was loaded; ${remedy}, then run again.`
  return new CosellError('import.archive', text, { cause })
}
