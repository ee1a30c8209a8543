import { crc32, deflateRawSync } from 'node:zlib'

/** First day that an archive can date a file by, so that the same files make the same archive. */
const firstDay = 0x21
/** Names are UTF-8. */
const flags = 0x800
const deflated = 8
const version = 20

/** Returns a zip archive of text files (APPNOTE 6.3), by their names. */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path)
    const content = Buffer.from(text)
    const data = deflateRawSync(content)
    const common = Buffer.concat([
      numbers([version, 2], [flags, 2], [deflated, 2], [0, 2], [firstDay, 2]),
      numbers([crc32(content), 4], [data.length, 4], [content.length, 4]),
      numbers([name.length, 2], [0, 2]),
    ])
    const local = Buffer.concat([numbers([0x04034b50, 4]), common, name, data])
    directory.push(
      numbers([0x02014b50, 4], [version, 2]),
      common,
      numbers([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]),
      name,
    )
    locals.push(local)
    offset += local.length
  }
  const count = locals.length
  const end = Buffer.concat(directory)
  const sizes = numbers([count, 2], [count, 2], [end.length, 4], [offset, 4])
  return Buffer.concat([
    ...locals,
    end,
    numbers([0x06054b50, 4], [0, 2], [0, 2]),
    sizes,
    numbers([0, 2]),
  ])
}

/** Little-endian numbers, each with its length in bytes. */
function numbers(...values: readonly (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(
    values.map(([value, bytes]) => {
      const buffer = Buffer.alloc(bytes)
      buffer.writeUIntLE(value, 0, bytes)
      return buffer
    }),
  )
}
