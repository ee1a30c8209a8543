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
    /** Superuser's entrance to the server that every test clones its databases on. */
    databaseUrl: string
    /** A migrated database that nobody may connect to; see `withDatabase`. */
    databaseTemplate: string
    /** Why there is no migrated database; empty when there is one. */
    migrationFailure: string
    /** File of the compiled program: from the sources, starting it takes three times as long. */
    programDoor: string
  }
}

export interface TestServer {
  url: string
  stop(): Promise<void>
}

/**
 * One server for all tests, in a temporary folder and careless of power cuts; or the one that
 * TEST_DATABASE_URL names, as a superuser. Tests clone databases on it from one template.
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
  // The server of a root user runs as another account, which must get in.
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

/** Migrates the template and closes it for good: cloning fails while anybody is connected to it. */
export async function buildTemplate(url: string, template: string): Promise<string> {
  await runAt(url, sql`create database ${sql.id(template)}`)
  const warehouse = await openDatabase(urlOf(url, template))
  try {
    await migrate(warehouse.query)
  } catch (error) {
    // Tests that need no schema go on, the others say this.
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

/** Runs one statement on a connection of its own. */
export async function runAt(url: string, statement: RawBuilder<unknown>): Promise<void> {
  const warehouse = await openDatabase(url)
  try {
    await statement.execute(warehouse.query)
  } finally {
    await warehouse.close()
  }
}

/** The same server and user, another database. */
export function urlOf(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  return other.href
}
