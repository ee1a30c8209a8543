import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { startEmbedded } from '../../src/warehouse/embedded/embedded.ts'
import { migrate } from '../../src/warehouse/migrate/migrate.ts'
import { compile } from '../faults/crash/program.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's address of the server on which tests clone their databases. */
    databaseUrl: string
    /** A migrated database closed to connections; see `withDatabase`. */
    databaseTemplate: string
    /** Reason why there is no migrated database; empty when there is one. */
    migrationFailure: string
    /** File of the bundled program, which starts in a sixth of the time of the sources. */
    programDoor: string
  }
}

export interface TestServer {
  url: string
  stop(): Promise<void>
}

/**
 * Starts one server for all tests, in a temporary folder and without protection from power cuts. Or
 * uses the one of TEST_DATABASE_URL, as a superuser. Tests clone databases on it from one template.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const named = process.env.TEST_DATABASE_URL
  const server = named ? { url: named, stop: async () => {} } : await startThrowaway()
  // Two test runs may share a named server.
  const template = `cosell_template_${process.pid}`
  const program = await compile()
  try {
    project.provide('programDoor', program.door)
    project.provide('databaseUrl', server.url)
    project.provide('databaseTemplate', template)
    project.provide('migrationFailure', await buildTemplate(server.url, template))
  } catch (error) {
    await program.remove()
    await server.stop()
    throw error
  }
  return async () => {
    await program.remove()
    await dropTemplate(server.url, template)
    await server.stop()
  }
}

export async function startThrowaway(): Promise<TestServer> {
  const home = await mkdtemp(path.join(tmpdir(), 'cosell-test-'))
  // The server of a root user runs as another account, which must be able to enter.
  await chmod(home, 0o755)
  const server = await startEmbedded({
    home,
    path: process.env.PATH ?? '',
    binDir: process.env.COSELL_PG_BINDIR,
    osUser: process.env.COSELL_PG_OS_USER,
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
      max_connections: '200',
    },
  })
  const stop = async () => {
    await server.stop()
    await rm(server.home, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
  return { url: server.url, stop }
}

/** Migrates the template and closes it: cloning fails while a connection to it is open. */
export async function buildTemplate(url: string, template: string): Promise<string> {
  await runAt(url, sql`create database ${sql.id(template)}`)
  const warehouse = await openDatabase(urlOf(url, template))
  try {
    await migrate(warehouse.query)
  } catch (error) {
    // Tests without a schema go on, the others report this.
    return error instanceof Error ? error.message : String(error)
  } finally {
    await warehouse.close()
    await runAt(url, sql`alter database ${sql.id(template)} allow_connections false`)
  }
  return ''
}

async function dropTemplate(url: string, template: string): Promise<void> {
  await runAt(url, sql`drop database if exists ${sql.id(template)} with (force)`)
}

/** Runs one statement on a new connection. */
export async function runAt(url: string, statement: RawBuilder<unknown>): Promise<void> {
  const warehouse = await openDatabase(url)
  try {
    await statement.execute(warehouse.query)
  } finally {
    await warehouse.close()
  }
}

/** Returns the address of another database of the same server and user. */
export function urlOf(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  return other.href
}
