import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { codeOf, openDatabase } from '../connection/database.ts'
import { changeOwner, dataFolder, findStateHome, openStateHome, type StateHome } from './home.ts'
import { addUser, liveUsers, withLock } from './lock.ts'
import { findRunning, host } from './running.ts'
import { createAndStart, passwordFile, stopServer, superuser } from './server.ts'

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
  url: string
  port: number
  /** Folder that holds the data, the password, the port and the log. */
  home: string
  version: string
  startedHere: boolean
  /**
   * Releases the server, and stops it when no other live process uses it. Returns true when it was
   * stopped. A second call does nothing.
   */
  stop(): Promise<boolean>
}

const joinTries = 20
const joinPauseMs = 50

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
  return await withLock(lockFile(state), async () => {
    const joined = await joinRunning(state, database)
    const reached = joined ?? (await connect(state, await createAndStart(state, options), database))
    const use = addUser(usersFolder(state))
    changeOwner(state.account, usersFolder(state))
    return {
      ...reached,
      home: state.folder,
      startedHere: joined === undefined,
      stop: () => withLock(lockFile(state), () => release(state, options, use)),
    }
  })
}

/** Stops the server of `home` even when it is in use; returns false when none was running. */
export async function stopEmbedded(options: EmbeddedOptions): Promise<boolean> {
  const state = findStateHome(options)
  if (state === undefined) return false
  return await withLock(lockFile(state), async () => {
    // Present users lose the server: the next one is not kept for them.
    fs.rmSync(usersFolder(state), { recursive: true, force: true })
    return await stopServer(state, options)
  })
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

/** Connects to the server, and creates the database when absent. */
async function connect(state: StateHome, port: number, database: string): Promise<ServerAddress> {
  const { query, close } = await openDatabase(urlOf(state, port, 'postgres'))
  try {
    const { rows } = await sql<{ version: string; is_there: boolean }>`
      select
        current_setting('server_version') as version,
        exists (select from pg_database where datname = ${database}) as is_there
    `.execute(query)
    if (!rows[0]?.is_there) await sql`create database ${sql.id(database)}`.execute(query)
    // Debian adds text after the number.
    const version = rows[0]?.version.split(' ')[0] ?? ''
    return { url: urlOf(state, port, database), port, version }
  } finally {
    await close()
  }
}

function urlOf(state: StateHome, port: number, database: string): string {
  const url = new URL(`postgres://${host}:${port}`)
  url.username = superuser
  url.password = readPassword(state)
  url.pathname = `/${database}`
  return url.href
}

function readPassword(state: StateHome): string {
  try {
    return fs.readFileSync(passwordFile(state), 'utf8').trim()
  } catch (error) {
    throw new CosellError(
      'postgres.password',
      `${passwordFile(state)}: expected the password of the database beside it, got ` +
        `${codeOf(error)}. Put the file back, or move the folder away and load again.`,
      { cause: error },
    )
  }
}

async function release(state: StateHome, options: EmbeddedOptions, use: string): Promise<boolean> {
  const users = liveUsers(usersFolder(state))
  if (!users.includes(use)) return false
  fs.rmSync(use)
  return users.length === 1 && (await stopServer(state, options))
}

const lockFile = (state: StateHome): string => path.join(state.folder, 'start.lock')
const usersFolder = (state: StateHome): string => path.join(state.folder, 'users')
