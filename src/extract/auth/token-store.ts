import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CosellError } from '../../errors.ts'
import { traceIo } from '../../io-boundary.ts'
import { makeFolders } from '../../make-folders.ts'
import { systemClock } from '../clock.ts'

/** Keeps the newest refresh token between runs. */
export interface TokenStore {
  load(): Promise<string | null>
  /**
   * Resolves once the token would survive a power cut. With `exchange` the token was exchanged for an
   * older one, and does not replace a token that another process stored since. Without it a person
   * has just signed in, which takes precedence.
   */
  save(refreshToken: string, exchange?: TokenExchange): Promise<void>
  /**
   * Runs `use` while no other machine renews the token, with a store of its own; what `use` saved is kept
   * once this resolves. Absent where processes do without: those of one machine find a renewed token.
   */
  exclusively?<T>(use: (tokenStore: TokenStore) => Promise<T>): Promise<T>
}

export interface TokenExchange {
  /** Token that was redeemed. */
  from: string
  /** Token that `load` had returned when `from` was chosen. */
  seen: string | null
}

/** Times of the last renewal and of the sign-in by a person; ISO, UTC. */
export interface TokenAge {
  renewedAt: string
  /** `null` when the token descends from a configured one. */
  signedInAt: string | null
}

interface Stored extends TokenAge {
  refreshToken: string
}

/** Path of the file that keeps the sign-in of an account. */
export function tokenFileOf(home: string, account: string): string {
  return join(home, 'tokens', `${account}.json`)
}

/** Keeps the token in a file that only its owner can read. */
export function createTokenStore(path: string, now: () => number = systemClock.now): TokenStore {
  return {
    load: async () => (await read(path))?.refreshToken ?? null,
    async save(refreshToken, exchange) {
      const renewedAt = new Date(now()).toISOString()
      if (exchange === undefined) {
        await write(path, { refreshToken, renewedAt, signedInAt: renewedAt }, async () => true)
        return
      }
      const isStillCurrent = async () =>
        ((await read(path))?.refreshToken ?? null) === exchange.seen
      const stored = await read(path)
      const signedInAt = stored?.refreshToken === exchange.from ? stored.signedInAt : null
      if (await isStillCurrent())
        await write(path, { refreshToken, renewedAt, signedInAt }, isStillCurrent)
    },
  }
}

/** Returns the age of the stored sign-in, without the token; `null` when none is stored. */
export async function readTokenAge(path: string): Promise<TokenAge | null> {
  const stored = await read(path)
  return stored === null ? null : { renewedAt: stored.renewedAt, signedInAt: stored.signedInAt }
}

async function read(path: string): Promise<Stored | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw unusable(path, 'read', error)
  })
  if (file === null) return null
  try {
    const { mode, mtime } = await file.stat()
    const open = modeForOthers(mode)
    if (open !== undefined) {
      throw new CosellError(
        'auth.token_file_mode',
        `${path}: expected mode 0600, got ${open}. Others may ` +
          'have read the sign-in; run chmod 600 on it, or delete it and run `cosell login`.',
      )
    }
    return parse(path, await file.readFile('utf8'), mtime)
  } finally {
    await file.close()
  }
}

/** Returns the mode of a file that others may use, in digits; undefined of a private one, and on Windows. */
export function modeForOthers(mode: number): string | undefined {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return undefined
  return (mode & 0o777).toString(8).padStart(4, '0')
}

/** Parses a token file. The first versions wrote the token alone; its age is then the file's. */
function parse(path: string, text: string, writtenAt: Date): Stored {
  try {
    const { refresh_token: refreshToken, renewed_at, signed_in_at } = JSON.parse(text)
    if (typeof refreshToken === 'string' && refreshToken !== '') {
      const renewedAt = instantOf(renewed_at) ?? writtenAt.toISOString()
      return { refreshToken, renewedAt, signedInAt: instantOf(signed_in_at) }
    }
  } catch {
    // The parser's message quotes the text, which may be the token.
  }
  throw new CosellError(
    'auth.token_file_content',
    `${path}: expected JSON with a refresh_token, got something else. Delete the file and run ` +
      '`cosell login`.',
  )
}

function instantOf(value: unknown): string | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}

/**
 * Replaces the file. The old one stays whole until the new one is on disk, so a crash leaves one of
 * them. Only the rename lies between the last look at the old file and its replacement. A process
 * that stores its token just then received it just now, so the one that is lost was not needed yet.
 */
async function write(
  path: string,
  { refreshToken, signedInAt, renewedAt }: Stored,
  isStillCurrent: () => Promise<boolean>,
): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  const content = { refresh_token: refreshToken, signed_in_at: signedInAt, renewed_at: renewedAt }
  try {
    await traceIo('file', 'make token folder', async () => makeFolders(dirname(path), 0o700))
    await traceIo('file', 'remove token draft', () => rm(beside, { force: true }))
    const file = await traceIo('file', 'open token draft', () => open(beside, 'wx', 0o600))
    try {
      const text = `${JSON.stringify(content)}\n`
      await traceIo('file', 'write token draft', () => file.writeFile(text))
      await traceIo('file', 'sync token draft', () => file.sync())
    } finally {
      await file.close()
    }
    if (await isStillCurrent())
      await traceIo('file', 'rename token draft', () => rename(beside, path))
  } catch (error) {
    throw error instanceof CosellError ? error : unusable(path, 'written', error)
  } finally {
    await traceIo('file', 'remove token draft', () => rm(beside, { force: true })).catch(
      () => undefined,
    )
  }
  await syncDirectory(dirname(path))
  await removeLeftovers(path)
}

const leftoverAfterMs = 10 * 60_000

/** Removes the unfinished file, with a token in it, of a process that was killed while it wrote. */
async function removeLeftovers(path: string): Promise<void> {
  const prefix = `${basename(path)}.`
  const names = await readdir(dirname(path)).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(prefix) || !/^\d+\.new$/.test(name.slice(prefix.length))) continue
    const leftover = join(dirname(path), name)
    const { mtimeMs } = await stat(leftover).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    // Compared by the clock of the file system, which also set the time of the leftover.
    const { mtimeMs: nowMs } = await stat(path).catch(() => ({ mtimeMs: 0 }))
    if (nowMs - mtimeMs > leftoverAfterMs)
      await traceIo('file', 'remove token leftover', () => rm(leftover, { force: true })).catch(
        () => undefined,
      )
  }
}

/** Makes the rename durable. Some systems cannot open a directory, and do not need it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null)
  await traceIo('file', 'sync token folder', async () => directory?.sync()).catch(() => undefined)
  await directory?.close()
}

/** Failure of a token file that cannot be used. */
export function unusable(path: string, verb: string, cause: unknown): CosellError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  return new CosellError(
    'auth.token_file',
    `${path}: the token file cannot be ${verb} (${code}). Check the directory and its owner.`,
    { cause },
  )
}
