import { spawn } from 'node:child_process'
import path from 'node:path'
import type { ExecuteOptions } from './campaign-type.ts'

/** A campaign whose packages are not to be had here. */
export class LeftOut extends Error {
  override readonly name = 'LeftOut'
}

/**
 * Makes an environment of Python with the packages, and returns the folder of its programs.
 *
 * @throws LeftOut where Python or the registry is missing.
 */
export async function makeVenv(
  folder: string,
  packages: readonly (readonly string[])[],
): Promise<string> {
  const programs = path.join(folder, 'bin')
  try {
    await execute('python3', ['-m', 'venv', folder])
    for (const args of packages) {
      await execute(path.join(programs, 'pip'), ['install', '--quiet', ...args])
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (text !== 'spawn python3 ENOENT' && !isUnreachable(text)) throw error
    throw new LeftOut(text.trim().split('\n').at(-1))
  }
  return programs
}

/**
 * Tells from the words of pip that no registry answered. A registry that answers has no versions of an
 * unknown name either, so they count together with retries alone; and retries may succeed.
 */
function isUnreachable(text: string): boolean {
  return text.includes('from versions: ')
    ? /Retrying \([\s\S]*from versions: none/.test(text)
    : /^(?!WARNING: ).*(?:NewConnectionError|ReadTimeoutError|ProxyError)/m.test(text)
}

/** Runs a program and returns its standard output. @throws Error with all of its output. */
export function execute(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: ExecuteOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => (stdout += chunk))
    child.stderr.on('data', (chunk) => (stderr += chunk))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(stdout)
      const command = [program, ...args].join(' ')
      reject(new Error(`${command} ended with ${code ?? signal}\n${stdout}${stderr}`))
    })
  })
}
