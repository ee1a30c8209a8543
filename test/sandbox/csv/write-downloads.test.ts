import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { downloads } from '../../../src/sandbox/csv/file/downloads.ts'
import { writeDownloads } from '../../../src/sandbox/csv/file/write-downloads.ts'
import { aPopulation } from './population.ts'

const population = { referrals: 60, seed: 3, change: 0 }

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cosell-csv-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('writing the downloads', () => {
  test('the files of the population are written into two folders, and nothing else is', () =>
    inFolder(async (folder) => {
      const written = await writeDownloads(join(folder, 'new', 'place'), population)
      const expected = [...downloads(aPopulation(60, 3))]
      expect(written.map(({ path, rows }) => [path, rows])).toEqual(
        expected.map(({ path, rows }) => [path, rows]),
      )
      const place = join(folder, 'new', 'place')
      expect((await readdir(place)).sort()).toEqual(['german-excel', 'partner-center'])
      for (const { path, bytes } of expected) {
        expect((await readFile(join(place, path))).equals(bytes), path).toBe(true)
      }
    }))

  test('a changed population is written with other values', () =>
    inFolder(async (folder) => {
      await writeDownloads(join(folder, 'before'), population)
      await writeDownloads(join(folder, 'after'), { ...population, change: 20 })
      const name = 'partner-center/co-sell-opportunities-2023-01.csv'
      const [before, after] = await Promise.all(
        ['before', 'after'].map((each) => readFile(join(folder, each, name), 'utf8')),
      )
      expect(after).not.toBe(before)
    }))

  test('a folder that holds something already is left alone', () =>
    inFolder(async (folder) => {
      await mkdir(join(folder, 'partner-center'))
      await writeFile(join(folder, 'partner-center', 'own.csv'), 'Referral ID\r\n')
      await expect(writeDownloads(folder, population)).rejects.toMatchObject({
        code: 'sandbox.csv_not_written',
        message: expect.stringContaining('partner-center to be empty, got 1 entries'),
      })
      expect(await readdir(folder, { recursive: true })).toEqual([
        'partner-center',
        join('partner-center', 'own.csv'),
      ])
    }))

  test('a folder that is empty is filled', () =>
    inFolder(async (folder) => {
      await mkdir(join(folder, 'german-excel'))
      expect(await writeDownloads(folder, population)).not.toEqual([])
    }))

  test('a file in the way of the folder is an error of its own', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'taken')
      await writeFile(file, '')
      await expect(writeDownloads(file, population)).rejects.toMatchObject({
        code: 'sandbox.csv_not_written',
      })
    }))

  test('a signal ends the writing with its reason, and leaves nothing', () =>
    inFolder(async (folder) => {
      const reason = new Error('interrupted')
      const signal = AbortSignal.abort(reason)
      await expect(writeDownloads(folder, population, signal)).rejects.toBe(reason)
      expect(await readdir(folder)).toEqual([])
    }))
})
