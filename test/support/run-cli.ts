import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { inject } from 'vitest'

const lifeMs = 60_000
const pollMs = 10
/** More processes at once would time out. */
const limit = pLimit(3)

export interface CliOptions {
  /** Whole environment beside PATH; settings of the machine are left out. */
  env?: Readonly<Record<string, string>>
  /** Folder of `.env` and `.cosell`. */
  cwd: string
  /** Where standard output and standard error go, when they are not collected. */
  stdout?: number
  stderr?: number
  /** Text of standard input; empty when left out. */
  stdin?: string
  /** Script that Node.js runs before the program. */
  preload?: string
  /** Another Node.js than that of the tests, and another program than the bundled one. */
  node?: string
  door?: string
}

export interface CliResult {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface CliProcess {
  child: ChildProcess
  ended: Promise<CliResult>
  /** Waits until the output contains the text; fails when the process ends before. */
  waitFor(text: string): Promise<CliResult>
}

/** Runs `cosell` in its own process until it ends. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return limit(() => startCli(args, options).ended)
}

/** Starts `cosell` in its own process, which is killed after a minute. */
export function startCli(args: readonly string[], options: CliOptions): CliProcess {
  const { env, cwd, stdout = 'pipe', stderr = 'pipe', stdin, preload } = options
  const { node = process.execPath, door = inject('programDoor') } = options
  const before = preload === undefined ? [] : ['--import', preload]
  const child = spawn(node, [...before, door, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...postgresOfTests(env), ...env },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', stdout, stderr],
    timeout: lifeMs,
    killSignal: 'SIGKILL',
  })
  child.stdin?.end(stdin)
  const end: CliResult = { code: null, signal: null, stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (end.stdout += chunk))
  child.stderr?.on('data', (chunk) => (end.stderr += chunk))
  let isOver = false
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      isOver = true
      resolve(Object.assign(end, { code, signal }))
    })
  })
  const says = async (text: string) => {
    while (!(end.stdout + end.stderr).includes(text)) {
      if (isOver) throw new Error(`ended without "${text}": ${JSON.stringify(end)}`)
      await sleep(pollMs)
    }
    return end
  }
  return { child, ended, waitFor: says }
}

/**
 * Settings for the embedded PostgreSQL of the tests, the only ones taken from the machine. Beside the
 * address of another server they are an error.
 */
function postgresOfTests(env: CliOptions['env']): Record<string, string> {
  if (env?.COSELL_DATABASE_URL !== undefined) return {}
  const names = ['COSELL_PG_BINDIR', 'COSELL_PG_OS_USER']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  )
}

/** Parses the last line of standard output, which is the result with `--json`. */
export function resultOf({ stdout }: Pick<CliResult, 'stdout'>): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
}
