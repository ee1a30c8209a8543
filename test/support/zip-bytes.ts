import { crc32, deflateRawSync } from 'node:zlib'

/** File of an archive, and what is odd about its entry. */
export interface ZipFileSpec {
  readonly name: string
  readonly bytes: Uint8Array
  /** Whether sizes and checksum follow the data, as a program writes them that streams. */
  readonly isStreamed?: boolean
  /** Name in code page 437 instead of UTF-8. */
  readonly nameBytes?: Uint8Array
  readonly crc?: number
  readonly size?: number
  readonly isEncrypted?: boolean
}

/** Returns the bytes of a zip archive, written here by its specification (APPNOTE 6.3). */
export function zipBytes(files: readonly ZipFileSpec[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const file of files) {
    const name = Buffer.from(file.nameBytes ?? Buffer.from(file.name))
    const data = deflateRawSync(file.bytes)
    const crc = file.crc ?? crc32(file.bytes)
    const size = file.size ?? file.bytes.length
    const flags =
      (file.isStreamed ? 0x08 : 0) | (file.nameBytes ? 0 : 0x800) | (file.isEncrypted ? 1 : 0)
    const common = numbers([20, 2], [flags, 2], [8, 2], [0, 2], [0x21, 2])
    const sums = numbers([crc, 4], [data.length, 4], [size, 4])
    const local = file.isStreamed ? numbers([0, 4], [0, 4], [0, 4]) : sums
    const lengths = numbers([name.length, 2], [0, 2])
    const after = file.isStreamed
      ? Buffer.concat([numbers([0x08074b50, 4]), sums])
      : Buffer.alloc(0)
    const entry = [numbers([0x04034b50, 4]), common, local, lengths, name, data, after]
    directory.push(
      numbers([0x02014b50, 4], [20, 2]),
      common,
      sums,
      lengths,
      numbers([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]),
      name,
    )
    locals.push(...entry)
    offset += lengthOf(entry)
  }
  const end = numbers(
    [0x06054b50, 4],
    [0, 2],
    [0, 2],
    [files.length, 2],
    [files.length, 2],
    [lengthOf(directory), 4],
    [offset, 4],
    [0, 2],
  )
  return Buffer.concat([...locals, ...directory, end])
}

function numbers(...fields: readonly (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(
    fields.map(([value, bytes]) => {
      const buffer = Buffer.alloc(bytes)
      buffer.writeUIntLE(value, 0, bytes)
      return buffer
    }),
  )
}

function lengthOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((length, { length: more }) => length + more, 0)
}
