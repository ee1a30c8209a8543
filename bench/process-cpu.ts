import { readdir, readFile } from 'node:fs/promises'
import { type QueryExecutorProvider, sql } from 'kysely'

// All of it is 0 on systems without /proc.

/** The process of a server that this machine runs, of which its backends are children. */
export async function serverProcess(query: QueryExecutorProvider): Promise<number> {
  const { rows } = await sql<{ pid: number }>`
    select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer as pid`.execute(query)
  return rows[0]?.pid ?? 0
}

/** Seconds of processor time that a process and its ended children took. */
export async function secondsOf(pid: number): Promise<number> {
  return (await statOf(pid)).seconds
}

/** The same of several processes, with the children that still run. */
export async function secondsOfTrees(pids: readonly number[]): Promise<number> {
  let all = 0
  for (const name of await readdir('/proc').catch(() => [])) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const { parent, seconds } = await statOf(pid)
    if (pids.includes(pid) || pids.includes(parent)) all += seconds
  }
  return all
}

async function statOf(pid: number): Promise<{ parent: number; seconds: number }> {
  const ticksPerSecond = 100
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // Its name, in brackets, may have blanks and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { parent: Number(fields[1]), seconds: ticks / ticksPerSecond }
}
