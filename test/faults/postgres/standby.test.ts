import { spawnSync } from 'node:child_process'
import { appendFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase, type Warehouse } from '../../../src/warehouse/connection/database.ts'
import { type EmbeddedServer, startEmbedded } from '../../../src/warehouse/embedded/embedded.ts'
import { type CliResult, resultOf, runCli } from '../../support/run-cli.ts'
import { withHome, withSandbox } from '../../support/with-pipeline.ts'

const timeoutMs = 240_000

const optionsIn = (home: string) => {
  const { COSELL_PG_BINDIR: binDir, COSELL_PG_OS_USER: osUser, PATH = '' } = process.env
  return { home, path: PATH, binDir, osUser, settings: { shared_buffers: '32MB' } }
}

interface Servers {
  /** Connection strings. */
  readonly primary: string
  readonly standby: string
  /** Ends the primary, and makes the standby one. */
  failOver(): Promise<void>
}

/** A primary with the schema, and a standby that follows it by streaming. */
function withStandby(use: (servers: Servers) => Promise<void>) {
  return withHome((first) =>
    withHome(async (second) => {
      const running: EmbeddedServer[] = []
      const start = async (home: string) => {
        const server = await startEmbedded(optionsIn(home))
        running.push(server)
        return server
      }
      try {
        const once = await start(first)
        const end = await runCli(['migrate'], {
          cwd: first,
          env: { COSELL_DATABASE_URL: once.url },
        })
        expect(end.code, end.stderr).toBe(0)
        await once.stop()
        copyStopped(once.home, path.join(second, path.basename(once.home)))
        const primary = await start(first)
        const data = path.join(second, path.basename(once.home), 'pgdata')
        appendFileSync(
          path.join(data, 'postgresql.auto.conf'),
          `primary_conninfo = '${primary.url}'\n`,
        )
        spawnSync('cp', ['-p', path.join(data, 'PG_VERSION'), path.join(data, 'standby.signal')])
        const standby = await start(second)
        const failOver = async () => {
          await primary.stop()
          const { query, close } = await openDatabase(standby.url)
          await sql`select pg_promote()`.execute(query)
          await close()
        }
        await use({ primary: primary.url, standby: standby.url, failOver })
      } finally {
        for (const server of running.reverse()) await server.stop()
      }
    }),
  )
}

/** Copies a stopped server with owners and modes, but not who uses it and where it listened. */
function copyStopped(from: string, to: string) {
  const { status, stderr } = spawnSync('cp', ['-a', from, to])
  expect(status, String(stderr)).toBe(0)
  for (const name of readdirSync(to).filter((one) => !/^(pgdata|password)$/.test(one))) {
    rmSync(path.join(to, name), { recursive: true })
  }
}

/** What one statement sees of the star. */
async function look({ query }: Warehouse): Promise<string> {
  const { rows } = await sql<{ seen: string }>`
    select concat_ws(' ',
      (select count(*) from mart.referral),
      (select count(*) from dw.fact_referral_history),
      (select md5(string_agg(f::text, '' order by referral_key)) from dw.fact_referral f)) as seen`.execute(
    query,
  )
  return rows[0]?.seen ?? ''
}

async function onBoth<T>(
  { primary, standby }: { primary: string; standby: string },
  use: (first: Warehouse, second: Warehouse) => Promise<T>,
): Promise<T> {
  const [first, second] = await Promise.all([openDatabase(primary), openDatabase(standby)])
  try {
    return await use(first, second)
  } finally {
    await Promise.all([first.close(), second.close()])
  }
}

test(
  'a standby shows whole publishes alone, answers what only reads, refuses a load with 78, and takes over',
  () =>
    withSandbox({ referrals: 300, seed: 5 }, (sandbox) =>
      withHome((home) =>
        withStandby(async ({ failOver, ...urls }) => {
          const cosell = (url: string, ...args: string[]): Promise<CliResult> =>
            runCli(args, {
              cwd: home,
              env: { ...demoSettings(sandbox.url), COSELL_DATABASE_URL: url },
            })
          const done = async (end: Promise<CliResult>) => {
            const { code, stderr } = await end
            expect(code, stderr).toBe(0)
          }
          await onBoth(urls, async (first, second) => {
            const isEqual = async () => (await look(first)) === (await look(second))
            const states = [await look(first)]
            const seen = new Set<string>()
            let isOver = false
            const reading = (async () => {
              while (!isOver) seen.add(await look(second))
            })()
            for (const change of [0, 40, 40]) {
              sandbox.change(change)
              await done(cosell(urls.primary, 'run'))
              states.push(await look(first))
            }
            for (let tries = 0; tries < 200 && !(await isEqual()); tries += 1) await sleep(50)
            expect(await look(second)).toBe(states.at(-1))
            isOver = true
            await reading
            expect(new Set(states).size).toBe(4)
            expect([...seen].filter((state) => !states.includes(state))).toEqual([])
            expect(seen.size).toBeGreaterThan(1)
          })

          await done(cosell(urls.standby, 'check', '--max-age', '26h'))
          const late = await cosell(urls.standby, 'check', '--max-age', '0h')
          expect(late.code, late.stderr).toBe(1)
          await done(cosell(urls.standby, 'status'))
          await done(cosell(urls.standby, 'findings'))
          await done(cosell(urls.standby, 'report', '--out', path.join(home, 'report.html')))
          const doctor = resultOf(await cosell(urls.standby, 'doctor', '--json'))
          const checks = doctor.checks as { check: string; status: string }[]
          expect(checks.filter(({ status }) => status === 'fail')).toMatchObject([
            { check: 'read and write', detail: expect.stringMatching(/standby/) },
          ])
          for (const command of ['run', 'rebuild', 'migrate']) {
            const refused = await cosell(urls.standby, command, '--json')
            expect([refused.code, resultOf(refused)], refused.stderr).toMatchObject([
              78,
              { code: 'database.read_only', message: expect.stringMatching(/Name the primary/) },
            ])
          }

          await failOver()
          sandbox.change(40)
          const next = await cosell(urls.standby, 'run', '--json')
          expect([next.code, resultOf(next)], next.stderr).toMatchObject([0, { changed: 40 }])
          const again = await cosell(urls.standby, 'run', '--json')
          expect(resultOf(again), again.stderr).toMatchObject({ changed: 0, rows_written: 0 })
        }),
      ),
    ),
  timeoutMs,
)
