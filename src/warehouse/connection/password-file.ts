import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CosellError } from '../../errors.ts'
import type { Address } from './address.ts'

// The driver's own reader of the password file writes its warnings to standard error, beside the log.

/**
 * Returns the password that libpq's password file has for the server: the file of `passfile`, else
 * `~/.pgpass`. Undefined without a file or a line that fits.
 *
 * @throws CosellError `configuration` when the file is named and cannot be read, or is open to others.
 */
export function readPasswordFile(address: Address): string | undefined {
  const file = address.passwordFile ?? join(homedir(), '.pgpass')
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new CosellError(
        'database.address',
        `${file}: expected a password file that only you can read, got one open to others. Run chmod 600 on it.`,
      )
    }
    return findPassword(readFileSync(file, 'utf8'), address)
  } catch (error) {
    if (error instanceof CosellError) throw error
    if (address.passwordFile === undefined) return undefined
    throw new CosellError(
      'database.address',
      `COSELL_DATABASE_URL: the file of passfile cannot be read: ${file}. Correct the name or the rights.`,
      { cause: error },
    )
  }
}

/** Returns the password in the first line `host:port:database:user:password` that fits. */
export function findPassword(
  text: string,
  { host, port, database, user }: Pick<Address, 'host' | 'port' | 'database' | 'user'>,
): string | undefined {
  const wanted = [host, String(port), database, user]
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    const fields = fieldsOf(line)
    const password = fields[wanted.length]
    const isFitting = wanted.every((value, index) => [value, '*'].includes(fields[index] ?? ''))
    if (isFitting && password !== undefined && password !== '') return password
  }
  return undefined
}

/** Splits at colons; a backslash takes the next character for itself. */
function fieldsOf(line: string): string[] {
  const fields = line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)
  return [...fields].map(([, field = '']) => field.replace(/\\(.)/g, '$1'))
}
