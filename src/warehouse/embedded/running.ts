import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'

/** The server and the clients meet here and nowhere else. */
export const host = '127.0.0.1'
/** Replaying WAL after a crash is what takes long; `pg_ctl` is given the same. */
export const startWaitMs = 120_000
const pollMs = 20
const answerWaitMs = 2000

/**
 * Port of the server that has the data open; undefined when none has. Waits out a start, a stop,
 * and what a killed server leaves: its children notice only a little later that it is gone.
 */
export async function findRunning(data: string): Promise<number | undefined> {
  if (!fs.existsSync(data)) return undefined
  const deadline = performance.now() + startWaitMs
  for (;;) {
    const server = readServerFile(data)
    if (server === undefined) return undefined
    const pids = processesIn(data, server.pid)
    if (pids.length === 0) {
      // Its process is dead, or a zombie (a slow pid 1 keeps it), or another program has the
      // number now; in the last two cases PostgreSQL would believe the file and refuse to start.
      if (isProcess(server.pid)) fs.rmSync(server.file, { force: true })
      return undefined
    }
    if (server.isReady && pids.includes(server.pid) && (await answers(server.port))) {
      return server.port
    }
    if (performance.now() > deadline) throw busyTooLong(data, pids)
    await sleep(pollMs)
  }
}

interface ServerFile {
  file: string
  pid: number
  port: number
  isReady: boolean
}

/** What the server wrote about itself: line 1 is its pid, 4 its port, 8 its state. */
function readServerFile(data: string): ServerFile | undefined {
  const file = path.join(data, 'postmaster.pid')
  try {
    const lines = fs.readFileSync(file, 'utf8').split('\n')
    const isReady = lines[7]?.trim() === 'ready'
    return { file, pid: Number(lines[0]), port: Number(lines[3]), isReady }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Processes that have the data open: on Linux those whose working directory it is, as it is for
 * every PostgreSQL process; elsewhere `pid`, which PostgreSQL checks itself when it starts.
 */
function processesIn(data: string, pid: number): number[] {
  if (process.platform !== 'linux') return isProcess(pid) ? [pid] : []
  const folder = fs.realpathSync(data)
  if (isIn(folder, pid)) return [pid]
  return fs
    .readdirSync('/proc')
    .map(Number)
    .filter((number) => number > 0 && isIn(folder, number))
}

function isIn(folder: string, pid: number): boolean {
  const facts = path.join('/proc', String(pid))
  try {
    // The name tells a server from a shell that somebody has taken there.
    const isFolder = fs.readlinkSync(path.join(facts, 'cwd')) === folder
    return isFolder && fs.readFileSync(path.join(facts, 'comm'), 'utf8').startsWith('postgres')
  } catch {
    return false // Gone, a zombie, or of another account.
  }
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host, timeout: answerWaitMs })
    const settle = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => settle(true))
    for (const event of ['error', 'timeout']) socket.once(event, () => settle(false))
  })
}

function busyTooLong(data: string, pids: number[]): CosellError {
  return new CosellError(
    'tryAgainLater',
    'postgres.busy',
    `${data}: expected the server to answer within ${startWaitMs / 1000} s, but process ` +
      `${pids.join(', ')} keeps the folder without answering. End it, then try again.`,
  )
}
