import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'
import { type StateHome, writeAtomically } from './home.ts'

// Files of mode 0600 in the state folder: the superuser's password, which no command prints, and that
// of the login for BI tools.

export const superuser = 'postgres'

export const passwordFile = (state: StateHome): string => path.join(state.folder, 'password')
const biPasswordFile = (state: StateHome): string => path.join(state.folder, 'bi-password')

/** Makes the superuser's password where there is none. */
export function makePassword(state: StateHome): void {
  if (!fs.existsSync(passwordFile(state))) writeNew(state, passwordFile(state))
}

/**
 * Returns the superuser's password.
 *
 * @throws CosellError `postgres.password` when the file is missing, unreadable or empty.
 */
export function readPassword(state: StateHome): string {
  const file = passwordFile(state)
  let password = ''
  try {
    password = fs.readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw unusable(file, codeOf(error), error)
  }
  if (password === '') throw unusable(file, 'an empty file')
  return password
}

/**
 * Returns the password of the login for BI tools; a new one where the file holds none.
 *
 * @throws CosellError `postgres.password` when something is there that cannot be read.
 */
export function keepBiPassword(state: StateHome): string {
  const file = biPasswordFile(state)
  const kept = readBiPassword(file)
  // Other characters would have to be normalised as PostgreSQL does before they are hashed.
  return /^[\x21-\x7e]+$/.test(kept) ? kept : writeNew(state, file)
}

function readBiPassword(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw new CosellError(
      'postgres.password',
      `${file}: expected a file with the password of the login for BI tools, got ` +
        `${codeOf(error)}. Remove it; the next command makes another one.`,
      { cause: error },
    )
  }
}

/** Returns the failure of a password that the server rejects. */
export function rejectedPassword(state: StateHome, cause: unknown): CosellError {
  return new CosellError(
    'postgres.password',
    `${passwordFile(state)}: expected the password of the role "${superuser}", got one that the ` +
      'database rejects. Put the right one into the file, or give the role that of the file as ' +
      'docs/operations/access.md says.',
    { cause },
  )
}

function unusable(file: string, got: string, cause?: unknown): CosellError {
  return new CosellError(
    'postgres.password',
    `${file}: expected the password of the database beside it, got ${got}. Put the file back, or ` +
      'write a password into it and give the role that one as docs/operations/access.md says.',
    { cause },
  )
}

function writeNew(state: StateHome, file: string): string {
  const password = randomBytes(18).toString('base64url')
  writeAtomically(state, file, `${password}\n`)
  return password
}
