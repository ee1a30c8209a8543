import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../../scripts/build.ts'
import type { IoBoundary } from '../../../src/io-boundary.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const preload = new URL('preload.mjs', import.meta.url).href
const lifeMs = 60_000

/** The program bundled from the sources as they are: starting it takes a sixth of the time. */
export interface Program {
  readonly door: string
  remove(): Promise<void>
}

/** Bundles into a folder of its own, below `node_modules` so that packages are found. */
export async function compile(): Promise<Program> {
  const folder = path.join(root, 'node_modules', '.cache', `cosell-campaign-${process.pid}`)
  const out = path.join(folder, 'dist')
  await mkdir(folder, { recursive: true })
  for (const name of ['package.json', 'sql']) {
    await rm(path.join(folder, name), { force: true })
    await symlink(path.join(root, name), path.join(folder, name))
  }
  await bundle(out)
  return {
    door: path.join(out, 'cli.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** The boundary at which it was killed; without `at`, all that it crossed. */
  readonly boundaries: readonly IoBoundary[]
}

/** Where to kill: the number of a boundary, and whether only once what it announces is sent. */
export interface Blow {
  readonly at: number
  readonly isSent: boolean
}

/** A night whose accounts come one after another, so that boundaries have the same number each time. */
export const oneAfterAnother = ['run', '--workers', '1']

/** Runs such a night, or the command of `words`, to its end, which is at `blow` when there is one. */
export function runProgram(
  program: Pick<Program, 'door'>,
  given: {
    env: Readonly<Record<string, string>>
    cwd: string
    words?: readonly string[]
    blow?: Blow
  },
): Promise<ProgramEnd> {
  const { env, cwd, blow, words = oneAfterAnother } = given
  const killing = blow === undefined ? {} : { KILL_AT: String(blow.at) }
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', preload, program.door, ...words, '--json'],
    {
      cwd,
      env: { PATH: '', HOME: cwd, ...env, ...killing, ...(blow?.isSent ? { KILL_SENT: '1' } : {}) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      timeout: lifeMs,
      killSignal: 'SIGABRT',
    },
  )
  const said = ['', '', '']
  for (const [place, stream] of child.stdio.slice(1).entries()) {
    stream?.on('data', (chunk: Buffer) => {
      said[place] += chunk.toString()
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const [stdout = '', stderr = '', quiet = ''] = said
      const boundaries = quiet
        .split('\n')
        .filter((line) => line !== '')
        .map((line): IoBoundary => JSON.parse(line))
      resolve({ code, signal, stdout, stderr, boundaries })
    })
  })
}
