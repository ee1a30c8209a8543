import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FileDecoder } from '../../../src/csv/source/decode.ts'
import { type Dialect, encode } from '../../support/csv-files.ts'

function decode(bytes: Uint8Array, chunkBytes = bytes.length): { text: string; encoding: string } {
  const decoder = new FileDecoder('deals.csv')
  let text = ''
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    text += decoder.write(bytes.subarray(at, at + chunkBytes))
  }
  return { text: text + decoder.end(), encoding: decoder.encoding }
}

const head = `${'Referral ID,Deal Name\n'.repeat(3)}`

describe('FileDecoder', () => {
  test.each<[Dialect['encoding'], string]>([
    ['utf-8', 'UTF-8'],
    ['utf-8-bom', 'UTF-8'],
    ['utf-16le', 'UTF-16LE'],
    ['utf-16le-bom', 'UTF-16LE'],
    ['windows-1252', 'Windows-1252'],
  ])('FileDecoder reads %s as %s, wherever chunks end', (encoding, found) => {
    const letters = fc.string({ unit: fc.constantFrom(...'aé€Šz\n'), maxLength: 30 })
    const beyond = encoding === 'windows-1252' ? '' : '漢𝒳'
    fc.assert(
      fc.property(letters, fc.integer({ min: 1, max: 9 }), (body, chunkBytes) => {
        const text = `${head}é,${body.replaceAll('é', 'éa')}${beyond}`
        expect(decode(encode(text, encoding), chunkBytes)).toEqual({ text, encoding: found })
      }),
    )
  })

  test('FileDecoder reads the 27 characters that Windows-1252 has and Latin-1 has not', () => {
    const bytes = Array.from({ length: 32 }, (_, at) => 0x80 + at)
    const used = bytes.filter((byte) => ![0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte))
    const { text } = decode(Buffer.concat([Buffer.from(head), Buffer.from(used)]))
    expect(text).toBe(`${head}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ`)
  })

  test.each([
    ['empty', '', ''],
    ['a byte order mark alone', '\ufeff', ''],
    ['one letter', 'é', 'é'],
    ['ASCII', 'a,b', 'a,b'],
  ])('FileDecoder reads a file that is %s', (_what, text, read) => {
    expect(decode(Buffer.from(text), 1)).toEqual({ text: read, encoding: 'UTF-8' })
  })

  test('FileDecoder reads a last letter of Windows-1252 that begins a letter of UTF-8', () => {
    expect(decode(Buffer.concat([Buffer.from(head), Buffer.from([0xe9])]), 5).text).toBe(`${head}é`)
  })

  test('FileDecoder reads a few pairs of Windows-1252 that are one letter of UTF-8', () => {
    const text = `${head}Müller, René, CAFÉ”`
    const bytes = Buffer.from([...text].map((it) => (it === '”' ? 0x94 : it.charCodeAt(0))))
    expect(decode(bytes).text).toBe(text)
  })

  test.each([
    ['a byte behind letters', `é\né\n`, [0xe9, 0x0a], 6],
    ['a byte before letters', '', [0xe9, 0x0a, ...Buffer.from('é\né\n')], 4],
    ['an end inside of a letter', 'é\n', [0xc3], 5],
  ])('FileDecoder refuses UTF-8 with %s, by its line', (_what, text, bytes, line) => {
    const file = Buffer.concat([Buffer.from(head + text), Buffer.from(bytes)])
    for (const chunkBytes of [1, 70, 1_000]) {
      expect(() => decode(file, chunkBytes)).toThrow(new RegExp(`^deals\\.csv:${line}: .*UTF-8`))
    }
  })

  test.each([
    ['a byte that Windows-1252 lacks', Buffer.from([...Buffer.from(head), 0x81])],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0])],
    ['NUL characters', Buffer.from(`${head}a\0b`)],
    ['half a surrogate pair', Buffer.from(`\ufeff${head}\ud835`, 'utf16le')],
    ['half a unit of UTF-16', Buffer.from(`\ufeff${head}a`, 'utf16le').subarray(0, -1)],
  ])('FileDecoder refuses %s with the remedy', (_what, bytes) => {
    expect(() => decode(bytes)).toThrow(/save the file as "CSV UTF-8"/)
    expect(() => decode(bytes, 3)).toThrow(expect.objectContaining({ exitCode: 65 }))
  })

  test('FileDecoder shows the separators of the spool as their pictures', () => {
    expect(decode(Buffer.from('a\x1eb\x1fc')).text).toBe('a\u241eb\u241fc')
  })
})
