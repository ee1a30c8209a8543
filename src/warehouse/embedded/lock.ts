import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import { makeFolders } from '../../make-folders.ts'
import { codeOf } from '../connection/database.ts'

/** Longer than `pg_ctl` itself waits (120 s): a start after a crash may replay much WAL. */
const lockWaitMs = 150_000
const lockPollMs = 25

/**
 * Runs `work` while no other process works under the same lock file. A lock whose holder is dead
 * is taken over.
 *
 * @throws CosellError `postgres.locked` when a live holder keeps it longer than `waitMs`.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  waitMs = lockWaitMs,
): Promise<T> {
  const deadline = performance.now() + waitMs
  while (!acquire(file)) {
    if (performance.now() > deadline) throw lockedTooLong(file, waitMs)
    await sleep(lockPollMs)
  }
  try {
    return await work()
  } finally {
    fs.rmSync(file, { force: true })
  }
}

/** Registers this process as a user of the resource of `folder`; returns the file that says so. */
export function addUser(folder: string): string {
  makeFolders(folder, 0o700)
  const file = path.join(folder, `${ownIdentity()}.${randomUUID()}`)
  fs.writeFileSync(file, '', { flag: 'wx', mode: 0o600 })
  return file
}

/** Returns the files of live users, including this process. Files of dead processes are removed. */
export function liveUsers(folder: string): string[] {
  const files = fs.existsSync(folder) ? fs.readdirSync(folder) : []
  const isLive = (file: string) => isAlive(file.slice(0, file.indexOf('.')))
  for (const file of files) if (!isLive(file)) fs.rmSync(path.join(folder, file), { force: true })
  return files.filter(isLive).map((file) => path.join(folder, file))
}

/**
 * Takes the lock by a link to a finished draft, so it appears whole or not at all. A holder killed
 * between creating and filling the file would leave a lock without an owner.
 */
function acquire(file: string): boolean {
  const draft = `${file}.${randomUUID()}`
  fs.writeFileSync(draft, ownIdentity(), { flag: 'wx', mode: 0o644 })
  try {
    fs.linkSync(draft, file)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    fs.rmSync(draft, { force: true })
  }
  return removeIfStale(file) && acquire(file)
}

/**
 * Removes the lock of a dead holder; returns true when the lock is worth another attempt. Two waiters
 * must not both remove it: the slower one would remove the lock that the quicker one has taken
 * since. So removing needs a lock of its own, taken by the same rule.
 */
function removeIfStale(file: string): boolean {
  const holder = holderOf(file)
  if (holder === undefined) return true
  if (isAlive(holder)) return false
  const clearing = `${file}.clearing`
  if (!acquire(clearing)) return false
  try {
    if (holderOf(file) === holder) fs.rmSync(file, { force: true })
    return true
  } finally {
    fs.rmSync(clearing, { force: true })
  }
}

function holderOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function lockedTooLong(file: string, waitMs: number): CosellError {
  const holder = holderOf(file)?.split('-')[0] ?? 'unknown'
  return new CosellError(
    'postgres.locked',
    `${file}: expected to get the lock within ${Math.round(waitMs / 1000)} s, but process ` +
      `${holder} still holds it. Wait for that command or end it, then run again.`,
  )
}

const ownIdentity = (): string => processIdentity(process.pid) ?? String(process.pid)

const isAlive = (identity: string): boolean =>
  processIdentity(Number.parseInt(identity, 10)) === identity

/**
 * Returns a name of a live process that no later one of the same number shares: containers hand out
 * the same small numbers at every start. Undefined when the process is dead or a zombie.
 */
function processIdentity(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = fs.readFileSync(path.join('/proc', String(pid), 'stat'), 'utf8')
      // The name before the last `)` may hold spaces; after it come the state and, 20th, the start.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${pid}-${fields[19]}`
    } catch {
      return undefined
    }
  }
  try {
    process.kill(pid, 0)
    return String(pid)
  } catch (error) {
    return codeOf(error) === 'EPERM' ? String(pid) : undefined
  }
}
