import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { run } from '../../../src/pipeline/run.ts'
import type { Sandbox } from '../../../src/sandbox/api/sandbox-server.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import {
  type EmbeddedOptions,
  type EmbeddedServer,
  startEmbedded,
} from '../../../src/warehouse/embedded/embedded.ts'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import { countRows, type Digest, digestState } from '../../support/digest.ts'
import { silent } from '../../support/load-referrals.ts'
import { withWire } from '../../support/wire.ts'
import {
  contextOf,
  failureOf,
  type Settings,
  withHome,
  withPipeline,
  withSandbox,
} from '../../support/with-pipeline.ts'

const population = { referrals: 60, seed: 5, pageCap: 20 }
const timeoutMs = 180_000
// The time of reading may differ, and people are hashed with the secret of the warehouse.
const ignored = [
  'pii.contact',
  'dw.dim_seller',
  'dw.bridge_referral_seller',
  'observed_at',
  'dw.fact_referral_history.row_hash',
  'dw.dim_partner_account',
]

interface Own {
  readonly home: string
  readonly options: EmbeddedOptions
  readonly sandbox: Sandbox
  server: EmbeddedServer
}

/** A migrated server of its own, and an API to read from. */
function withServer(use: (own: Own) => Promise<void>): Promise<void> {
  return withSandbox(population, (sandbox) =>
    withHome(async (home) => {
      const { COSELL_PG_BINDIR: binDir, COSELL_PG_OS_USER: osUser, PATH = '' } = process.env
      const options = { home, path: PATH, binDir, osUser, settings: { shared_buffers: '32MB' } }
      const own = { home, options, sandbox, server: await startEmbedded(options) }
      try {
        const warehouse = await openDatabase(own.server.url)
        await migrate(warehouse.query)
        await warehouse.close()
        await use(own)
      } finally {
        await own.server.stop()
      }
    }),
  )
}

async function runOver(url: string, { home, sandbox }: Own, more: Settings = {}) {
  const warehouse = await openDatabase(url, silent)
  try {
    const settings = { ...demoSettings(sandbox.url), ...more }
    return await run(contextOf(warehouse, home, [], settings), true)
  } finally {
    await warehouse.close()
  }
}

async function read<T>(
  { server }: Own,
  use: (db: Parameters<typeof digestState>[0]) => Promise<T>,
) {
  const warehouse = await openDatabase(server.url)
  try {
    return await use(warehouse.query)
  } finally {
    await warehouse.close()
  }
}

const dataOf = ({ server }: Own) => path.join(server.home, 'pgdata')

/** Kills the server as a power cut would, and starts it again over the same data. */
async function crash(own: Own) {
  const pid = Number(readFileSync(path.join(dataOf(own), 'postmaster.pid'), 'utf8').split('\n')[0])
  process.kill(pid, 'SIGKILL')
  own.server = await startEmbedded(own.options)
}

test(
  'a run goes on after a crash of the server that is back within seconds',
  async () => {
    let quiet: Digest = {}
    await withPipeline(population, async (nights) => {
      await nights.run(true)
      quiet = await digestState(nights.db, ignored)
    })
    for (const words of [
      ['insert into stg.listed_referral', 'commit', 'with fetched as'],
      // The staged rows are gone.
      'fresh as materialized',
      ['insert into etl.run_table', 'commit'],
    ]) {
      await withServer((own) =>
        withWire(own.server.url, async (wire) => {
          wire.pauseAt(words, () => crash(own))
          const summary = await runOver(wire.url, own)
          expect(wire.isDone(), `${words}`).toBe(true)
          expect(summary, `${words}`).toMatchObject({ changed: 60, missing: 0 })
          expect(await read(own, (db) => digestState(db, ignored)), `${words}`).toEqual(quiet)
        }),
      )
    }
  },
  timeoutMs,
)

describe('a run over a read-only server or a full disk', () => {
  test(
    'a run over a standby ends with 75, and the next one goes on',
    () =>
      withServer(async (own) => {
        await own.server.stop()
        const signal = path.join(dataOf(own), 'standby.signal')
        const { uid, gid } = statSync(dataOf(own))
        writeFileSync(signal, '')
        spawnSync('chown', [`${uid}:${gid}`, signal])
        own.server = await startEmbedded(own.options)
        const failure = await failureOf(runOver(own.server.url, own))
        expect(failure).toMatchObject({ exitCode: 75, message: expect.stringMatching(/25006/) })
        await own.server.stop()
        rmSync(signal)
        own.server = await startEmbedded(own.options)
        expect(await runOver(own.server.url, own)).toMatchObject({ changed: 60 })
      }),
    timeoutMs,
  )

  test.runIf(mayMount())(
    'when the disk is full: nothing is half there, and the space comes back',
    () =>
      withServer(async (own) => {
        const disk = path.join(own.home, 'small disk')
        mkdirSync(disk)
        const { uid, gid } = statSync(dataOf(own))
        spawnSync('mount', ['-t', 'tmpfs', '-o', `size=1m,uid=${uid},gid=${gid}`, 'tmpfs', disk])
        try {
          chmodSync(disk, 0o700)
          const settle = (statement: string) =>
            read(own, (db) =>
              sql
                .raw(statement)
                .execute(db)
                .then(() => undefined),
            )
          await settle(`create tablespace small location '${disk}'`)
          await settle('alter table dw.fact_acv_schedule set tablespace small')
          await settle('create table public.filler tablespace small as select 1 as n')
          const filling = await failureOfSql(
            settle(`insert into public.filler select n from generate_series(1, 10000000) as n`),
          )
          expect(filling).toBe('53100')
          const failure = await failureOf(runOver(own.server.url, own))
          expect(failure).toMatchObject({ exitCode: 75, message: expect.stringMatching(/53100/) })
          const rows = await read(own, (db) =>
            countRows(db, /^(dw\.(dim_referral|fact_(?!run$))|stg\.)/),
          )
          expect(
            Object.values(rows).every((count) => count === 0),
            JSON.stringify(rows),
          ).toBe(true)
          await settle('drop table public.filler')
          await settle('alter table dw.fact_acv_schedule set tablespace pg_default')
          expect(await runOver(own.server.url, own)).toMatchObject({ changed: 60 })
          await settle('drop tablespace small')
        } finally {
          spawnSync('umount', ['-l', disk])
        }
      }),
    timeoutMs,
  )
})

async function failureOfSql(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'it went well',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}

/** Mounting needs root on Linux, and not every container allows it. */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const mounted = spawnSync('sh', [
    '-c',
    'd=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s',
  ])
  return mounted.status === 0
}
