import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { secondsOfTrees } from './process-cpu.ts'
import { cli } from './sandbox.ts'
import { childSeconds } from './start.ts'

const rounds = 3

/** What the whole command took, start to exit. */
export interface ReportFigures {
  readonly ms: number
  /** Seconds of processor time of Node.js and of PostgreSQL. */
  readonly programCpu: number
  readonly serverCpu: number
}

/** Times `cosell report` with these settings on the server of `serverPid`; the fastest of three. */
export async function timeReport(
  settings: Readonly<Record<string, string>>,
  home: string,
  serverPid: number,
): Promise<ReportFigures> {
  const env = { ...settings, PATH: process.env.PATH }
  const script = '"$0" "$@" >/dev/null || exit; times'
  const command = [process.execPath, cli, 'report', '--out', join(home, 'report.html')]
  const tries: ReportFigures[] = []
  for (let round = 0; round < rounds; round++) {
    const before = await secondsOfTrees([serverPid])
    const startedAt = performance.now()
    const { stdout } = await promisify(execFile)('bash', ['-c', script, ...command], { env })
    const ms = performance.now() - startedAt
    const serverCpu = (await secondsOfTrees([serverPid])) - before
    tries.push({ ms, programCpu: childSeconds(stdout), serverCpu })
  }
  return tries.reduce((best, one) => (one.ms < best.ms ? one : best))
}
