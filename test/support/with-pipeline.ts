import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { loadConfig } from '../../src/config.ts'
import { CosellError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { type RetryRequest, rebuild, retryQuarantined } from '../../src/pipeline/rebuild.ts'
import { run } from '../../src/pipeline/run.ts'
import type { RunContext } from '../../src/pipeline/run-context.ts'
import type { RunSummary } from '../../src/pipeline/run-summary.ts'
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from '../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from './database.ts'

/** A simulated API, a migrated warehouse, and the pipeline between them, in this process. */
export interface TestPipeline {
  readonly sandbox: Sandbox
  readonly db: Kysely<Database>
  readonly url: string
  readonly warehouse: Warehouse
  /** Everything that was logged, line by line. */
  readonly logged: readonly string[]
  /** A folder of its own, gone afterwards. */
  readonly home: string
  run(full?: boolean, settings?: Settings): Promise<RunSummary>
  /** Lets a day pass, by the clocks of the source, of this machine and of the ledger. */
  passNight(): Promise<void>
  /** Time of these clocks, in milliseconds since 1970. */
  clock(): number
  rebuild(): Promise<RunSummary>
  retry(request?: Partial<RetryRequest>): Promise<RunSummary>
}

const dayMs = 86_400_000

export type Settings = Readonly<Record<string, string>>

export async function withSandbox<T>(
  options: Partial<SandboxOptions>,
  use: (sandbox: Sandbox) => Promise<T>,
): Promise<T> {
  const sandbox = await startSandbox(options)
  try {
    return await use(sandbox)
  } finally {
    await sandbox.close()
  }
}

export async function withHome<T>(use: (home: string) => Promise<T>): Promise<T> {
  const home = await mkdtemp(path.join(tmpdir(), 'cosell-home-'))
  // As root, the embedded server runs under another account, which needs access.
  await chmod(home, 0o755)
  try {
    return await use(home)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/**
 * Runs `use` with a sandbox, a warehouse and a home of its own. Their clocks are those of the machine,
 * `daysAgo` days back.
 */
export function withPipeline(
  options: Partial<SandboxOptions>,
  use: (nights: TestPipeline) => Promise<void>,
  settings: Settings = {},
  daysAgo = 0,
): Promise<void> {
  let aheadMs = -daysAgo * dayMs
  const clock = () => Date.now() + aheadMs
  return withSandbox({ clock, ...options }, (sandbox) =>
    withHome((home) =>
      withDatabase((db, url, warehouse) => {
        const logged: string[] = []
        const context = (more: Settings = {}) =>
          contextOf(warehouse, home, logged, {
            ...demoSettings(sandbox.url),
            ...settings,
            ...more,
          })
        return use({
          sandbox,
          db,
          url,
          warehouse,
          logged,
          home,
          run: (full = false, more) => run(context(more), full, clock),
          clock,
          passNight: async () => {
            // The ledger has the time of the database server, which does not follow our clock.
            await sql`
              update etl.run set started_at = filter_to
              where run_mode in ('incremental', 'full')`.execute(db)
            aheadMs += dayMs
          },
          rebuild: () => rebuild(context()),
          retry: (request = {}) => retryQuarantined(context(), { referralIds: [], ...request }),
        })
      }),
    ),
  )
}

/**
 * Plays a first load, a night, two nights and full reads with vanished referrals, a retry and a rebuild.
 */
export async function playNights(nights: TestPipeline): Promise<void> {
  const { sandbox, run, passNight, retry, rebuild } = nights
  await run()
  sandbox.change(30)
  await run()
  sandbox.vanish(3)
  await run(true)
  await passNight()
  await run()
  await run(true)
  await retry()
  await rebuild()
}

/** The context of a run, with settings from `settings` alone. */
export function contextOf(
  warehouse: Warehouse,
  home: string,
  logged: string[],
  settings: Settings,
): RunContext {
  return {
    config: loadConfig({ ...settings, COSELL_HOME: home }, {}, home),
    warehouse,
    log: createLog({ isTerminal: false, write: (line) => logged.push(line) }),
    signal: new AbortController().signal,
  }
}

/** The error that `work` ends with. */
export async function failureOf(work: Promise<unknown>): Promise<CosellError> {
  try {
    await work
  } catch (error) {
    if (error instanceof CosellError) return error
    throw error
  }
  throw new Error('it went well')
}

/** Ids of the referrals whose content differs; the entity tag alone is no difference. */
export function differing(before: readonly Referral[], after: readonly Referral[]): string[] {
  const contentOf = ({ eTag: _, ...content }: Referral) => JSON.stringify(content)
  const known = new Map(before.map((referral) => [referral.id, contentOf(referral)]))
  return after
    .filter((referral) => known.get(referral.id) !== contentOf(referral))
    .map((referral) => referral.id ?? '')
    .sort()
}
