import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expandSources } from '../../../src/csv/source/sources.ts'
import { type ZipFileSpec, zipBytes } from '../../support/zip-bytes.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cosell-zip-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const csv = Buffer.from('Referral ID,Deal Name\n'.repeat(5_000))

/** Names and bytes of the files of an archive, read from a file or from standard input. */
async function unzip(archive: Uint8Array, from: 'file' | 'standard input' = 'file') {
  const name = path.join(folder, 'downloads.bin')
  await writeFile(name, archive)
  async function* input() {
    for (let at = 0; at < archive.length; at += 1_000) yield archive.subarray(at, at + 1_000)
  }
  const files: [string, Buffer][] = []
  for await (const source of expandSources([from === 'file' ? name : '-'], input())) {
    const chunks: Uint8Array[] = []
    for await (const chunk of await source.open()) chunks.push(chunk)
    files.push([source.name.replace(`${folder}/`, ''), Buffer.concat(chunks)])
  }
  return files
}

describe('a zip archive', () => {
  test.each(['file', 'standard input'] as const)(
    'a zip archive from a %s gives its files, recognised by its bytes',
    async (from) => {
      const temporary = await mkdtemp(path.join(folder, 'tmp-'))
      vi.stubEnv('TMPDIR', temporary)
      const archive = zipBytes([
        { name: 'deals.csv', bytes: csv },
        { name: 'old/leads.csv', bytes: Buffer.from('b'), isStreamed: true },
      ])
      const root = from === 'file' ? 'downloads.bin' : 'standard input'
      expect(await unzip(archive, from)).toEqual([
        [`${root}/deals.csv`, csv],
        [`${root}/old/leads.csv`, Buffer.from('b')],
      ])
      expect(await readdir(temporary)).toEqual([])
    },
  )

  test('names in UTF-8 and in code page 437 keep their letters', async () => {
    const archive = zipBytes([
      { name: 'Geschäft–1.csv', bytes: csv },
      { name: '', nameBytes: Buffer.from([0x84, 0x94, 0x81, 0x2e, 0x63, 0x73, 0x76]), bytes: csv },
    ])
    const names = (await unzip(archive)).map(([name]) => name)
    expect(names).toEqual(['downloads.bin/Geschäft–1.csv', 'downloads.bin/äöü.csv'])
  })

  test('folders and hidden files of an archive are left out', async () => {
    const names = ['a/', '__MACOSX/a/._deals.csv', '.DS_Store', 'a/.hidden', 'a/deals.csv']
    const archive = zipBytes(names.map((name) => ({ name, bytes: Buffer.from('') })))
    expect((await unzip(archive)).map(([name]) => name)).toEqual(['downloads.bin/a/deals.csv'])
  })

  test('an archive without files gives none', async () => {
    expect(await unzip(zipBytes([]))).toEqual([])
  })

  const one = { name: 'deals.csv', bytes: csv }
  test.each<[string, ZipFileSpec, RegExp]>([
    ['a wrong checksum', { ...one, crc: 1 }, /deals\.csv: .*damaged one \(its checksum is another/],
    ['a wrong size', { ...one, size: csv.length - 1 }, /deals\.csv: .*damaged one/],
    [
      'a file of 3 GiB',
      { ...one, size: 3 * 1024 ** 3 },
      /deals\.csv: expected at most 1000 files of 2/,
    ],
    ['an encrypted file', { ...one, isEncrypted: true }, /deals\.csv: .*not encrypted/],
    ['a workbook', { ...one, name: '[Content_Types].xml' }, /a workbook of Excel.*save it as "CSV/],
    ['a path out of it', { ...one, name: '../deals.csv' }, /downloads\.bin: .*damaged one/],
  ])('an archive with %s is refused', async (_what, file, message) => {
    await expect(unzip(zipBytes([file]))).rejects.toMatchObject({
      exitCode: 65,
      message: expect.stringMatching(message),
    })
  })

  test('an archive that is cut off is refused', async () => {
    const archive = zipBytes([one])
    await expect(unzip(archive.subarray(0, -30))).rejects.toMatchObject({ exitCode: 65 })
  })
})
