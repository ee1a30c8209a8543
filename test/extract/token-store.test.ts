import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTokenStore } from '../../src/extract/token-store.ts'

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'token-store-'))
  try {
    await use(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('a saved token is loaded again, and only its owner can read it', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'tokens', 'default.json')
    const store = createTokenStore(path)
    expect(await store.load()).toBeNull()
    await store.save('first')
    await store.save('second')
    expect(await createTokenStore(path).load()).toBe('second')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'tokens'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(directory, 'tokens'))).toEqual(['default.json'])
  }))

test('a file that others can read is refused', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'default.json')
    await createTokenStore(path).save('canary')
    await chmod(path, 0o644)
    await expect(createTokenStore(path).load()).rejects.toMatchObject({
      kind: 'configuration',
      code: 'auth.token_file_mode',
      message: expect.stringContaining('0644'),
    })
  }))

test.each(['', 'canary', '{"refresh_token":""}', 'null'])(
  'content %j is refused unquoted',
  (content) =>
    withDirectory(async (directory) => {
      const path = join(directory, 'default.json')
      await writeFile(path, content, { mode: 0o600 })
      await expect(createTokenStore(path).load()).rejects.toMatchObject({
        code: 'auth.token_file_content',
        message: expect.not.stringContaining('canary'),
      })
    }),
)

test('a save that fails leaves the old token', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'default.json')
    const store = createTokenStore(path)
    await store.save('old')
    const blocked = createTokenStore(join(path, 'below-a-file.json'))
    await expect(blocked.save('new')).rejects.toMatchObject({ code: 'auth.token_file' })
    expect(await store.load()).toBe('old')
    expect(await readFile(path, 'utf8')).toContain('old')
  }))
