import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const cli = new URL('../dist/cli.js', import.meta.url).pathname
const rounds = 7

/** Processor time of `cosell --help` as a multiple of that of `node -e 0`, least of some rounds each. */
export async function measureStart(): Promise<number> {
  let help = Number.POSITIVE_INFINITY
  let nothing = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    help = Math.min(help, await cpuOf([cli, '--help']))
    nothing = Math.min(nothing, await cpuOf(['-e', '0']))
  }
  return help / nothing
}

/** Seconds of Node.js, user and system, by the shell's `times`. */
async function cpuOf(args: readonly string[]): Promise<number> {
  const script = '"$0" "$@" >/dev/null || exit; times'
  const run = promisify(execFile)
  const { stdout } = await run('bash', ['-c', script, process.execPath, ...args])
  return childSeconds(stdout)
}

/** Seconds that the children of a shell took, from the second line of `times`. */
export function childSeconds(text: string): number {
  const line = text.trim().split('\n').at(-1) ?? ''
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds))
    .reduce((sum, seconds) => sum + seconds, 0)
}
