import { CosellError } from '../errors.ts'
import { reasonOf } from './text-file.ts'

/**
 * Returns the working directory, where `.env` is read and relative paths begin.
 *
 * @throws CosellError `configuration` when it was deleted, or may not be read.
 */
export function workingDirectory(): string {
  try {
    return process.cwd()
  } catch (error) {
    const text =
      `The working directory: expected a folder that exists; ${reasonOf(error)}, perhaps because it ` +
      'was deleted. Change to another folder, and start again.'
    throw new CosellError('config.no_directory', text, { cause: error })
  }
}
