import { copyFile, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { withAltered } from '../support/altered-sandbox.ts'
import { canaries, email, plant } from '../support/canary.ts'
import { type CliResult, resultOf, runCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

/** Every row of a warehouse as one text. */
async function textOf(dump: string): Promise<string> {
  return gunzipSync(await readFile(dump))
    .toString('utf8')
    .toLowerCase()
}

const named = (text: string) => canaries.filter((canary) => text.toLowerCase().includes(canary))

test(
  'a dump from before an erasure brings nobody back, neither restored nor by the next run',
  () =>
    withHome((folder) =>
      withSandbox({ referrals: 30, seed: 5 }, (sandbox) =>
        withAltered(sandbox, plant, async (settings) => {
          const outputs: string[] = []
          const cosell = async (home: string, ...args: readonly string[]): Promise<CliResult> => {
            const env = { ...settings, COSELL_HOME: path.join(folder, home) }
            const end = await runCli([...args, '--json'], { cwd: folder, env })
            expect(end.code, `${args.join(' ')}\n${end.stderr}`).toBe(0)
            outputs.push(end.stdout, end.stderr)
            return end
          }
          const dump = (name: string) => path.join(folder, `${name}.dump`)
          await cosell('old', 'run')
          await cosell('old', 'warehouse', '--dump', dump('before'))
          expect(named(await textOf(dump('before')))).toContain('quilla')
          const erased = await cosell('old', 'erase', '--email', email, '--yes')
          expect(resultOf(erased).referrals).toBeGreaterThan(3)
          await cosell('old', 'warehouse', '--dump', dump('erased'))
          expect(named(await textOf(dump('erased')))).toEqual([])
          // A new machine: of the old one there are a dump and the register.
          await mkdir(path.join(folder, 'new'), { mode: 0o755 })
          const register = (home: string) => path.join(folder, home, 'erasures.json')
          await copyFile(register('old'), register('new'))
          await cosell('new', 'warehouse', '--restore', dump('before'))
          await cosell('new', 'warehouse', '--dump', dump('restored'))
          expect(named(await textOf(dump('restored')))).toEqual([])
          const night = await cosell('new', 'run', '--full')
          expect(resultOf(night)).toMatchObject({ seen: 30, changed: 0, rows_written: 0 })
          await cosell('new', 'rebuild')
          await cosell('new', 'warehouse', '--dump', dump('later'))
          expect(named(await textOf(dump('later')))).toEqual([])
          expect(named(await readFile(register('new'), 'utf8'))).toEqual([])
          expect(named(outputs.join('\n'))).toEqual([])
        }),
      ),
    ),
  300_000,
)
