import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'

/** A first start after a crash may replay much WAL: longer than `pg_ctl` itself waits (120 s). */
const lockWaitMs = 150_000
const lockPollMs = 25

/**
 * Does `work` while no other process does work under the same lock file. A lock whose holder is
 * dead is carried over.
 *
 * @throws CosellError `postgres.locked` when a live holder keeps it longer than `waitMs`.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  waitMs = lockWaitMs,
): Promise<T> {
  const deadline = performance.now() + waitMs
  while (!take(file)) {
    if (performance.now() > deadline) throw lockedTooLong(file, waitMs)
    await sleep(lockPollMs)
  }
  try {
    return await work()
  } finally {
    fs.rmSync(file, { force: true })
  }
}

/** Notes that this process uses what `folder` stands for; the result names the note. */
export function addUser(folder: string): string {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const note = path.join(folder, `${ownIdentity()}.${randomUUID()}`)
  fs.writeFileSync(note, '', { flag: 'wx', mode: 0o600 })
  return note
}

/** Notes of live users, this process's included. Notes of dead processes are removed. */
export function liveUsers(folder: string): string[] {
  const notes = fs.existsSync(folder) ? fs.readdirSync(folder) : []
  const isLive = (note: string) => isAlive(note.slice(0, note.indexOf('.')))
  for (const note of notes) if (!isLive(note)) fs.rmSync(path.join(folder, note), { force: true })
  return notes.filter(isLive).map((note) => path.join(folder, note))
}

/**
 * The lock appears whole or not at all, because a link to a finished draft is what claims the
 * name: a holder killed between creating and filling the file would leave one nobody can judge.
 */
function take(file: string): boolean {
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
  return clearIfDead(file) && take(file)
}

/**
 * Whether the lock is worth another try. Two waiters must not both clear a dead lock: the slower
 * one would remove what the quicker one has taken since. So clearing needs a lock of its own,
 * taken by the same rule.
 */
function clearIfDead(file: string): boolean {
  const holder = holderOf(file)
  if (holder === undefined) return true
  if (isAlive(holder)) return false
  const clearing = `${file}.clearing`
  if (!take(clearing)) return false
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
    'tryAgainLater',
    'postgres.locked',
    `${file}: expected to get the lock within ${Math.round(waitMs / 1000)} s, but process ` +
      `${holder} still holds it. Wait for that command or end it, then try again.`,
  )
}

const ownIdentity = (): string => processIdentity(process.pid) ?? String(process.pid)

const isAlive = (identity: string): boolean =>
  processIdentity(Number.parseInt(identity, 10)) === identity

/**
 * Names a live process so that a later one of the same number is not taken for it (containers
 * hand out the same small numbers at every start); undefined when it is dead or a zombie.
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
