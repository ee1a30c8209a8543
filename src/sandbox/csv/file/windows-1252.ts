/**
 * Characters of the bytes 128 to 159, where Windows-1252 is not ISO 8859-1; a blank stands for the
 * five that the code page leaves empty. Written down, because `TextDecoder` of some releases of
 * Node.js reads these bytes as ISO 8859-1 (20.18.3 to 20.20.2 among them).
 */
const between128And159 = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ'

const byteOf = new Map(
  Array.from({ length: 256 }, (_, byte): [string, number] => [
    byte < 128 || byte > 159 ? String.fromCharCode(byte) : between128And159.charAt(byte - 128),
    byte,
  ]).filter(([letter, byte]) => letter !== ' ' || byte === 32),
)

export function isInWindows1252(text: string): boolean {
  for (const letter of text) if (!byteOf.has(letter)) return false
  return true
}

/** @throws RangeError for a character that the encoding lacks. */
export function inWindows1252(text: string): Buffer {
  const encoded = Buffer.alloc(text.length)
  for (let index = 0; index < text.length; index += 1) {
    const byte = byteOf.get(text.charAt(index))
    if (byte === undefined) {
      throw new RangeError(`expected a character of Windows-1252, got ${text.charCodeAt(index)}`)
    }
    encoded[index] = byte
  }
  return encoded
}
