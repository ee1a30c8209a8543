import { randomBytes, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { CosellError } from '../../errors.ts'
import { type Binaries, type BinarySearch, findBinaries, programFile } from './binaries.ts'
import { dataFolder, execute, giveTo, type StateHome } from './home.ts'
import { findRunning, host, startWaitMs } from './running.ts'

export const superuser = 'postgres'
const portTries = 3

/** Meant for two cores and 2 GB that other programs need too; loads are few and large. */
const ownSettings: Record<string, string> = {
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
  /** Server settings beyond our own, which they overrule. */
  settings?: Record<string, string>
}

/** Creates the data where absent and starts a server over it; its port. */
export async function bringUp(state: StateHome, options: ServerOptions): Promise<number> {
  const binaries = await findBinaries(state, options)
  const settings = { ...ownSettings, ...options.settings }
  const data = dataFolder(state.folder)
  if (!fs.existsSync(data)) await createData(state, binaries, settings.fsync === 'off')
  refuseOtherMajor(data, binaries)
  for (let tries = 1; ; tries++) {
    const port = await choosePort(state)
    const failure = await launch(state, binaries, { ...settings, port: String(port) })
    if (failure === undefined) return port
    // A command killed while it started the server may have left it starting.
    const otherPort = await findRunning(dataFolder(state.folder))
    if (otherPort !== undefined) return otherPort
    // Another program may take the port between our look and the server's.
    const isPortTaken = failure.includes('could not bind')
    if (!isPortTaken || tries === portTries) throw startFailed(state, failure)
  }
}

/**
 * `initdb` beside the final name, then a rename: a killed one leaves nothing half-made. Each try
 * has a name of its own, because an `initdb` outlives the command that was killed over it.
 */
async function createData(state: StateHome, binaries: Binaries, isUnsafe: boolean): Promise<void> {
  for (const entry of fs.readdirSync(state.folder).filter((name) => name.startsWith('pgdata.'))) {
    fs.rmSync(path.join(state.folder, entry), { recursive: true, force: true, maxRetries: 10 })
  }
  const draft = `${dataFolder(state.folder)}.${randomUUID()}`
  if (!fs.existsSync(passwordFile(state))) {
    writeWhole(state, passwordFile(state), `${randomBytes(18).toString('base64url')}\n`)
  }
  giveTo(state.account, passwordFile(state))
  // The same sort order and letter cases on every machine; before 17 only libc's C has that.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const outcome = await execute(state, programFile(binaries.folder, 'initdb'), [
    ...['-D', draft, '-U', superuser, '--encoding=UTF8', '--data-checksums'],
    ...(binaries.major >= 17 ? locale : locale.slice(0, 1)),
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile(state)}`],
    ...(isUnsafe ? ['--no-sync'] : []),
  ])
  if (outcome.status !== 0) throw startFailed(state, `initdb: ${outcome.stderr.trim()}`)
  fs.renameSync(draft, dataFolder(state.folder))
}

function refuseOtherMajor(data: string, binaries: Binaries): void {
  const major = fs.readFileSync(path.join(data, 'PG_VERSION'), 'utf8').trim()
  if (major === String(binaries.major)) return
  throw new CosellError(
    'configuration',
    'postgres.major_version',
    `${data}: expected data of PostgreSQL ${binaries.major} (the binaries in ${binaries.folder}), ` +
      `got PostgreSQL ${major}. Set COSELL_PG_BINDIR to binaries of ${major}, or move the folder ` +
      'away and load again.',
  )
}

/** Undefined when the server is up, else the end of its log. */
async function launch(
  state: StateHome,
  binaries: Binaries,
  settings: Record<string, string>,
): Promise<string | undefined> {
  const log = path.join(state.folder, 'postgres.log')
  if (fs.existsSync(log)) fs.renameSync(log, `${log}.old`)
  const words = Object.entries(settings).map(([name, value]) => `-c ${name}=${quote(value)}`)
  const outcome = await execute(
    state,
    programFile(binaries.folder, 'pg_ctl'),
    [
      ...['start', '-w', '-t', String(startWaitMs / 1000), '-D', dataFolder(state.folder)],
      ...['-l', log, '-o', words.join(' ')],
    ],
    'ignore', // The server inherits these: a pipe would keep this process from ever ending.
  )
  if (outcome.status === 0) return undefined
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').slice(-2000) : 'pg_ctl wrote no log'
}

/** `pg_ctl` hands the server's arguments to a shell. */
function quote(value: string): string {
  return process.platform === 'win32' ? `"${value}"` : `'${value.replaceAll("'", `'\\''`)}'`
}

/** Ends the server, and the sessions in it, in good order; false when none was running. */
export async function shutDown(state: StateHome, search: BinarySearch): Promise<boolean> {
  if ((await findRunning(dataFolder(state.folder))) === undefined) return false
  const binaries = await findBinaries(state, search)
  const program = programFile(binaries.folder, 'pg_ctl')
  const words = ['stop', '-w', '-m', 'fast', '-D', dataFolder(state.folder)]
  const outcome = await execute(state, program, words)
  if (outcome.status !== 0) throw startFailed(state, `pg_ctl stop: ${outcome.stderr.trim()}`)
  return true
}

/** The port kept beside the data, so that a connection string stays good; another if it is taken. */
async function choosePort(state: StateHome): Promise<number> {
  const file = path.join(state.folder, 'port')
  const kept = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0
  const port = (await freePort(kept)) ?? (await freePort(0))
  if (port === undefined) throw startFailed(state, `no free port on ${host}`)
  if (port !== kept) writeWhole(state, file, `${port}\n`)
  return port
}

/** The port itself when it is free (0: any); undefined when it is taken. */
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

/** Appears whole or not at all, and follows no link that someone has put in its place. */
function writeWhole(state: StateHome, file: string, text: string): void {
  const draft = `${file}.${randomUUID()}`
  fs.writeFileSync(draft, text, { flag: 'wx', mode: 0o600 })
  giveTo(state.account, draft)
  fs.renameSync(draft, file)
}

function startFailed(state: StateHome, reason: string): CosellError {
  return new CosellError(
    'configuration',
    'postgres.start',
    `${state.folder}: expected the database to start and stop, got: ${reason}\n` +
      'Mend what it names, or set COSELL_DATABASE_URL to a server of your own.',
  )
}

export const passwordFile = (state: StateHome): string => path.join(state.folder, 'password')
