import { readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CosellError } from '../../../errors.ts'
import { makeFolders } from '../../../make-folders.ts'
import { Simulation } from '../../population/simulation.ts'
import { type DownloadFile, type DownloadOptions, downloadFolders, downloads } from './downloads.ts'

/** Population that is written. */
export interface WrittenPopulation extends Partial<DownloadOptions> {
  readonly referrals: number
  readonly seed: number
  /** Referrals that changed since the base state; the clock moves a day. */
  readonly change: number
}

export type WrittenFile = Omit<DownloadFile, 'bytes'>

const folders = Object.values(downloadFolders)

/**
 * Writes the population as the files that Partner Center lets a person download, into two folders of
 * `folder` that must be missing or empty. Both are moved into place when they are complete.
 *
 * @throws CosellError `sandbox.csv_not_written` when they cannot be written, or hold something.
 */
export async function writeDownloads(
  folder: string,
  { referrals, seed, change, ...options }: WrittenPopulation,
  signal?: AbortSignal,
): Promise<WrittenFile[]> {
  const draft = join(folder, `.${process.pid}.draft`)
  try {
    for (const name of folders) await expectEmpty(join(folder, name))
    const simulation = await Simulation.create(referrals, seed, 0)
    if (change > 0) simulation.change(change)
    const written: WrittenFile[] = []
    for (const name of folders) makeFolders(join(draft, name))
    for (const { bytes, ...file } of downloads(simulation.referrals(), options)) {
      signal?.throwIfAborted()
      await writeFile(join(draft, file.path), bytes)
      written.push(file)
    }
    for (const name of folders) await moveInto(join(draft, name), join(folder, name))
    await rm(draft, { recursive: true })
    return written
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined)
    throw error === signal?.reason || error instanceof CosellError
      ? error
      : notWritten(folder, error instanceof Error ? error.message : String(error), error)
  }
}

async function expectEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length > 0) {
    throw notWritten(dirname(folder), `expected ${folder} to be empty, got ${names.length} entries`)
  }
}

/** Puts a folder where an empty one may be; Windows does not rename over that. */
async function moveInto(from: string, to: string): Promise<void> {
  await rmdir(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(from, to)
}

function notWritten(folder: string, reason: string, cause?: unknown): CosellError {
  const text =
    `Cannot write the CSV files to ${folder}: ${reason}. Let this account write there, or name an ` +
    'empty folder: `cosell sandbox --write-csv DIR`.'
  return new CosellError('sandbox.csv_not_written', text, { cause })
}
