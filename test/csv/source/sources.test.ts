import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expandSources } from '../../../src/csv/source/sources.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cosell-sources-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function* chunksOf(...chunks: readonly string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** Names and texts of the files, names within the folder. */
async function read(paths: readonly string[], standardInput = chunksOf()) {
  const files: [string, string][] = []
  for await (const source of expandSources(paths, standardInput)) {
    const chunks: Uint8Array[] = []
    for await (const chunk of await source.open()) chunks.push(chunk)
    files.push([source.name.replace(`${folder}/`, ''), Buffer.concat(chunks).toString()])
  }
  return files
}

describe('expandSources', () => {
  test('files come in the order of the arguments, those of a folder by name', async () => {
    await mkdir(path.join(folder, 'downloads/2023'), { recursive: true })
    await writeFile(path.join(folder, 'one.txt'), 'one')
    await writeFile(path.join(folder, 'downloads/b.csv'), 'b')
    await writeFile(path.join(folder, 'downloads/a'), 'a')
    await writeFile(path.join(folder, 'downloads/2023/c.csv'), 'c')
    const paths = [path.join(folder, 'one.txt'), path.join(folder, 'downloads')]
    expect(await read(paths)).toEqual([
      ['one.txt', 'one'],
      ['downloads/2023/c.csv', 'c'],
      ['downloads/a', 'a'],
      ['downloads/b.csv', 'b'],
    ])
  })

  test('hidden files and what Windows and Excel leave in a folder are left out', async () => {
    for (const name of ['.DS_Store', '~$deals.xlsx', 'Thumbs.db', 'desktop.ini', 'deals.csv']) {
      await writeFile(path.join(folder, name), name)
    }
    expect(await read([folder])).toEqual([['deals.csv', 'deals.csv']])
  })

  test('a hyphen is standard input', async () => {
    expect(await read(['-'], chunksOf('a', 'b,c\n', '1'))).toEqual([['standard input', 'ab,c\n1']])
    expect(await read(['-'], chunksOf())).toEqual([['standard input', '']])
  })

  test('a pipe in the place of a file is read from its beginning', async () => {
    const pipe = path.join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const writing = writeFile(pipe, 'Referral ID\n')
    expect(await read([pipe])).toEqual([['pipe', 'Referral ID\n']])
    await writing
  })

  test.each(['missing.csv', 'broken-link'])('a path %s is refused by its name', async (name) => {
    await symlink(path.join(folder, 'nowhere'), path.join(folder, 'broken-link'))
    const reading = read([path.join(folder, name)])
    await expect(reading).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(`^Cannot read .*${name} \\(ENOENT\\)`),
    })
  })
})
