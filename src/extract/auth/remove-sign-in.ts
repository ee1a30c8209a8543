import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { traceIo } from '../../io-boundary.ts'
import { tokenFileOf, unusable } from './token-store.ts'

/** Names of the accounts with a stored sign-in. */
export async function listSignIns(home: string): Promise<string[]> {
  const names = await namesIn(dirname(tokenFileOf(home, 'any')))
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
}

/**
 * Removes the stored sign-in of an account, with drafts that killed processes left; returns whether
 * there was one.
 *
 * @throws CosellError `auth.token_file` when the folder cannot be read or changed.
 */
export async function removeSignIn(home: string, account: string): Promise<boolean> {
  const path = tokenFileOf(home, account)
  const [folder, file] = [dirname(path), basename(path)]
  const isOf = (name: string) =>
    name === file || (name.startsWith(`${file}.`) && /^\d+\.new$/.test(name.slice(file.length + 1)))
  const found = (await namesIn(folder)).filter(isOf)
  for (const name of found) {
    await traceIo('file', 'remove token', () => rm(join(folder, name), { force: true })).catch(
      (error: unknown) => {
        throw unusable(path, 'removed', error)
      },
    )
  }
  return found.length > 0
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw unusable(folder, 'read', error)
  })
}
