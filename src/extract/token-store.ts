import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CosellError } from '../errors.ts'

/** Where the newest refresh token is kept between runs. */
export interface TokenStore {
  load(): Promise<string | null>
  /** Resolves once the token would survive a power cut. */
  save(refreshToken: string): Promise<void>
}

/** Keeps the token in a file that only its owner can read. */
export function createTokenStore(path: string): TokenStore {
  return {
    load: () => load(path),
    save: (refreshToken) => save(path, refreshToken),
  }
}

async function load(path: string): Promise<string | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw unusable(path, 'read', error)
  })
  if (file === null) return null
  try {
    const { mode } = await file.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new CosellError(
        'configuration',
        'auth.token_file_mode',
        `${path}: expected mode 0600, got ${(mode & 0o777).toString(8).padStart(4, '0')}. Others may ` +
          'have read the sign-in; run chmod 600 on it, or delete it and sign in again.',
      )
    }
    return parse(path, await file.readFile('utf8'))
  } finally {
    await file.close()
  }
}

function parse(path: string, text: string): string {
  try {
    const { refresh_token: token } = JSON.parse(text)
    if (typeof token === 'string' && token !== '') return token
  } catch {
    // The parser's message quotes the text, which may be the token.
  }
  throw new CosellError(
    'configuration',
    'auth.token_file_content',
    `${path}: expected JSON with a refresh_token, got something else. Delete the file and sign in again.`,
  )
}

/** The old file stays whole until the new one is on disk, so no crash leaves the run without either. */
async function save(path: string, refreshToken: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rm(beside, { force: true })
    const file = await open(beside, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ refresh_token: refreshToken })}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw unusable(path, 'written', error)
  }
  await syncDirectory(dirname(path))
}

/** Makes the rename durable; some systems cannot open a directory, and lose nothing by it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null)
  await directory?.sync().catch(() => undefined)
  await directory?.close()
}

function unusable(path: string, verb: string, cause: unknown): CosellError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  return new CosellError(
    'configuration',
    'auth.token_file',
    `${path}: the token file cannot be ${verb} (${code}). Check the directory and its owner.`,
    { cause },
  )
}
