import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export const cli = new URL('../dist/cli.js', import.meta.url).pathname

/** Starts the simulated API in a process of its own; the caller stops it. */
export async function startSandbox(referrals: number) {
  const child = spawn(
    process.execPath,
    // It keeps all of its referrals in memory.
    ['--max-old-space-size=16000', cli, 'sandbox', '--json', `--referrals=${referrals}`],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env.PATH } },
  )
  const { url } = await firstLine<{ url: string }>(child)
  return { url, stop: () => child.kill() }
}

/** The first line of JSON that a process prints. @throws Error when it ends without one. */
export async function firstLine<T>(child: ChildProcess): Promise<T> {
  if (child.stdout === null) throw new Error('the child has no standard output')
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  throw new Error('the child ended without a line of JSON')
}
