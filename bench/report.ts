import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openDatabase } from '../src/warehouse/connection/database.ts'
import { startThrowaway } from '../test/support/global-setup.ts'
import { fillMarts } from './marts-warehouse.ts'
import { secondsOfTrees, serverProcess } from './process-cpu.ts'
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

/** Fills a warehouse with so many referrals, and times `cosell report` over it; the fastest of three. */
export async function measureReport(referrals: number): Promise<ReportFigures> {
  const server = await startThrowaway()
  const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
  const warehouse = await openDatabase(server.url)
  try {
    await fillMarts(warehouse, referrals)
    const serverPid = await serverProcess(warehouse.query)
    const tries: ReportFigures[] = []
    for (let round = 0; round < rounds; round++) {
      tries.push(await timeReport(server.url, home, serverPid))
    }
    return tries.reduce((best, one) => (one.ms < best.ms ? one : best))
  } finally {
    await warehouse.close()
    await rm(home, { recursive: true, force: true })
    await server.stop()
  }
}

async function timeReport(url: string, home: string, serverPid: number): Promise<ReportFigures> {
  const env = { PATH: process.env.PATH, COSELL_HOME: home, COSELL_DATABASE_URL: url }
  const before = await secondsOfTrees([serverPid])
  const startedAt = performance.now()
  const script = '"$0" "$@" >/dev/null || exit; times'
  const command = [process.execPath, cli, 'report', '--out', join(home, 'report.html')]
  const { stdout } = await promisify(execFile)('bash', ['-c', script, ...command], { env })
  const ms = performance.now() - startedAt
  const serverCpu = (await secondsOfTrees([serverPid])) - before
  return { ms, programCpu: childSeconds(stdout), serverCpu }
}
