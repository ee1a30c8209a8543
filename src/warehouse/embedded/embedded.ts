import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { putBiLogin } from '../access/bi-login.ts'
import { biLogin } from '../access/roles.ts'
import { codeOf, openDatabase } from '../connection/database.ts'
import {
  changeOwner,
  dataFolder,
  findStateHome,
  inHome,
  openStateHome,
  removeEmpty,
  type StateHome,
} from './home.ts'
import { addUser, liveUsers, withLock } from './lock.ts'
import { keepBiPassword, readPassword, rejectedPassword, superuser } from './passwords.ts'
import { findRunning, host } from './running.ts'
import { createAndStart, stopServer } from './server.ts'

export interface EmbeddedOptions {
  /** COSELL_HOME; the database lives below it. */
  home: string
  /** COSELL_PG_BINDIR */
  binDir?: string | undefined
  /** COSELL_PG_OS_USER */
  osUser?: string | undefined
  /** PATH of the caller; this module does not read the environment. */
  path: string
  /** Server settings that override our defaults. */
  settings?: Record<string, string>
  /** Created when absent; default `cosell`. */
  database?: string
}

export interface EmbeddedServer {
  /** Connection string of the superuser; it is shown to no one. */
  url: string
  port: number
  /** Port that the server had before, when another program has that one now. */
  takenPort: number | undefined
  /** Folder that holds the data, the password, the port and the log. */
  home: string
  version: string
  startedHere: boolean
  /**
   * Releases the server, and stops it when no other live process uses it. Returns true when it was
   * stopped. A second call does nothing.
   */
  stop(): Promise<boolean>
  /**
   * Returns the connection string of a login in `cosell_bi`, the same at every call and start. The
   * login is made or repaired through `query`, a connection of the superuser to a migrated database.
   *
   * @throws CosellError `postgres.login_taken` when others made a role of that name.
   */
  biUrl<Schema>(query: Kysely<Schema>): Promise<string>
}

/** What `stopEmbedded` found and did. */
export interface StoppedServer {
  /** A server was running and was stopped. */
  readonly wasRunning: boolean
  /** Folder with the data, passwords and log of the home; undefined when it has no data. */
  readonly folder: string | undefined
}

const joinTries = 20
const joinPauseMs = 50
/** SQLSTATE invalid_password. */
const invalidPassword = '28P01'

/**
 * Starts the PostgreSQL server of `home`, or joins it when it runs, and creates the database when
 * absent. Works as root and as an ordinary user, after any crash, and with several processes at
 * once.
 *
 * @throws CosellError when binaries, folder or account are missing, or the server fails.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const state = openStateHome(options)
  const database = options.database ?? 'cosell'
  const exclusively = <T>(work: () => Promise<T>) =>
    inHome(options.home, () => withLock(lockFile(state), work))
  const start = async (): Promise<EmbeddedServer> => {
    const joined = await joinRunning(state, database)
    const reached = joined ?? (await startAndConnect(state, options, database))
    const use = addUser(usersFolder(state))
    changeOwner(state.account, usersFolder(state))
    return {
      takenPort: undefined,
      ...reached,
      home: state.folder,
      startedHere: joined === undefined,
      stop: () => exclusively(() => release(state, options, use)),
      biUrl: (query) =>
        exclusively(async () => {
          const password = keepBiPassword(state)
          await putBiLogin(query, password)
          return urlOf(reached.port, database, biLogin, password)
        }),
    }
  }
  return await exclusively(start).catch((error: unknown) => {
    removeEmpty(state.missing)
    throw error
  })
}

/** Stops the server of `home` even when it is in use. The data stay. */
export async function stopEmbedded(options: EmbeddedOptions): Promise<StoppedServer> {
  const state = findStateHome(options)
  if (state === undefined) return { wasRunning: false, folder: undefined }
  const stop = async () => {
    // Present users lose the server: the next one is not kept for them.
    fs.rmSync(usersFolder(state), { recursive: true, force: true })
    return await stopServer(state, options)
  }
  const wasRunning = await inHome(options.home, () => withLock(lockFile(state), stop))
  return { wasRunning, folder: state.folder }
}

type ServerAddress = Pick<EmbeddedServer, 'url' | 'port' | 'version'>

/** Connects to the running server; undefined when none runs. */
async function joinRunning(state: StateHome, database: string): Promise<ServerAddress | undefined> {
  for (let tries = 1; ; tries++) {
    const port = await findRunning(dataFolder(state.folder))
    if (port === undefined) return undefined
    try {
      return await connect(state, port, database)
    } catch (error) {
      // A server killed a moment ago still answers while the system removes it: try again.
      const isGone = error instanceof CosellError && error.code === 'database.unreachable'
      if (!isGone || tries === joinTries) throw error
      await sleep(joinPauseMs)
    }
  }
}

/** Starts the server, and stops it again when it cannot be used. */
async function startAndConnect(state: StateHome, options: EmbeddedOptions, database: string) {
  const started = await createAndStart(state, options)
  try {
    return { ...started, ...(await connect(state, started.port, database)) }
  } catch (error) {
    await stopServer(state, options)
    throw error
  }
}

/** Connects to the server, and creates the database when absent. */
async function connect(state: StateHome, port: number, database: string): Promise<ServerAddress> {
  const urlTo = (name: string) => urlOf(port, name, superuser, readPassword(state))
  const { query, close } = await openDatabase(urlTo('postgres')).catch((error: unknown) => {
    const isRejected = error instanceof CosellError && codeOf(error.cause) === invalidPassword
    throw isRejected ? rejectedPassword(state, error) : error
  })
  try {
    const { rows } = await sql<{ version: string; is_there: boolean }>`
      select
        current_setting('server_version') as version,
        exists (select from pg_database where datname = ${database}) as is_there
    `.execute(query)
    if (!rows[0]?.is_there) await sql`create database ${sql.id(database)}`.execute(query)
    // Debian adds text after the number.
    const version = rows[0]?.version.split(' ')[0] ?? ''
    return { url: urlTo(database), port, version }
  } finally {
    await close()
  }
}

function urlOf(port: number, database: string, user: string, password: string): string {
  const url = new URL(`postgres://${host}:${port}`)
  url.username = user
  url.password = password
  url.pathname = `/${database}`
  return url.href
}

async function release(state: StateHome, options: EmbeddedOptions, use: string): Promise<boolean> {
  const users = liveUsers(usersFolder(state))
  if (!users.includes(use)) return false
  fs.rmSync(use)
  return users.length === 1 && (await stopServer(state, options))
}

const lockFile = (state: StateHome): string => path.join(state.folder, 'start.lock')
const usersFolder = (state: StateHome): string => path.join(state.folder, 'users')
