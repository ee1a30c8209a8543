import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { CosellError } from '../../errors.ts'
import { type Binaries, type BinarySearch, findBinaries, programFile } from './binaries.ts'
import {
  changeOwner,
  dataFolder,
  execute,
  makeRoom,
  type StateHome,
  writeAtomically,
} from './home.ts'
import { makePassword, passwordFile, superuser } from './passwords.ts'
import { findRunning, host, startWaitMs } from './running.ts'

const portTries = 3

/** Meant for two cores and 2 GB shared with other programs; loads are few and large. */
const defaultSettings: Record<string, string> = {
  listen_addresses: host,
  unix_socket_directories: '',
  timezone: 'UTC',
  shared_buffers: '256MB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  jit: 'off',
  // The server's log must not hold people's data: neither statements nor the rows in DETAIL.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

export interface ServerOptions extends BinarySearch {
  /** Server settings that override our defaults. */
  settings?: Record<string, string>
}

/** Port of a server that was started. */
export interface StartedPort {
  readonly port: number
  /** Port that it had before, when another program has that one now. */
  readonly takenPort: number | undefined
}

/** Creates the data when absent and starts a server on it; returns its port. */
export async function createAndStart(
  state: StateHome,
  options: ServerOptions,
): Promise<StartedPort> {
  const binaries = await findBinaries(state, options)
  const settings = { ...defaultSettings, ...options.settings }
  const data = dataFolder(state.folder)
  if (!fs.existsSync(data)) await createData(state, binaries, settings.fsync === 'off')
  checkMajorVersion(data, binaries)
  const kept = keptPort(state)
  for (let tries = 1; ; tries++) {
    const port = await choosePort(state)
    const started = { port, takenPort: kept === 0 || kept === port ? undefined : kept }
    const failure = await launch(state, binaries, { ...settings, port: String(port) })
    if (failure === undefined) return started
    // A command that was killed may have left the server starting.
    const otherPort = await findRunning(dataFolder(state.folder))
    if (otherPort !== undefined) return { port: otherPort, takenPort: undefined }
    // Another program may take the port between our check and the server's.
    const isPortTaken = failure.includes('could not bind')
    if (!isPortTaken || tries === portTries) throw startFailed(state, failure)
  }
}

/**
 * Runs `initdb` beside the final name, then renames it, so a killed one leaves nothing half-made.
 * Each attempt has a name of its own, because an `initdb` outlives its killed command.
 */
async function createData(state: StateHome, binaries: Binaries, noSync: boolean): Promise<void> {
  for (const entry of fs.readdirSync(state.folder).filter((name) => name.startsWith('pgdata.'))) {
    fs.rmSync(path.join(state.folder, entry), { recursive: true, force: true, maxRetries: 10 })
  }
  const draft = `${dataFolder(state.folder)}.${randomUUID()}`
  makePassword(state)
  changeOwner(state.account, passwordFile(state))
  // Equal sort order and letter cases on every machine; before 17 only libc's C has that.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const outcome = await execute(state, programFile(binaries.folder, 'initdb'), [
    ...['-D', draft, '-U', superuser, '--encoding=UTF8', '--data-checksums'],
    ...(binaries.major >= 17 ? locale : locale.slice(0, 1)),
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile(state)}`],
    ...(noSync ? ['--no-sync'] : []),
  ])
  if (outcome.status !== 0) {
    for (const file of [draft, passwordFile(state)])
      fs.rmSync(file, { recursive: true, force: true })
    throw startFailed(state, `initdb: ${outcome.stderr.trim()}`)
  }
  fs.renameSync(draft, dataFolder(state.folder))
}

function checkMajorVersion(data: string, binaries: Binaries): void {
  const major = fs.readFileSync(path.join(data, 'PG_VERSION'), 'utf8').trim()
  if (major === String(binaries.major)) return
  throw new CosellError(
    'postgres.major_version',
    `${data}: expected data of PostgreSQL ${binaries.major} (the binaries in ${binaries.folder}), ` +
      `got PostgreSQL ${major}. To move all of it: set COSELL_PG_BINDIR to binaries of ${major} and run ` +
      '`cosell warehouse --dump FILE`, move the folder away, unset it and run `cosell warehouse --restore FILE`.',
  )
}

/** Starts the server; returns undefined when it is up, else the end of its log. */
async function launch(
  state: StateHome,
  binaries: Binaries,
  settings: Record<string, string>,
): Promise<string | undefined> {
  const log = path.join(state.folder, 'postgres.log')
  if (fs.existsSync(log)) fs.renameSync(log, `${log}.old`)
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${quote(value)}`)
  const outcome = await execute(
    state,
    programFile(binaries.folder, 'pg_ctl'),
    [
      ...['start', '-w', '-t', String(startWaitMs / 1000), '-D', dataFolder(state.folder)],
      ...['-l', log, '-o', options.join(' ')],
    ],
    'ignore', // The server inherits these: a pipe would keep this process from ever ending.
  )
  if (outcome.status === 0) return undefined
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').slice(-2000) : 'pg_ctl wrote no log'
}

/** Quotes a value for the shell to which `pg_ctl` hands the server's arguments. */
function quote(value: string): string {
  return process.platform === 'win32' ? `"${value}"` : `'${value.replaceAll("'", `'\\''`)}'`
}

/** Stops the server and its sessions cleanly; returns false when none was running. */
export async function stopServer(state: StateHome, search: BinarySearch): Promise<boolean> {
  if ((await findRunning(dataFolder(state.folder))) === undefined) return false
  const binaries = await findBinaries(state, search)
  const program = programFile(binaries.folder, 'pg_ctl')
  const options = ['stop', '-w', '-m', 'fast', '-D', dataFolder(state.folder)]
  const outcome = await execute(state, program, options)
  if (outcome.status !== 0) throw startFailed(state, `pg_ctl stop: ${outcome.stderr.trim()}`)
  return true
}

/** Returns the port kept beside the data, so that a connection string stays valid; another if it is taken. */
async function choosePort(state: StateHome): Promise<number> {
  const kept = keptPort(state)
  const port = (await freePort(kept)) ?? (await freePort(0))
  if (port === undefined) throw startFailed(state, `no free port on ${host}`)
  if (port !== kept) writeAtomically(state, portFile(state), `${port}\n`)
  return port
}

/** Port of the last start; 0 when there is none. */
function keptPort(state: StateHome): number {
  const kept = fs.existsSync(portFile(state)) ? fs.readFileSync(portFile(state), 'utf8').trim() : ''
  return /^\d{1,5}$/.test(kept) && Number(kept) < 65_536 ? Number(kept) : 0
}

const portFile = (state: StateHome): string => path.join(state.folder, 'port')

/** Returns the port itself when it is free (0: any); undefined when it is taken. */
function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}

function startFailed(state: StateHome, reason: string): CosellError {
  const noRoom = /No space left on device|Disk quota exceeded/.exec(reason)?.[0]
  if (noRoom !== undefined) {
    return new CosellError(
      'postgres.home',
      `${state.folder}: expected room for the database, got "${noRoom}". ${makeRoom}`,
    )
  }
  return new CosellError(
    'postgres.start',
    `${state.folder}: expected the database to start and stop, got: ${reason}\n` +
      'Fix the reported cause, or set COSELL_DATABASE_URL to a server of your own.',
  )
}
