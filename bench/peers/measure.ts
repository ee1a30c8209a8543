import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
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
  const before = await cpuOf(server)
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
  return { clock, cpu: childSeconds(stdout) + (await cpuOf(server)) - before }
}

/** Seconds that a process and its ended children took; 0 on systems without /proc. */
async function cpuOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const ticksPerSecond = 100
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
}

/** Lends a new, empty database of a server, and the process of that server; drops it afterwards. */
export async function withNewDatabase<T>(
  url: string,
  use: (database: string, server: number) => Promise<T>,
): Promise<T> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const server = await admin.query<{ pid: number }>(
    "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer as pid",
  )
  const name = `peer_${Date.now()}`
  await admin.query(`create database ${name}`)
  const database = new URL(url)
  database.pathname = `/${name}`
  try {
    return await use(database.href, server.rows[0]?.pid ?? 0)
  } finally {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  }
}
