import { writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Settings of the shortest deadline, a minute. */
export const shortestDeadline = { COSELL_RUN_DEADLINE_MINUTES: '1' }

/** Returns a preloaded script by which the shortest deadline of a command comes with SIGUSR2. */
export async function deadlineOnSignal(home: string): Promise<string> {
  const preload = path.join(home, 'soon.mjs')
  await writeFile(
    preload,
    `const { setTimeout: real } = globalThis
    globalThis.setTimeout = (use, ms, ...rest) => {
      if (ms === 60_000) process.once('SIGUSR2', use)
      return real(use, ms, ...rest)
    }`,
  )
  return preload
}
