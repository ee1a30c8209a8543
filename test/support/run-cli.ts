import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { inject } from 'vitest'

const lifeMs = 60_000
const pollMs = 10
/** More at once would only time out. */
const atOnce = pLimit(3)

export interface CliOptions {
  /** The whole environment but for PATH; no setting of the machine gets in. */
  env?: Readonly<Record<string, string>>
  /** Where `.env` and `.cosell` are looked for. */
  cwd: string
}

export interface CliEnd {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface CliProcess {
  child: ChildProcess
  ended: Promise<CliEnd>
  /** Waits until standard output and error together hold the text; fails when the process ends. */
  says(text: string): Promise<CliEnd>
}

/** Runs `cosell` in a process of its own, to its end. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliEnd> {
  return atOnce(() => startCli(args, options).ended)
}

/** Starts `cosell` in a process of its own, which is killed when it lives longer than a minute. */
export function startCli(args: readonly string[], { env, cwd }: CliOptions): CliProcess {
  const child = spawn(process.execPath, [inject('programDoor'), ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...postgresOfTests(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: lifeMs,
    killSignal: 'SIGKILL',
  })
  const end: CliEnd = { code: null, signal: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (end.stdout += chunk))
  child.stderr.on('data', (chunk) => (end.stderr += chunk))
  let isOver = false
  const ended = new Promise<CliEnd>((resolve, reject) => {
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
  return { child, ended, says }
}

/** Which PostgreSQL the tests may use is the one thing carried over from the machine. */
function postgresOfTests(): Record<string, string> {
  const names = ['COSELL_PG_BINDIR', 'COSELL_PG_OS_USER']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  )
}

/** The last line of standard output, which `--json` promises to be the result. */
export function resultOf({ stdout }: Pick<CliEnd, 'stdout'>): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
}
