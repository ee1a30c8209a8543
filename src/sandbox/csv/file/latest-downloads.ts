import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Simulation } from '../../population/simulation.ts'
import { isoDay } from '../cell/days.ts'
import { downloadFolders, downloads } from './downloads.ts'

export interface DownloadedPopulation {
  readonly referrals: number
  readonly seed: number
  /** Referrals that changed since the base state; the clock moves a day. */
  readonly change: number
}

/** The population as the files of one day, in a temporary folder. */
export interface LatestDownloads {
  readonly folder: string
  /** Day of the sandbox on which they are downloaded, as YYYY-MM-DD. */
  readonly day: string
  /** Removes the folder. */
  close(): Promise<void>
}

/** Writes the population as a person downloads it. `onInvented` is called with how many there are. */
export async function writeLatestDownloads(
  { referrals, seed, change }: DownloadedPopulation,
  onInvented: (referrals: number) => void,
): Promise<LatestDownloads> {
  const simulation = await Simulation.create(referrals, seed, 0, onInvented)
  if (change > 0) simulation.change(change)
  const folder = await mkdtemp(join(tmpdir(), 'cosell-downloads-'))
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    for (const { path, bytes } of downloads(simulation.referrals())) {
      if (!path.startsWith(`${downloadFolders.asDownloaded}/`)) continue
      await writeFile(join(folder, basename(path)), bytes)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { folder, day: isoDay(simulation.nowMs), close }
}
