import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { scanFile } from '../../../src/csv/scan-file.ts'
import { Spool } from '../../../src/csv/source/spool.ts'
import { csvBytes, sourceOf } from '../../support/csv-files.ts'
import { documentedHeaders } from '../../support/csv-headers.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cosell-spool-'))
  vi.stubEnv('TMPDIR', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function piecesOf(spool: Spool): Promise<string[]> {
  const pieces: string[] = []
  for await (const more of spool.pieces('|')) pieces.push(...more)
  return pieces
}

describe('Spool', () => {
  test('Spool gives its pieces back, again and again, wherever they were flushed', async () => {
    const spool = await Spool.open()
    const written = Array.from({ length: 3_000 }, (_, at) => `${at}é漢𝒳`.repeat(at % 40))
    for (const piece of written) {
      spool.appendText(`${piece}|`)
      await spool.flushWhenLarge()
    }
    await spool.flush()
    expect(await piecesOf(spool)).toEqual(written)
    expect(await piecesOf(spool)).toEqual(written)
    await spool.close()
  })

  test('Spool is a file without a name, for its owner alone', async () => {
    const spool = await Spool.open()
    expect((await spool.handle.stat()).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual([])
    await spool.close()
  })

  test('scanFile leaves no open file behind when it refuses one', async () => {
    const openFiles = async () => (await readdir('/proc/self/fd')).length
    const before = await openFiles()
    for (let time = 0; time < 5; time++) {
      await expect(scanFile(sourceOf(csvBytes([['x', 'y']])))).rejects.toThrow(
        'expected the header',
      )
    }
    expect(await openFiles()).toBeLessThanOrEqual(before)
    const file = await scanFile(sourceOf(csvBytes([[...documentedHeaders.insights_leads]])))
    expect(await openFiles()).toBe(before + 1)
    await file.spool.close()
  })
})
