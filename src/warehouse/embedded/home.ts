import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { CosellError } from '../../errors.ts'
import { makeFolders } from '../../make-folders.ts'
import { codeOf } from '../connection/database.ts'

/** Ordinary account of root's server, since PostgreSQL does not run as root. */
export interface Account {
  uid: number
  gid: number
}

export interface StateHome {
  /** Holds the data, the password, the port and the log; belongs to the server's account. */
  folder: string
  /** Undefined when the server runs as the caller. */
  account: Account | undefined
  /** PATH of the caller. */
  path: string
}

export interface OpenedHome extends StateHome {
  /** Folders that were missing before, outermost first. */
  missing: readonly string[]
}

export interface HomeOptions {
  home: string
  osUser?: string | undefined
  path: string
}

export interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

/** PATH for `id` and `test`, independent of the caller's. */
const systemPath = '/usr/bin:/bin:/usr/sbin:/sbin'

/**
 * Opens the state folder, and creates it when absent: `postgres` below `home`. For root it is a
 * system folder when the server's account cannot enter `home`. Nothing is left of one that fails.
 *
 * @throws CosellError `postgres.home` when it cannot be read and written.
 */
export function openStateHome(options: HomeOptions): OpenedHome {
  const existing = findStateHome(options)
  if (existing !== undefined) return { ...existing, missing: [] }
  const missing = placesOf(options).flatMap(missingFolders)
  try {
    makeFolders(options.home)
    return { ...(isRoot() ? createAsRoot(options) : createAsUser(options)), missing }
  } catch (error) {
    removeEmpty(missing)
    throw homeFailure(options.home, error)
  }
}

/** Removes the folders that are there and empty, the innermost first. */
export function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      fs.rmdirSync(folder)
    } catch {
      // Never made, or in use by another command.
    }
  }
}

/**
 * Runs `work` on the files of a home.
 *
 * @throws CosellError `postgres.home` where a file or folder cannot be read or written.
 */
export async function inHome<T>(home: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw homeFailure(home, error)
  }
}

/** What to do about a full disk. */
export const makeRoom = 'Make room there, or set COSELL_HOME to another folder.'

/** Returns an error of the file system as a failure of the configuration, any other as it is. */
function homeFailure(home: string, error: unknown): unknown {
  const isOfFile = error instanceof Error && 'path' in error && 'syscall' in error
  if (!isOfFile || String(error.syscall).startsWith('spawn')) return error
  const code = codeOf(error)
  // Files are written under a name of their own first.
  const place = String(error.path).replace(/\.[0-9a-f-]{36}$/, '')
  const remedy =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? makeRoom
      : 'Set COSELL_HOME to a folder this account may write.'
  return new CosellError(
    'postgres.home',
    `${home}: expected a folder where the database can be kept, got ${code} at ${place}. ${remedy}`,
    { cause: error },
  )
}

/** Returns the state folder that holds a database; undefined when neither place has one. */
export function findStateHome(options: HomeOptions): StateHome | undefined {
  const folder = placesOf(options).find((place) => isThere(dataFolder(place), options.home))
  if (folder === undefined) return undefined
  const account = isRoot() ? ownerOf(dataFolder(folder)) : undefined
  if (account !== undefined && !mayExecute(folder, account)) {
    throw new CosellError(
      'postgres.home',
      `${folder}: the database in it belongs to account ${account.uid}, which can no longer get ` +
        'into the folder. Give the folders above it the permission x for others again.',
    )
  }
  return { folder, account, path: options.path }
}

export const dataFolder = (folder: string): string => path.join(folder, 'pgdata')

/** Runs a program as the server's account, in the state folder, with a fixed environment. */
export function execute(
  state: StateHome,
  command: string,
  args: string[],
  output: 'pipe' | 'ignore' = 'pipe',
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: state.folder,
      env: { HOME: state.folder, PATH: `${state.path}${path.delimiter}${systemPath}`, TZ: 'UTC' },
      stdio: ['ignore', output, output],
      ...state.account,
    })
    const outcome: Outcome = { status: null, stdout: '', stderr: '' }
    child.stdout?.on('data', (chunk) => (outcome.stdout += chunk))
    child.stderr?.on('data', (chunk) => (outcome.stderr += chunk))
    child.once('error', reject)
    child.once('close', (status) => resolve({ ...outcome, status }))
  })
}

/** Returns true when the account may execute a file, or enter a folder, below all its parents. */
export function mayExecute(file: string, account: Account): boolean {
  const options = { ...account, cwd: '/', env: { PATH: systemPath } }
  return spawnSync('test', ['-x', file], options).status === 0
}

/** Changes the owner of a file, or of a folder with its content, to the server's account. */
export function changeOwner(account: Account | undefined, file: string): void {
  if (account === undefined) return
  fs.lchownSync(file, account.uid, account.gid)
  if (!fs.lstatSync(file).isDirectory()) return
  for (const entry of fs.readdirSync(file)) changeOwner(account, path.join(file, entry))
}

const isRoot = (): boolean => process.getuid?.() === 0

/** Folders that may hold the database of `home`. */
function placesOf({ home }: HomeOptions): string[] {
  return isRoot() ? [folderBelow(home), systemFolder(home)] : [folderBelow(home)]
}

/** Returns the folder and its parents as far as they do not exist, outermost first. */
function missingFolders(folder: string): string[] {
  if (fs.existsSync(folder)) return []
  return [...missingFolders(path.dirname(folder)), folder]
}

const folderBelow = (home: string): string => path.join(path.resolve(home), 'postgres')

/** One folder for each `home`, so that two checkouts do not share a database. */
function systemFolder(home: string): string {
  const hash = createHash('sha256').update(path.resolve(home)).digest('hex').slice(0, 8)
  return path.join('/var/lib', `cosell-${hash}`)
}

function createAsUser(options: HomeOptions): StateHome {
  const folder = folderBelow(options.home)
  makeFolders(folder, 0o700)
  fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK)
  return { folder, account: undefined, path: options.path }
}

function createAsRoot(options: HomeOptions): StateHome {
  const account = chooseAccount(options.osUser)
  const isReachable = mayExecute(path.resolve(options.home), account)
  const folder = isReachable ? folderBelow(options.home) : systemFolder(options.home)
  makeFolders(folder, 0o700)
  fs.lchownSync(folder, account.uid, account.gid)
  return { folder, account, path: options.path }
}

/** Returns the named account, else `postgres`, else `nobody`. Accounts are never created. */
function chooseAccount(osUser: string | undefined): Account {
  const names = osUser === undefined ? ['postgres', 'nobody'] : [osUser]
  for (const name of names) {
    const [uid, gid] = ['-u', '-g'].map((flag) => idOf(name, flag))
    if (uid && gid !== undefined) return { uid, gid }
  }
  throw new CosellError(
    'postgres.account',
    `root cannot run PostgreSQL: expected an ordinary account ${names.join(' or ')}, found none. ` +
      'Set COSELL_PG_OS_USER to one, or COSELL_DATABASE_URL to a server that already runs.',
  )
}

function idOf(name: string, flag: string): number | undefined {
  const found = spawnSync('id', [flag, name], { encoding: 'utf8', env: { PATH: systemPath } })
  return found.status === 0 ? Number(found.stdout) : undefined
}

function ownerOf(folder: string): Account {
  const { uid, gid } = fs.statSync(folder)
  if (uid !== 0) return { uid, gid }
  throw new CosellError(
    'postgres.account',
    `${folder}: expected to belong to an ordinary account, got root, which cannot run PostgreSQL. ` +
      'Give the folder back to the account that created it (chown -R).',
  )
}

/** @throws CosellError `postgres.home` when that cannot be seen. */
function isThere(file: string, home: string): boolean {
  try {
    fs.statSync(file)
    return true
  } catch (error) {
    // A file system may keep root out too; then the system folder serves.
    if (codeOf(error) === 'ENOENT' || (codeOf(error) === 'EACCES' && isRoot())) return false
    throw homeFailure(home, error)
  }
}

/** Writes the file whole or not at all, and follows no link in its place. */
export function writeAtomically(state: StateHome, file: string, text: string): void {
  const draft = `${file}.${randomUUID()}`
  fs.writeFileSync(draft, text, { flag: 'wx', mode: 0o600 })
  changeOwner(state.account, draft)
  fs.renameSync(draft, file)
}
