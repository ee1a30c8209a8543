import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  createTokenStore,
  readTokenAge,
  tokenFileOf,
} from '../../../src/extract/auth/token-store.ts'
import { startSandbox } from '../../../src/sandbox/api/sandbox-server.ts'

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'token-store-'))
  try {
    await use(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('a saved token is loaded again, and only its owner can read the file', () =>
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

test('a token file that others can read is rejected', () =>
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
  'a token file with %j is rejected without quoting it',
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

test('a failed save leaves the old token', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'default.json')
    const store = createTokenStore(path)
    await store.save('old')
    const blocked = createTokenStore(join(path, 'below-a-file.json'))
    await expect(blocked.save('new')).rejects.toMatchObject({ code: 'auth.token_file' })
    expect(await store.load()).toBe('old')
    expect(await readFile(path, 'utf8')).toContain('old')
  }))

describe('what the file says beside the token', () => {
  const firstDay = Date.UTC(2026, 0, 1)
  const dayMs = 86_400_000

  test('the token file holds the times of the sign-in and of the token', () =>
    withDirectory(async (directory) => {
      const path = tokenFileOf(directory, 'north')
      let nowMs = firstDay
      const store = createTokenStore(path, () => nowMs)
      expect(await readTokenAge(path)).toBeNull()
      await store.save('signed-in')
      nowMs += dayMs
      await store.save('rotated', { from: 'signed-in', seen: 'signed-in' })
      expect(await readTokenAge(path)).toEqual({
        signedInAt: '2026-01-01T00:00:00.000Z',
        renewedAt: '2026-01-02T00:00:00.000Z',
      })
      expect(Object.keys(JSON.parse(await readFile(path, 'utf8')))).toEqual([
        'refresh_token',
        'signed_in_at',
        'renewed_at',
      ])
    }))

  test.each([
    { seen: null, why: 'the first one' },
    { seen: 'dead', why: 'one that took the place of a dead one' },
  ])('$why, from a configured token, has no known sign-in time', ({ seen }) =>
    withDirectory(async (directory) => {
      const path = tokenFileOf(directory, 'north')
      const store = createTokenStore(path, () => firstDay)
      if (seen !== null) await store.save(seen)
      await store.save('rotated', { from: 'configured', seen })
      expect(await store.load()).toBe('rotated')
      expect(await readTokenAge(path)).toMatchObject({ signedInAt: null })
    }),
  )

  test('a token file without a time is as old as the file', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'default.json')
      await writeFile(path, '{"refresh_token":"old","signed_in_at":"nonsense"}', { mode: 0o600 })
      await utimes(path, firstDay / 1000, firstDay / 1000)
      expect(await createTokenStore(path).load()).toBe('old')
      expect(await readTokenAge(path)).toEqual({
        signedInAt: null,
        renewedAt: '2026-01-01T00:00:00.000Z',
      })
    }))
})

describe('another process', () => {
  test('a newer token stored by another process stays', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'default.json')
      const [slow, quick] = [createTokenStore(path), createTokenStore(path)]
      await slow.save('first')
      const seen = await slow.load()
      await quick.save('second', { from: 'first', seen })
      await quick.save('third', { from: 'second', seen: 'second' })
      await slow.save('second-as-well', { from: 'first', seen })
      expect(await slow.load()).toBe('third')
      await slow.save('fourth', { from: 'third', seen: 'third' })
      expect(await slow.load()).toBe('fourth')
      expect(await readdir(directory)).toEqual(['default.json'])
    }))

  test('a killed process leaves no token in other files', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'default.json')
      const [old, young] = [`${path}.123.new`, `${path}.124.new`]
      for (const leftover of [old, young]) await writeFile(leftover, 'canary')
      const hourAgo = Date.now() / 1000 - 3_600
      await utimes(old, hourAgo, hourAgo)
      await createTokenStore(path).save('token')
      expect(await readdir(directory)).toEqual(['default.json', 'default.json.124.new'])
    }))

  test('a process killed at any moment of a save leaves one whole token', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'default.json')
      const store = createTokenStore(path)
      await store.save('token-0')
      for (let round = 0; round < 4; round++) {
        const child = startProcess(['save', path, `round-${round}`])
        await says(child, `round-${round}-20`)
        await new Promise((resolve) => setTimeout(resolve, round * 4))
        child.kill('SIGKILL')
        expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
        expect(await store.load()).toMatch(new RegExp(`^round-${round}-\\d{2,}$`))
      }
      await store.save('after')
      expect(await store.load()).toBe('after')
    }))

  test('two processes that renew at the same time both go on', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'default.json')
      const sandbox = await startSandbox({ referrals: 3, rotateRefreshToken: true })
      try {
        await createTokenStore(path).save('sandbox-refresh-token')
        const children = [0, 1].map(() => startProcess(['renew', path, sandbox.url]))
        await Promise.all(children.map((child) => says(child, 'ready')))
        for (const child of children) child.stdin?.write('go\n')
        const ends = await Promise.all(children.map((child) => once(child, 'close')))
        expect(ends).toEqual([
          [0, null],
          [0, null],
        ])
        const grants = sandbox.requests.filter(({ method }) => method === 'POST')
        expect(grants.filter(({ status }) => status === 200)).toHaveLength(16)
        const last = startProcess(['renew', path, sandbox.url])
        last.stdin?.write('go\n')
        expect(await once(last, 'close')).toEqual([0, null])
      } finally {
        await sandbox.close()
      }
    }))
})

const script = fileURLToPath(new URL('token-process.ts', import.meta.url))
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

function startProcess(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--import', tsx, script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
}

/** Resolves when the process has printed the text; rejects if it ends first. */
function says(child: ChildProcess, text: string): Promise<void> {
  let printed = ''
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`ended without "${text}": ${printed}`)))
    child.stdout?.on('data', (chunk) => {
      printed += chunk
      if (printed.includes(text)) resolve()
    })
  })
}
