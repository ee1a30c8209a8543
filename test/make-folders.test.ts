import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFolders } from '../src/make-folders.ts'

function withFolder(use: (folder: string) => void): void {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'cosell-folders-'))
  try {
    use(folder)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

describe('makeFolders', () => {
  test('makeFolders creates what is missing, all with the mode, and leaves what is there', () =>
    withFolder((folder) => {
      fs.chmodSync(folder, 0o755)
      makeFolders(path.join(folder, 'a/b'), 0o700)
      makeFolders(path.join(folder, 'a/b'), 0o755)
      const modes = ['', 'a', 'a/b'].map(
        (name) => fs.statSync(path.join(folder, name)).mode & 0o777,
      )
      expect(modes).toEqual([0o755, 0o700, 0o700])
    }))

  test('makeFolders enters a link to a folder', () =>
    withFolder((folder) => {
      fs.mkdirSync(path.join(folder, 'real'))
      fs.symlinkSync('real', path.join(folder, 'link'))
      makeFolders(path.join(folder, 'link/a'))
      expect(fs.readdirSync(path.join(folder, 'real'))).toEqual(['a'])
    }))

  test.each(['taken', 'taken/a', 'taken/a/b'])(
    'makeFolders names the file in the way of %s, and creates nothing',
    (name) =>
      withFolder((folder) => {
        const taken = path.join(folder, 'taken')
        fs.writeFileSync(taken, 'kept')
        expect(() => makeFolders(path.join(folder, name))).toThrow(
          expect.objectContaining({ code: 'EEXIST', path: taken }),
        )
        expect(fs.readdirSync(folder)).toEqual(['taken'])
      }),
  )

  test.runIf(process.platform === 'linux')(
    'makeFolders names the outermost folder that a file system does not take',
    () => {
      expect(() => makeFolders('/proc/none/a/b')).toThrow(
        expect.objectContaining({ code: 'ENOENT', path: '/proc/none' }),
      )
    },
  )
})
