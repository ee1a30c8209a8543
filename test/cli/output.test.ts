import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { type CliOptions, type CliResult, resultOf, startCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

/** Device that takes nothing: each write answers ENOSPC. */
const fullDevice = '/dev/full'
const hasFullDevice = existsSync(fullDevice)

interface Night {
  readonly home: string
  readonly db: Kysely<Database>
  /** Settings of a run over a simulated API. */
  readonly env: Record<string, string>
}

/** Provides what a run needs, and checks afterwards that it was entered and freed its lease. */
function withNight(use: (night: Night) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withSandbox({ referrals: 60 }, ({ url: api }) =>
      withDatabase(async (db, url) => {
        await use({ home, db, env: { ...sandboxSettings(api), COSELL_DATABASE_URL: url } })
        const runs = await db.selectFrom('etl.run').select('run_status').execute()
        expect(runs).toEqual([{ run_status: 'published' }])
        const held = await db
          .selectFrom('etl.lease')
          .select('holder')
          .where('expires_at', '>', new Date().toISOString())
          .execute()
        expect(held, 'the lease is free').toEqual([])
      }),
    ),
  )
}

/** Runs the program with standard output, standard error or both on the full device. */
async function runFull(
  args: readonly string[],
  full: 'stdout' | 'stderr' | 'both',
  options: CliOptions,
): Promise<CliResult> {
  const device = await open(fullDevice, 'w')
  const taken = full === 'both' ? { stdout: device.fd, stderr: device.fd } : { [full]: device.fd }
  try {
    return await startCli(args, { ...options, ...taken }).ended
  } finally {
    await device.close()
  }
}

/** Runs the program with a reader that closes standard output, standard error or both at once. */
function runClosed(
  args: readonly string[],
  closed: 'stdout' | 'stderr' | 'both',
  options: CliOptions,
): Promise<CliResult> {
  const { child, ended } = startCli(args, options)
  if (closed !== 'stderr') child.stdout?.destroy()
  if (closed !== 'stdout') child.stderr?.destroy()
  return ended
}

const isEvent = (line: string) => /^\{"level":\d0,"time":"/.test(line)

/** Lines of standard error that are no events of the log. */
const strayLines = (stderr: string) =>
  stderr.split('\n').filter((line) => line !== '' && !isEvent(line))

describe.concurrent('a log that cannot be written', () => {
  test.skipIf(!hasFullDevice)(
    'cosell run on a full disk for its log publishes, and counts the lines',
    () =>
      withNight(async ({ home, env }) => {
        const end = await runFull(['run', '--json'], 'stderr', { cwd: home, env })
        expect(end.code).toBe(0)
        expect(resultOf(end)).toMatchObject({ status: 'published', seen: 60 })
        expect(resultOf(end).log_lines_lost).toBeGreaterThanOrEqual(4)
      }),
  )

  test('cosell run publishes while its log waits for a reader, and keeps little of it', () =>
    withNight(async ({ home, env }) => {
      const preload = path.join(home, 'flood.mjs')
      await writeFile(
        preload,
        whenStarted(`for (let n = 0; n < 20_000; n += 1) console.warn('${'x'.repeat(100)}')`),
      )
      const { child, ended } = startCli(['run', '--json'], { cwd: home, env, preload })
      child.stderr?.pause()
      child.once('exit', () => child.stderr?.resume())
      const end = await ended
      expect(end.code).toBe(0)
      const lost = Number(resultOf(end).log_lines_lost)
      expect(lost).toBeGreaterThan(8_000)
      expect(lost).toBeLessThan(20_000)
    }))
})

describe.concurrent('a result that cannot be written', () => {
  test.skipIf(!hasFullDevice)(
    'cosell run ends with 74 when a full disk takes neither result nor log',
    () =>
      withNight(async ({ home, env }) => {
        expect(await runFull(['run', '--json'], 'both', { cwd: home, env })).toMatchObject({
          code: 74,
          signal: null,
        })
      }),
  )

  test('cosell run ends with 74 when the readers of result and log have gone', () =>
    withNight(async ({ home, env }) => {
      const end = await runClosed(['run', '--json'], 'both', { cwd: home, env })
      expect(end).toMatchObject({ code: 74, signal: null })
    }))

  test.skipIf(!hasFullDevice).each([['--help']])(
    'cosell %s ends with 74 on a full disk',
    (...args) =>
      withHome(async (home) => {
        const end = await runFull(args, 'stdout', { cwd: home })
        expect(end.code).toBe(74)
        expect(end.stderr).toMatch(/^cosell: Standard output: .*ENOSPC.*\n$/)
      }),
  )

  test.skipIf(!hasFullDevice)('a command that fails keeps its code on a full disk', () =>
    withHome(async (home) => {
      const env = { COSELL_PAGE_SIZE: 'many' }
      expect(await runFull(['run', '--json'], 'both', { cwd: home, env })).toMatchObject({
        code: 78,
        signal: null,
      })
      expect(await runFull(['rnu'], 'both', { cwd: home })).toMatchObject({ code: 2 })
    }),
  )

  test('cosell --help ends with 0 when its reader leaves early', () =>
    withHome(async (home) => {
      const end = await runClosed(['--help'], 'both', { cwd: home })
      expect(end).toMatchObject({ code: 0, signal: null })
    }))

  test('cosell --help ends with 74 when a disk takes a part of it', () =>
    withHome(async (home) => {
      // A limit on the size of files takes a part of a write, as the last block of a disk does.
      const end = await runShell(`ulimit -f 1; "$@" --help > help.txt`, home)
      expect(end.code, end.stderr).toBe(74)
      const { length } = await readFile(path.join(home, 'help.txt'), 'utf8')
      expect([512, 1024]).toContain(length)
    }))

  test('a result that a slow reader takes late is whole', () =>
    withHome(async (home) => {
      // More than a pipe holds, and later than the time in which a finished command ends.
      const preload = path.join(home, 'long.mjs')
      await writeFile(
        preload,
        `Object.defineProperty(String.prototype, 'padEnd', { value: function () {
          return this.concat(' '.repeat(40_000)) } })`,
      )
      const { child, ended } = startCli(['--help'], { cwd: home, preload })
      child.stdout?.pause()
      await sleep(3_500)
      child.stdout?.resume()
      const { code, stdout } = await ended
      expect(code).toBe(0)
      expect(stdout.length).toBeGreaterThan(1_000_000)
      expect(stdout).toContain('terminated (SIGTERM)')
    }))
})

/** Runs a line of shell, in which "$@" is the program, in its own group of processes. */
async function runShell(line: string, cwd: string): Promise<CliResult> {
  const child = spawn('sh', ['-c', line, 'sh', process.execPath, inject('programDoor')], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const end: CliResult = { code: null, signal: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (end.stdout += chunk))
  child.stderr.on('data', (chunk) => (end.stderr += chunk))
  const [code, signal] = await once(child, 'close')
  return { ...end, code, signal }
}

/** A preload that runs statements once the program has taken over warnings and errors. */
function whenStarted(statements: string): string {
  return `const wait = setInterval(() => {
    if (process.listenerCount('uncaughtException') === 0) return
    clearInterval(wait)
    ${statements}
  }, 5)`
}

describe.concurrent('what is printed beside the log', () => {
  test('warnings and the console of a library become lines of the log', () =>
    withHome(async (home) => {
      const preload = path.join(home, 'warn.mjs')
      await writeFile(
        preload,
        whenStarted(`
          process.emitWarning('an old way', 'DeprecationWarning', 'DEP9999')
          process.emitWarning('a new way', 'ExperimentalWarning')
          for (let n = 0; n < 11; n += 1) process.on('SIGUSR2', () => n)
          console.log('%d of %s\\nsecond line', 1, { two: 2 })
          console.error('a fault')
          console.table([{ a: 1 }])`),
      )
      const { child, ended, waitFor } = startCli(['sandbox', '--json'], { cwd: home, preload })
      await waitFor('"url"')
      await waitFor('MaxListeners')
      child.kill('SIGTERM')
      const { code, stdout, stderr } = await ended
      expect(code).toBe(143)
      expect(strayLines(stderr)).toEqual([])
      expect(stdout.split('\n')).toHaveLength(2)
      const events = stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(events).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ level: 40, warning: 'DEP9999', msg: 'an old way' }),
          expect.objectContaining({ level: 40, warning: 'ExperimentalWarning', msg: 'a new way' }),
          expect.objectContaining({ level: 40, warning: 'MaxListenersExceededWarning' }),
          expect.objectContaining({ level: 30, msg: '1 of { two: 2 }\nsecond line' }),
          expect.objectContaining({ level: 40, msg: 'a fault' }),
        ]),
      )
    }))

  test.each([
    { what: 'an error that nothing catches', statement: `throw new Error('stray')` },
    { what: 'a rejection that nothing handles', statement: `Promise.reject(new Error('stray'))` },
  ])('$what ends the command with 70 and an event of the log', ({ statement }) =>
    withHome(async (home) => {
      const preload = path.join(home, 'stray.mjs')
      await writeFile(preload, whenStarted(`setTimeout(() => { ${statement} }, 200)`))
      const end = await startCli(['sandbox', '--json'], { cwd: home, preload }).ended
      expect(end).toMatchObject({ code: 70, signal: null })
      const [event = '', message = ''] = end.stderr.split('\n')
      expect(JSON.parse(event)).toMatchObject({ level: 60, code: 'unexpected' })
      expect(message).toBe('cosell: Unexpected: Error: stray')
      expect(resultOf(end)).toMatchObject({ status: 'failed', code: 'unexpected', exit_code: 70 })
    }),
  )

  test.skipIf(!hasFullDevice)('an error that nothing catches ends with 70 on a full disk', () =>
    withHome(async (home) => {
      const preload = path.join(home, 'stray.mjs')
      await writeFile(preload, whenStarted(`setTimeout(() => { throw new Error('stray') }, 200)`))
      const end = await runFull(['sandbox', '--json'], 'both', { cwd: home, preload })
      expect(end).toMatchObject({ code: 70, signal: null })
    }),
  )

  test('a command that waits for what cannot come ends with 70 instead of 13', () =>
    withHome(async (home) => {
      const preload = path.join(home, 'hang.mjs')
      await writeFile(
        preload,
        `import { syncBuiltinESMExports } from 'node:module'
        import http from 'node:http'
        http.createServer = () => ({ listen() {}, on() {}, once() {}, unref() {} })
        syncBuiltinESMExports()`,
      )
      const end = await startCli(['sandbox', '--json'], { cwd: home, preload }).ended
      expect(end).toMatchObject({ code: 70, signal: null })
      expect(end.stderr).toMatch(/^cosell: Unexpected: Error: the command waits for something/)
      expect(resultOf(end)).toMatchObject({ code: 'unexpected', exit_code: 70 })
    }))
})

describe.concurrent('SIGHUP', () => {
  test('SIGHUP ends a run with 129, however often it comes, and the run is entered', () =>
    withHome((home) =>
      withSandbox({ referrals: 2_000 }, ({ url: api }) =>
        withDatabase(async (db, url) => {
          const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
          const { child, ended, waitFor } = startCli(['run', '--json'], { cwd: home, env })
          await waitFor('run started')
          child.kill('SIGHUP')
          child.kill('SIGHUP')
          await sleep(20)
          child.kill('SIGHUP')
          const end = await ended
          expect(end).toMatchObject({ code: 129, signal: null })
          expect(resultOf(end)).toMatchObject({ code: 'signal.hangup', exit_code: 129 })
          const [entered] = await db.selectFrom('etl.run').selectAll().execute()
          expect(entered).toMatchObject({ run_status: 'failed' })
          expect(entered?.error_message).toContain('Stopped by SIGHUP')
        }),
      ),
    ))

  test.each([
    { how: 'nohup', line: 'nohup "$@" sandbox --json', shell: 'bash' },
    {
      how: 'a parent that ignores it',
      line: `trap '' HUP; "$@" sandbox --json; exit $?`,
      shell: 'sh',
    },
  ])('SIGHUP changes nothing under $how', ({ line, shell }) =>
    withHome(async (home) => {
      const child = spawn(shell, ['-c', line, shell, process.execPath, inject('programDoor')], {
        cwd: home,
        env: { PATH: process.env.PATH ?? '', HOME: home },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      const closed = once(child, 'close')
      try {
        const [line] = await once(child.stdout, 'data')
        const { url } = JSON.parse(String(line))
        process.kill(-Number(child.pid), 'SIGHUP')
        await sleep(300)
        expect(await (await fetch(`${url}/sandbox/state`)).json()).toMatchObject({
          referrals: 2_000,
        })
      } finally {
        process.kill(-Number(child.pid), 'SIGTERM')
        await closed
      }
    }),
  )
})

/** Whether `script` of util-linux or BSD can provide a terminal. */
const hasScript = process.platform === 'linux' && existsSync('/usr/bin/script')

test.skipIf(!hasScript)('cosell run publishes and ends with 0 after its terminal has gone', () =>
  withNight(async ({ home, env }) => {
    const line = `trap '' HUP; "$PROGRAM" "$DOOR" run --json > result.json; echo $? > code.txt`
    const terminal = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], {
      cwd: home,
      env: {
        ...env,
        PATH: process.env.PATH ?? '',
        HOME: home,
        SHELL: '/bin/sh',
        PROGRAM: process.execPath,
        DOOR: inject('programDoor'),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const [shown] = await once(terminal.stdout, 'data')
    expect(String(shown)).toContain('cosell starts')
    terminal.kill('SIGKILL')
    while (!(await readdir(home)).includes('code.txt')) await sleep(50)
    await sleep(50)
    expect(await readFile(path.join(home, 'code.txt'), 'utf8')).toBe('0\n')
    const result = JSON.parse(await readFile(path.join(home, 'result.json'), 'utf8'))
    expect(result).toMatchObject({ status: 'published', seen: 60 })
    expect(result.log_lines_lost).toBeGreaterThanOrEqual(1)
  }),
)

test('a deleted working directory ends a command with 78, and leaves --version alone', () =>
  withHome(async (home) => {
    await mkdir(path.join(home, 'gone'))
    const words = ['run --json', 'status', '--version']
    const lines = words.map((args) => `"$@" ${args} > ../out; echo "${args} $?"`)
    const { stdout, stderr } = await runShell(`cd gone; rmdir ../gone; ${lines.join('; ')}`, home)
    expect(stdout.trimEnd().split('\n')).toEqual(['run --json 78', 'status 78', '--version 0'])
    expect(
      stderr.match(/^cosell: The working directory: expected a folder that exists/gm),
    ).toHaveLength(2)
    expect(stderr).not.toContain('uv_cwd')
  }))
