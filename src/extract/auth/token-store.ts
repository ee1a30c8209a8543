import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CosellError } from '../../errors.ts'
import { across } from '../../io-boundary.ts'
import { systemClock } from '../http/rate-limiter.ts'

/** Where the newest refresh token is kept between runs. */
export interface TokenStore {
  load(): Promise<string | null>
  /**
   * Resolves once the token would survive a power cut. With `exchange` it is one that another was
   * exchanged for, and does not replace what another process stored since. Without, a person has
   * just signed in, which goes before everything.
   */
  save(refreshToken: string, exchange?: TokenExchange): Promise<void>
}

export interface TokenExchange {
  /** The token that was redeemed. */
  from: string
  /** What `load` had given when it was chosen. */
  seen: string | null
}

/** When the stored refresh token came, and when a person signed in for it; ISO, UTC. */
export interface TokenAge {
  renewedAt: string
  /** `null` for one that descends from a configured token. */
  signedInAt: string | null
}

interface Stored extends TokenAge {
  refreshToken: string
}

/** Where the sign-in of an account is kept. */
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
      const isStillDue = async () => ((await read(path))?.refreshToken ?? null) === exchange.seen
      const stored = await read(path)
      const signedInAt = stored?.refreshToken === exchange.from ? stored.signedInAt : null
      if (await isStillDue()) await write(path, { refreshToken, renewedAt, signedInAt }, isStillDue)
    },
  }
}

/** The age of the stored sign-in, without the sign-in; `null` when none is stored. */
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
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new CosellError(
        'configuration',
        'auth.token_file_mode',
        `${path}: expected mode 0600, got ${(mode & 0o777).toString(8).padStart(4, '0')}. Others may ` +
          'have read the sign-in; run chmod 600 on it, or delete it and run `cosell login`.',
      )
    }
    return parse(path, await file.readFile('utf8'), mtime)
  } finally {
    await file.close()
  }
}

/** Files of the first versions hold the token alone; they were written when it came. */
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
    'configuration',
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
 * The old file stays whole until the new one is on disk, so no crash leaves the run without either.
 * Between the last look at the old file and its replacement lies nothing but the rename; a process
 * that slips in there has just got its token too, and whichever is lost was not yet needed.
 */
async function write(
  path: string,
  { refreshToken, signedInAt, renewedAt }: Stored,
  isStillDue: () => Promise<boolean>,
): Promise<void> {
  const beside = `${path}.${process.pid}.new`
  const content = { refresh_token: refreshToken, signed_in_at: signedInAt, renewed_at: renewedAt }
  try {
    await across('file', 'make token folder', () =>
      mkdir(dirname(path), { recursive: true, mode: 0o700 }),
    )
    await across('file', 'remove token draft', () => rm(beside, { force: true }))
    const file = await across('file', 'open token draft', () => open(beside, 'wx', 0o600))
    try {
      const text = `${JSON.stringify(content)}\n`
      await across('file', 'write token draft', () => file.writeFile(text))
      await across('file', 'sync token draft', () => file.sync())
    } finally {
      await file.close()
    }
    if (await isStillDue()) await across('file', 'rename token draft', () => rename(beside, path))
  } catch (error) {
    throw error instanceof CosellError ? error : unusable(path, 'written', error)
  } finally {
    await across('file', 'remove token draft', () => rm(beside, { force: true })).catch(
      () => undefined,
    )
  }
  await syncDirectory(dirname(path))
  await removeLeftovers(path)
}

const leftoverAfterMs = 10 * 60_000

/** A process that was killed while it wrote leaves its unfinished file, and a token in it. */
async function removeLeftovers(path: string): Promise<void> {
  const prefix = `${basename(path)}.`
  const names = await readdir(dirname(path)).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(prefix) || !/^\d+\.new$/.test(name.slice(prefix.length))) continue
    const leftover = join(dirname(path), name)
    const { mtimeMs } = await stat(leftover).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    // By the clock of the file system, as the file's own time is.
    const { mtimeMs: nowMs } = await stat(path).catch(() => ({ mtimeMs: 0 }))
    if (nowMs - mtimeMs > leftoverAfterMs)
      await across('file', 'remove token leftover', () => rm(leftover, { force: true })).catch(
        () => undefined,
      )
  }
}

/** Makes the rename durable; some systems cannot open a directory, and lose nothing by it. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null)
  await across('file', 'sync token folder', async () => directory?.sync()).catch(() => undefined)
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
