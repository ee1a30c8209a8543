import { constants } from 'node:fs'
import { copyFile, rm, stat } from 'node:fs/promises'
import { traceIo } from '../../io-boundary.ts'
import { tokenFileOf, unusable } from './token-store.ts'

/** What became of a stored sign-in: moved, none to move, or another one kept under the new name. */
export type SignInMove = 'moved' | 'none' | 'kept'

export interface SignInNames {
  readonly home: string
  readonly from: string
  readonly to: string
}

/**
 * Moves the stored sign-in of an account to its new name around `rename`, which renames the account.
 * Until that is done both names have it, so that a crash leaves the account signed in.
 *
 * @throws CosellError `auth.token_file` when the file cannot be copied; nothing was renamed then.
 */
export async function moveSignIn(
  { home, from, to }: SignInNames,
  rename: () => Promise<void>,
): Promise<SignInMove> {
  const [source, target] = [tokenFileOf(home, from), tokenFileOf(home, to)]
  const hasSource = await exists(source)
  if (!hasSource || (await exists(target))) {
    await rename()
    return hasSource ? 'kept' : 'none'
  }
  await traceIo('file', 'copy token', () =>
    copyFile(source, target, constants.COPYFILE_EXCL),
  ).catch((error: unknown) => {
    throw unusable(target, 'written', error)
  })
  try {
    await rename()
  } catch (error) {
    await rm(target, { force: true })
    throw error
  }
  await traceIo('file', 'remove token', () => rm(source, { force: true }))
  return 'moved'
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw unusable(path, 'read', error)
    },
  )
}
