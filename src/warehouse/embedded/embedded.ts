import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { codeOf, openDatabase } from '../connection/database.ts'
import { dataFolder, findStateHome, giveTo, openStateHome, type StateHome } from './home.ts'
import { addUser, liveUsers, withLock } from './lock.ts'
import { findRunning, host } from './running.ts'
import { bringUp, passwordFile, shutDown, superuser } from './server.ts'

export interface EmbeddedOptions {
  /** COSELL_HOME; the database lives below it. */
  home: string
  /** COSELL_PG_BINDIR */
  binDir?: string | undefined
  /** COSELL_PG_OS_USER */
  osUser?: string | undefined
  /** PATH of the caller; this module reads no environment. */
  path: string
  /** Server settings beyond our own, which they overrule. */
  settings?: Record<string, string>
  /** Created when absent; `cosell` unless named. */
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
   * Gives the server back, and stops it when no other live process uses it; whether it stopped
   * it. A second call does nothing.
   */
  stop(): Promise<boolean>
}

const joinTries = 20
const joinPauseMs = 50

/**
 * Starts the PostgreSQL server of `home`, or joins it where it runs, and makes sure that the
 * database is there. Works as root and as an ordinary user, after any crash, and with several
 * processes at once.
 *
 * @throws CosellError when there is nothing to run, no place or account to run it, or it fails.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const state = openStateHome(options)
  const database = options.database ?? 'cosell'
  return await withLock(lockFile(state), async () => {
    const joined = await joinRunning(state, database)
    const reached = joined ?? (await reach(state, await bringUp(state, options), database))
    const use = addUser(usersFolder(state))
    giveTo(state.account, usersFolder(state))
    return {
      ...reached,
      home: state.folder,
      startedHere: joined === undefined,
      stop: () => withLock(lockFile(state), () => giveBack(state, options, use)),
    }
  })
}

/** Stops the server of `home` whoever uses it; false when none was running. */
export async function stopEmbedded(options: EmbeddedOptions): Promise<boolean> {
  const state = findStateHome(options)
  if (state === undefined) return false
  return await withLock(lockFile(state), async () => {
    // Who still uses it has lost it: the next server is not kept for them.
    fs.rmSync(usersFolder(state), { recursive: true, force: true })
    return await shutDown(state, options)
  })
}

type Reached = Pick<EmbeddedServer, 'url' | 'port' | 'version'>

/** The running server; undefined when none runs. */
async function joinRunning(state: StateHome, database: string): Promise<Reached | undefined> {
  for (let tries = 1; ; tries++) {
    const port = await findRunning(dataFolder(state.folder))
    if (port === undefined) return undefined
    try {
      return await reach(state, port, database)
    } catch (error) {
      // Killed a moment ago, it still answers while the system takes it apart: look again.
      const isGone = error instanceof CosellError && error.code === 'database.unreachable'
      if (!isGone || tries === joinTries) throw error
      await sleep(joinPauseMs)
    }
  }
}

/** Connects to the server, and creates the database where absent. */
async function reach(state: StateHome, port: number, database: string): Promise<Reached> {
  const { query, close } = await openDatabase(urlOf(state, port, 'postgres'))
  try {
    const { rows } = await sql<{ version: string; is_there: boolean }>`
      select
        current_setting('server_version') as version,
        exists (select from pg_database where datname = ${database}) as is_there
    `.execute(query)
    if (!rows[0]?.is_there) await sql`create database ${sql.id(database)}`.execute(query)
    // Debian adds its own words after the number.
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
      'configuration',
      'postgres.password',
      `${passwordFile(state)}: expected the password of the database beside it, got ` +
        `${codeOf(error)}. Put the file back, or move the folder away and load again.`,
      { cause: error },
    )
  }
}

async function giveBack(state: StateHome, options: EmbeddedOptions, use: string): Promise<boolean> {
  const users = liveUsers(usersFolder(state))
  if (!users.includes(use)) return false
  fs.rmSync(use)
  return users.length === 1 && (await shutDown(state, options))
}

const lockFile = (state: StateHome): string => path.join(state.folder, 'start.lock')
const usersFolder = (state: StateHome): string => path.join(state.folder, 'users')
