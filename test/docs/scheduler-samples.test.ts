import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { withDatabase } from '../support/database.ts'
import { root } from '../support/markdown.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

const samples = path.join(root, 'examples')
const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined

interface Said {
  readonly code: number | null
  /** Standard output and standard error, which cron mails. */
  readonly text: string
}

/** Runs a command as cron does: by sh, with few variables. */
function byShell(command: string, env: Readonly<Record<string, string>>): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text }))
  })
}

describe.skipIf(!isThere('flock'))('examples/cron/crontab', () => {
  test(
    'its lines load a night, write the report and say nothing; what goes wrong is said',
    () =>
      withHome((home) =>
        withSandbox({ referrals: 30, rotateRefreshToken: true }, (sandbox) =>
          withDatabase(async (_, url) => {
            const lines = (await readFile(path.join(samples, 'cron/crontab'), 'utf8')).split('\n')
            const jobs = lines.flatMap((line) => /^(?:[\d*]+ +){5}(.+)$/.exec(line)?.[1] ?? [])
            expect(jobs).toHaveLength(5)
            for (const job of jobs) expect(job, 'a line break to cron').not.toContain('%')
            const [rates = '', night = '', again = '', report = '', disk = ''] = jobs.map((job) =>
              job.replaceAll('/srv', home),
            )
            const folder = path.join(home, 'cosell')
            const programs = path.join(home, 'bin')
            for (const one of [folder, programs]) await mkdir(one)
            const program = `#!/bin/sh\nexec "${process.execPath}" "${inject('programDoor')}" "$@"\n`
            await writeFile(path.join(programs, 'cosell'), program, { mode: 0o755 })
            const settings = { ...sandboxSettings(sandbox.url), COSELL_DATABASE_URL: url }
            const dotEnv = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
            await writeFile(path.join(folder, '.env'), dotEnv.join(''), { mode: 0o600 })
            await mkdir(path.join(folder, 'rates'))
            const history = path.join(root, 'test/fixtures/rates/ecb_history_invented.csv')
            await cp(history, path.join(folder, 'rates/eurofxref-hist.csv'))
            const env = { HOME: home, PATH: `${programs}:/usr/local/bin:/usr/bin:/bin` }
            const nothing = { code: 0, text: '' }
            const result = async () => {
              const all = (await readFile(path.join(folder, 'run.json'), 'utf8')).trimEnd()
              return JSON.parse(all.split('\n').at(-1) ?? '')
            }
            expect(await byShell(rates, env)).toEqual(nothing)
            expect(await byShell(night, env)).toEqual(nothing)
            expect(await result()).toMatchObject({ status: 'published', changed: 30 })
            expect(await byShell(again, env)).toEqual(nothing)
            expect(await result()).toMatchObject({ status: 'published', rows_written: 0 })
            expect(await byShell(report, env)).toEqual(nothing)
            const html = await readFile(path.join(folder, 'reports/co-sell.html'), 'utf8')
            expect(html).toContain('<html')
            const full = disk.replace('-lt 90', '-lt 0')
            expect(await byShell(full, env)).toEqual({
              code: 0,
              text: `${home} is nine tenths full\n`,
            })
            expect(await byShell(disk.replace('-lt 90', '-lt 101'), env)).toEqual(nothing)
            const lock = path.join(folder, 'run.lock')
            const beside = await byShell(`flock "${lock}" sh -c '${night}'`, env)
            expect(beside.text).toBe('cosell run ended with 1\n')
            await writeFile(path.join(folder, '.env'), 'COSELL_PAGE_SIZE=many\n', { mode: 0o600 })
            expect((await byShell(night, env)).text).toBe('cosell run ended with 78\n')
          }),
        ),
      ),
    120_000,
  )
})

describe.skipIf(!isThere('systemd-analyze'))('examples/systemd', () => {
  const units = ['cosell.service', 'cosell.timer'].map((name) =>
    path.join(samples, 'systemd', name),
  )
  const verify = (...files: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...files], {
      encoding: 'utf8',
    })
    return { status, text: stdout + stderr }
  }

  test('systemd-analyze finds nothing to say about the service and the timer', () => {
    expect(verify(...units)).toEqual({ status: 0, text: '' })
  })

  test('systemd-analyze names a setting that systemd does not know', () =>
    withHome(async (home) => {
      const service = await readFile(units[0] ?? '', 'utf8')
      const file = path.join(home, 'cosell.service')
      await writeFile(file, service.replace('RestartSec=', 'RestartSecs='))
      expect(verify(file).text).toContain('RestartSecs')
    }))
})
