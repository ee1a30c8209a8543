import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { sandboxSettings } from '../src/sandbox/settings.ts'
import { openDatabase, type Warehouse } from '../src/warehouse/connection/database.ts'
import { startEmbedded } from '../src/warehouse/embedded/embedded.ts'
import { loaded, measureFloor } from './floor.ts'
import { secondsOfTrees, serverProcess } from './process-cpu.ts'
import { type ReportFigures, timeReport } from './report.ts'
import { cli, firstLine, startSandbox } from './sandbox.ts'

/** Times in milliseconds, memory in MiB. */
export interface LoadFigures {
  readonly referrals: number
  /** From the first request to the commit and ANALYZE. */
  readonly first: {
    readonly ms: number
    readonly requests: number
    readonly peakMib: number
    /** Part of the CPU time of program and server, from 0 to 1, that came after the last page. */
    readonly cpuAfterLastPage: number
  }
  readonly rebuilt: Timed
  readonly floor: { readonly ms: number; readonly cpuSeconds: number; readonly rows: number }
  /** A night without news. */
  readonly quiet: { readonly ms: number; readonly requests: number }
  readonly report: ReportFigures
  readonly overlap: {
    readonly read: number
    readonly ms: number
    readonly rowsWritten: number
    readonly touched: number
    readonly dead: number
    readonly peakMib: number
  }
  readonly change: { readonly changed: number; readonly publishMs: number }
  /** Absent for large loads, whose replay would take hours. */
  readonly replay:
    | { readonly ms: number; readonly rowsWritten: number; readonly peakMib: number }
    | undefined
  /** Likewise. */
  readonly diff: Kept | undefined
}

/** What a command takes that changes no star. */
export interface Kept {
  /** Whole command, start to exit. */
  readonly ms: number
  /** CPU time of program and server. */
  readonly cpuSeconds: number
  readonly peakMib: number
  /** Largest growth of the database meanwhile, with its temporary tables, and what is left of it. */
  readonly spaceMib: number
  readonly leftMib: number
  /** Its standard output. */
  readonly said: string
}

interface Timed {
  /** Time from reading the first landed payload to the commit and ANALYZE. */
  readonly ms: number
  readonly transformMs: number
  /** CPU time of program and server, its start included. */
  readonly cpuSeconds: number
  readonly peakMib: number
}

interface LoadSummary {
  readonly requests: number
  readonly seen: number
  readonly changed: number
  readonly rows_written: number
  readonly duration_ms: number
  /** Absent when the command failed. */
  readonly stages: Readonly<Record<'extract_ms' | 'transform_ms' | 'publish_ms', number>>
}

const overlapReferrals = 50_000
/** Largest value of the setting. */
const overlapHoursMax = 8_760
const changedReferrals = 1_000
const replayedMax = 200_000

/** Loads simulated referrals with the built program over real HTTP, as users do. */
export async function measureLoad(referrals: number): Promise<LoadFigures> {
  const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
  // When root starts it, the server runs under another account, which needs access.
  await chmod(home, 0o755)
  const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
  const sandbox = await startSandbox(referrals)
  const warehouse = await openDatabase(embedded.url)
  try {
    const { url } = sandbox
    const settings = {
      ...sandboxSettings(url),
      COSELL_HOME: home,
      COSELL_DATABASE_URL: embedded.url,
      COSELL_REQUESTS_PER_MINUTE: '100000',
    }
    const first = await load(settings)
    await emptyStar(warehouse)
    const rebuilt = await load(settings, 'rebuild')
    const floor = await measureFloor(warehouse, embedded.url, home)
    const { summary: quiet } = await load(settings)
    const report = await timeReport(settings, home, await serverProcess(warehouse.query))
    const overlap = await rereadUnchanged(warehouse, settings)
    await fetch(`${url}/sandbox/change?count=${changedReferrals}`, { method: 'POST' })
    const change = await load(settings)
    const replay = referrals > replayedMax ? undefined : await load(settings, 'rebuild')
    const diff =
      referrals > replayedMax
        ? undefined
        : await watchKeeping(warehouse, settings, ['rebuild', '--diff'])
    return {
      referrals,
      first: {
        ms: first.summary.duration_ms,
        requests: first.summary.requests,
        peakMib: first.peakMib,
        cpuAfterLastPage: first.cpuAfterExtract,
      },
      rebuilt: timed(rebuilt),
      floor,
      quiet: { ms: quiet.duration_ms, requests: quiet.requests },
      report,
      overlap,
      change: { changed: change.summary.changed, publishMs: change.summary.stages.publish_ms },
      replay: replay && {
        ms: timed(replay).ms,
        rowsWritten: replay.summary.rows_written,
        peakMib: replay.peakMib,
      },
      diff,
    }
  } finally {
    await warehouse.close()
    sandbox.stop()
    await embedded.stop()
    await rm(home, { recursive: true, force: true })
  }
}

type Load = Awaited<ReturnType<typeof load>>

function timed({ summary, peakMib, cpuSeconds }: Load): Timed {
  const { transform_ms: transformMs, publish_ms } = summary.stages
  return { ms: transformMs + publish_ms, transformMs, cpuSeconds, peakMib }
}

/** Measures a run whose overlap reads 50,000 unchanged referrals again, or one year's if fewer. */
async function rereadUnchanged(warehouse: Warehouse, settings: Record<string, string>) {
  const reach = await sql<{ hours: number }>`
    select least(
        ceil(extract(epoch from clock_timestamp() - min(source_updated_at)) / 3600)::integer,
        ${overlapHoursMax}::integer) as hours
    from (
      select source_updated_at from raw.payload
      order by source_updated_at desc limit ${overlapReferrals}
    ) latest`.execute(warehouse.query)
  const overlapHours = String(reach.rows[0]?.hours ?? 0)
  const before = await countTouched(warehouse)
  const again = await load({ ...settings, COSELL_OVERLAP_HOURS: overlapHours })
  const after = await countTouched(warehouse)
  return {
    read: again.summary.seen,
    ms: again.summary.duration_ms,
    rowsWritten: again.summary.rows_written,
    touched: after.touched - before.touched,
    dead: after.dead - before.dead,
    peakMib: again.peakMib,
  }
}

/** Counts of touched and dead rows from PostgreSQL's statistics, without the row of the run itself. */
async function countTouched({ query }: Warehouse) {
  // A backend reports its statistics when it exits, if not before.
  await sleep(1_500)
  const counted = await sql<{ touched: number; dead: number }>`
    select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint as touched,
      sum(n_dead_tup)::bigint as dead
    from pg_stat_user_tables
    where schemaname in ('raw', 'dw', 'pii') and relname <> 'fact_run'`.execute(query)
  return counted.rows[0] ?? { touched: 0, dead: 0 }
}

/** Empties the star and its findings; the landing zone stays. */
async function emptyStar({ query }: Warehouse) {
  const tables = loaded.map((table) => sql.table(table))
  await sql`truncate ${sql.join(tables)}, dw.fact_finding cascade`.execute(query)
  await sql`vacuum analyze`.execute(query)
  await sql`checkpoint`.execute(query)
}

/** Runs a command that changes no star, and watches its memory, its CPU and the size of the database. */
export async function watchKeeping(
  { query }: Warehouse,
  settings: Record<string, string>,
  args: readonly string[],
): Promise<Kept> {
  const sizeMib = async () => {
    const { rows } = await sql<{ bytes: number }>`
      select pg_database_size(current_database()) as bytes`.execute(query)
    return (rows[0]?.bytes ?? 0) / 2 ** 20
  }
  const server = await serverProcess(query)
  const before = await sizeMib()
  const cpuBefore = await secondsOfTrees([server])
  const startedAt = performance.now()
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...settings, PATH: process.env.PATH },
  })
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  const ended = once(child, 'close')
  let [peakMib, largest, cpu] = [0, before, 0]
  while (child.exitCode === null && child.signalCode === null) {
    peakMib = Math.max(peakMib, await peakMemoryMib(child.pid))
    largest = Math.max(largest, await sizeMib())
    cpu = Math.max(cpu, (await secondsOfTrees([server, child.pid ?? 0])) - cpuBefore)
    await Promise.race([ended, sleep(250)])
  }
  const ms = performance.now() - startedAt
  await ended
  if (child.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
  return {
    ms,
    cpuSeconds: cpu,
    peakMib,
    spaceMib: largest - before,
    leftMib: (await sizeMib()) - before,
    said,
  }
}

/** Runs a load and finds how much of its CPU time came after the last page. */
async function load(settings: Record<string, string>, command: 'run' | 'rebuild' = 'run') {
  const { summary, peakMib, samples, endedAt } = await runWatched(settings, [command])
  const { transform_ms, publish_ms } = summary.stages
  const extractedAt = endedAt - transform_ms - publish_ms
  const all = samples.at(-1)?.cpu ?? 0
  const upTo = samples.findLast(({ at }) => at <= extractedAt)?.cpu ?? 0
  return { summary, peakMib, cpuSeconds: all, cpuAfterExtract: all === 0 ? 0 : (all - upTo) / all }
}

/** Runs the built command and watches its memory, and the CPU time of it and of the server. */
export async function runWatched(settings: Record<string, string>, args: readonly string[]) {
  const server = await serverAt(settings.COSELL_DATABASE_URL ?? '')
  const before = await secondsOfTrees([server])
  const startedAt = performance.now()
  const child = spawn(process.execPath, [cli, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...settings, PATH: process.env.PATH },
  })
  let [peakMib, cpu] = [0, 0]
  let isRunning = true
  const samples: { readonly at: number; readonly cpu: number }[] = []
  const watching = (async () => {
    while (isRunning) {
      peakMib = Math.max(peakMib, await peakMemoryMib(child.pid))
      // A program that has ended is seen without its time, so that the sum falls.
      cpu = Math.max(cpu, (await secondsOfTrees([server, child.pid ?? 0])) - before)
      samples.push({ at: performance.now(), cpu })
      await sleep(100)
    }
  })()
  const summary = await firstLine<LoadSummary>(child)
  const endedAt = performance.now()
  isRunning = false
  await watching
  if (summary.stages === undefined) {
    throw new Error(`${args.join(' ')} failed: ${JSON.stringify(summary)}`)
  }
  return { summary, peakMib, samples, startedAt, endedAt }
}

async function serverAt(url: string): Promise<number> {
  const { query, close } = await openDatabase(url)
  return serverProcess(query).finally(close)
}

/** Peak resident memory as the kernel reports it; 0 on systems without /proc. */
async function peakMemoryMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024)
}
