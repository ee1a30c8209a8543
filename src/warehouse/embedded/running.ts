import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'

/** Address that the server listens on and clients connect to. */
export const host = '127.0.0.1'
/** Long enough to replay WAL after a crash; `pg_ctl` gets the same limit. */
export const startWaitMs = 120_000
const pollMs = 20
const answerWaitMs = 2000

/**
 * Port of the server that has the data open; undefined when none has. It waits for the end of a
 * start, a stop, and the children of a killed server, which notice only a little later.
 */
export async function findRunning(data: string): Promise<number | undefined> {
  if (!fs.existsSync(data)) return undefined
  const deadline = performance.now() + startWaitMs
  for (;;) {
    const server = readServerFile(data)
    if (server === undefined) return undefined
    const pids = processesUsing(data, server.pid)
    if (pids.length === 0) {
      // The process is dead, or a zombie (a slow pid 1 keeps it), or another program has its number.
      // In the last two cases PostgreSQL would trust the file and not start.
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

/** Reads the server's own file: line 1 is its pid, 4 its port, 8 its state. */
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
 * Processes that have the data open. On Linux they have it as working directory, as every PostgreSQL
 * process does. Elsewhere it is `pid`, which PostgreSQL checks itself when it starts.
 */
function processesUsing(data: string, pid: number): number[] {
  if (process.platform !== 'linux') return isProcess(pid) ? [pid] : []
  const folder = fs.realpathSync(data)
  if (usesFolder(folder, pid)) return [pid]
  return fs
    .readdirSync('/proc')
    .map(Number)
    .filter((number) => number > 0 && usesFolder(folder, number))
}

function usesFolder(folder: string, pid: number): boolean {
  const facts = path.join('/proc', String(pid))
  try {
    // The name distinguishes a server from a shell in the same folder.
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
    'postgres.busy',
    `${data}: expected the server to answer within ${startWaitMs / 1000} s, but process ` +
      `${pids.join(', ')} keeps the folder without answering. End it, then run again.`,
  )
}
