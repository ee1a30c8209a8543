import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** Program of the pooler; undefined where it is not installed. */
export const pgbouncer = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
]
  .map((folder) => join(folder, 'pgbouncer'))
  .find((file) => existsSync(file))

/** The pooler refuses to run as root; this account owns nothing. */
const nobody = 65_534

/** Runs `use` with the address of a database through PgBouncer, with more lines of its `[pgbouncer]`. */
export async function withPgbouncer<T>(
  url: string,
  lines: readonly string[],
  use: (pooledUrl: string) => Promise<T>,
): Promise<T> {
  if (pgbouncer === undefined) throw new Error('pgbouncer is not installed')
  const target = new URL(url)
  const folder = mkdtempSync(join(tmpdir(), 'cosell-pgbouncer-'))
  const port = await freePort()
  const word = decodeURIComponent(target.password)
  // Readable for the account that it runs as; of a server that lives as long as the tests.
  writeFileSync(join(folder, 'users.txt'), `"${target.username}" "${word}"\n`)
  const ini = join(folder, 'pgbouncer.ini')
  writeFileSync(
    ini,
    [
      '[databases]',
      `* = host=${target.hostname} port=${target.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'auth_type = trust',
      `auth_file = ${join(folder, 'users.txt')}`,
      'unix_socket_dir =',
      ...lines,
    ].join('\n'),
  )
  chmodSync(folder, 0o755)
  const account = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  const pooler = spawn(pgbouncer, ['-q', ini], { stdio: 'ignore', ...account })
  const ended = new Promise((resolve) => pooler.once('exit', resolve))
  try {
    await untilListening(port)
    const pooled = new URL(url)
    pooled.hostname = '127.0.0.1'
    pooled.port = String(port)
    return await use(pooled.href)
  } finally {
    pooler.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  }
}

async function untilListening(port: number) {
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isUp) return
    await sleep(25)
  }
  throw new Error('pgbouncer does not listen')
}
