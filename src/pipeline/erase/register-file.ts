import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CosellError } from '../../errors.ts'
import { traceIo } from '../../io-boundary.ts'
import type { RegisterEntry } from '../../load/erase/register.ts'
import { makeFolders } from '../../make-folders.ts'

// The register outlives the warehouse: a copy of the warehouse that is older than an erasure has it not.
// Its hashes are keyed by the secret of a warehouse; those of another match nobody there.

export const registerFileOf = (home: string) => join(home, 'erasures.json')

/**
 * Reads the register of erased people; empty without a file.
 *
 * @throws CosellError `erase.register_unreadable`
 */
export async function readRegisterFile(home: string): Promise<RegisterEntry[]> {
  const path = registerFileOf(home)
  let text: string
  try {
    text = await traceIo('file', 'read erasures', () => readFile(path, 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Without a folder there is no file; whatever needs the folder says so.
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw unreadable(path, `an error (${code ?? 'unknown'})`, error)
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw unreadable(path, 'no JSON', error)
  }
  const { cosell_erasures: version, erased } = Object(content) as Record<string, unknown>
  if (version !== 1 || !Array.isArray(erased) || !erased.every(isEntry)) {
    throw unreadable(path, 'other JSON')
  }
  return erased
}

function isEntry(value: unknown): value is RegisterEntry {
  const { contact_hash, requested_at, requested_by } = Object(value) as Record<string, unknown>
  return (
    typeof contact_hash === 'string' &&
    typeof requested_at === 'string' &&
    !Number.isNaN(Date.parse(requested_at)) &&
    typeof requested_by === 'string'
  )
}

function unreadable(path: string, got: string, cause?: unknown): CosellError {
  const text =
    `${path}: expected the register of erased people, got ${got}. Nothing was loaded, since they might ` +
    'come back: put the file back from a copy; without one delete it, and erase them again.'
  return new CosellError('erase.register_unreadable', text, { cause })
}

/**
 * Replaces the register. The old one stays whole until the new one is on disk.
 *
 * @throws CosellError `erase.register_not_written`
 */
export async function writeRegisterFile(
  home: string,
  entries: readonly RegisterEntry[],
): Promise<void> {
  const path = registerFileOf(home)
  const draft = `${path}.${process.pid}.new`
  const erased = [...entries].sort((one, other) => (one.contact_hash < other.contact_hash ? -1 : 1))
  try {
    makeFolders(dirname(path), 0o700)
    await traceIo('file', 'remove erasures draft', () => rm(draft, { force: true }))
    const file = await traceIo('file', 'open erasures draft', () => open(draft, 'wx', 0o600))
    try {
      const text = `${JSON.stringify({ cosell_erasures: 1, erased }, null, 1)}\n`
      await traceIo('file', 'write erasures draft', () => file.writeFile(text))
      await traceIo('file', 'sync erasures draft', () => file.sync())
    } finally {
      await file.close()
    }
    await traceIo('file', 'rename erasures draft', () => rename(draft, path))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const text =
      `${path}: the register of erased people cannot be written (${code}). Let this account write the ` +
      'folder, with room left; without the file, an older copy of the warehouse brings them back.'
    throw new CosellError('erase.register_not_written', text, { cause: error })
  } finally {
    await rm(draft, { force: true }).catch(() => undefined)
  }
}
