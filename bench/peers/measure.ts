import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { secondsOf, serverProcess } from '../process-cpu.ts'
import { childSeconds } from '../start.ts'

/** Seconds: start to exit, and of all processors, the server's included. */
export interface Figures {
  readonly clock: number
  readonly cpu: number
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The lower of each figure; `known` is undefined before the first measurement. */
export function best(known: Figures | undefined, { clock, cpu }: Figures): Figures {
  if (known === undefined) return { clock, cpu }
  return { clock: Math.min(known.clock, clock), cpu: Math.min(known.cpu, cpu) }
}

/** Runs a command and waits until its backends have ended, so that their time is counted. */
export async function measure({ file, args, env }: Command, server: number): Promise<Figures> {
  const before = await secondsOf(server)
  const startedAt = performance.now()
  // The shell knows what its child took; Node.js knows it of itself alone.
  const script = '"$0" "$@" >/dev/null || exit; times'
  const run = promisify(execFile)
  const { stdout } = await run('bash', ['-c', script, file, ...args], {
    env: { ...env, PATH: process.env.PATH ?? '' },
    maxBuffer: 1e8,
  })
  const clock = (performance.now() - startedAt) / 1000
  await sleep(1_000)
  return { clock, cpu: childSeconds(stdout) + (await secondsOf(server)) - before }
}

/** Lends a new, empty database of a server, and the process of that server; drops it afterwards. */
export async function withNewDatabase<T>(
  url: string,
  use: (database: string, server: number) => Promise<T>,
): Promise<T> {
  const admin = await openDatabase(url)
  const name = `peer_${Date.now()}`
  await sql`create database ${sql.id(name)}`.execute(admin.query)
  const database = new URL(url)
  database.pathname = `/${name}`
  try {
    return await use(database.href, await serverProcess(admin.query))
  } finally {
    await sql`drop database ${sql.id(name)} with (force)`.execute(admin.query)
    await admin.close()
  }
}
