import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbedded, stopEmbedded } from '../../../src/warehouse/embedded/embedded.ts'
import { buildTemplate, urlOf } from '../../support/global-setup.ts'
import {
  createClone,
  damage,
  type Night,
  runHere,
  type TestServer,
  type World,
  withWorld,
} from './world.ts'

/** A PostgreSQL server that a test may crash. */
export interface PrivateServer {
  readonly testServer: TestServer
  /** Ends it at once, as `pg_ctl stop -m immediate` does; back when it is gone. */
  crash(): void
  start(): Promise<void>
  remove(): Promise<void>
}

const pollMs = 2

/** Starts one with a template in which `night` has not begun. */
export async function startPrivateServer(night: Night): Promise<PrivateServer> {
  const home = await mkdtemp(path.join(tmpdir(), 'cosell-kill-server-'))
  // The server of a root user runs as another account, which must get in.
  await chmod(home, 0o755)
  const options = {
    home,
    path: process.env.PATH ?? '',
    binDir: process.env.COSELL_PG_BINDIR,
    osUser: process.env.COSELL_PG_OS_USER,
    // It outlives crashes of its own, not of the machine: what it has written stays without fsync.
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '100' },
  }
  const server = await startEmbedded(options)
  const { url } = server
  const testServer = await prepareNight(url, 'cosell_kill_template', night)
  const pidFile = path.join(server.home, 'pgdata', 'postmaster.pid')
  return {
    testServer,
    crash() {
      const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
      process.kill(pid, 'SIGQUIT')
      while (isAlive(pid)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs)
    },
    async start() {
      await startEmbedded(options)
    },
    async remove() {
      await stopEmbedded(options)
      await rm(server.home, { recursive: true, force: true })
      await rm(home, { recursive: true, force: true })
    },
  }
}

/**
 * Prepares the databases of a night on a server. The next night begins where the first one ended, and
 * a rebuild with damage done to that.
 */
export async function prepareNight(
  server: string,
  name: string,
  night: Night,
): Promise<TestServer> {
  const failure = await buildTemplate(server, name)
  if (failure !== '') throw new Error(failure)
  const first: TestServer = { server, template: name, night: 'first' }
  if (night === 'first' || night === 'backfill' || night === 'import') return { ...first, night }
  const template = `${name}_later`
  await createClone(server, template, name)
  await withWorld(first, (world: World) => runHere(world, urlOf(server, template)))
  if (night === 'rebuild') await damage(server, template)
  return { server, template, night }
}

/** A process that has ended and whose parent has not noticed counts as gone. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  if (existsSync('/proc/self')) return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'))
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
