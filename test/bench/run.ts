/**
 * Speed and memory of a load: `npm run bench [-- referrals]`, 50,000 unless told. Everything runs
 * on this machine in one go, so trust the ratios; the absolute figures belong to the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { sandboxSettings } from '../../src/demo.ts'
import { createReferralsApi } from '../../src/extract/api.ts'
import { probe } from '../../src/extract/probe.ts'
import { readAll } from '../../src/extract/read-all.ts'
import { createTokenStore } from '../../src/extract/token-store.ts'
import { copyLine } from '../../src/load/copy-text.ts'
import { openDatabase, type Warehouse } from '../../src/load/database.ts'
import { startEmbedded } from '../../src/load/embedded.ts'
import { readLanded } from '../../src/load/landed.ts'
import { readReference } from '../../src/load/reference.ts'
import { formatOf, stageTables } from '../../src/load/stage.ts'
import { createLog } from '../../src/log.ts'
import { toContext } from '../../src/staging.ts'
import { toRows } from '../../src/transform/referral-rows.ts'
import { measureFloor } from './floor.ts'

const referrals = Number(process.argv[2] ?? 50_000)
const cli = new URL('../../dist/cli.js', import.meta.url).pathname
const log = createLog({ isTerminal: false, write: () => undefined }, 'silent').logger

const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
// Root's server runs as another account, which must be able to enter.
await chmod(home, 0o755)
const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
const sandbox = spawn(process.execPath, [cli, 'sandbox', '--json', `--referrals=${referrals}`], {
  stdio: ['ignore', 'pipe', 'ignore'],
  env: { PATH: process.env.PATH },
})

try {
  const { url } = await firstLine<{ url: string }>(sandbox)
  const settings = {
    ...sandboxSettings(url),
    COSELL_HOME: home,
    COSELL_DATABASE_URL: embedded.url,
    COSELL_REQUESTS_PER_MINUTE: '100000',
  }
  say('referrals', referrals)
  const extraction = await timeExtraction(url)
  say('extract', `${perSecond(extraction.pages, extraction.ms)} pages/s`, extraction.ms)
  const first = await load(settings)
  const { extract_ms, transform_ms, publish_ms } = first.summary.stages
  say(
    'land',
    `${perSecond(referrals, extract_ms - extraction.ms)} referrals/s`,
    extract_ms - extraction.ms,
  )
  const warehouse = await openDatabase(embedded.url)
  try {
    const transform = await timeTransform(warehouse)
    say('transform', `${perSecond(referrals, transform.ms)} referrals/s`, transform.ms)
    say('transform + stage', `${perSecond(referrals, transform_ms)} referrals/s`, transform_ms)
    const floor = await measureFloor(warehouse, embedded.url, home)
    say('publish', `${perSecond(floor.rows, publish_ms)} rows/s`, publish_ms)
    say('\\copy of the same rows', `${perSecond(floor.rows, floor.ms)} rows/s`, floor.ms)
    say('load / \\copy', `${((transform_ms + publish_ms) / floor.ms).toFixed(2)} times`)
  } finally {
    await warehouse.close()
  }
  say('peak memory, first run', `${first.peakMib} MiB`)
  const second = await load(settings)
  say('second run', `${second.summary.rows_written} rows written`, second.summary.duration_ms)
  say('peak memory, second run', `${second.peakMib} MiB`)
  const rebuilt = await load(settings, 'rebuild')
  say(
    'rebuild, nothing new',
    `${rebuilt.summary.rows_written} rows written`,
    rebuilt.summary.duration_ms,
  )
  say('peak memory, rebuild', `${rebuilt.peakMib} MiB`)
} finally {
  sandbox.kill()
  await embedded.stop()
  await rm(home, { recursive: true, force: true })
}

interface LoadSummary {
  readonly rows_written: number
  readonly duration_ms: number
  readonly stages: Readonly<Record<'extract_ms' | 'transform_ms' | 'publish_ms', number>>
}

/** Runs the built command as its users do and watches its memory. */
async function load(settings: Record<string, string>, command: 'run' | 'rebuild' = 'run') {
  const child = spawn(process.execPath, [cli, command, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...settings, PATH: process.env.PATH },
  })
  let peakMib = 0
  let isRunning = true
  const watching = (async () => {
    while (isRunning) {
      peakMib = Math.max(peakMib, await peakMemoryMib(child.pid))
      await sleep(100)
    }
  })()
  const summary = await firstLine<LoadSummary>(child)
  isRunning = false
  await watching
  return { summary, peakMib }
}

/** The high-water mark that the kernel keeps; 0 where there is no /proc. */
async function peakMemoryMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024)
}

async function firstLine<T>(child: ChildProcess): Promise<T> {
  if (child.stdout === null) throw new Error('the child has no standard output')
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  throw new Error('the child ended without a line of JSON')
}

async function timeExtraction(url: string) {
  const api = createReferralsApi({
    apiUrl: url,
    authorityUrl: url,
    tenantId: 'sandbox',
    clientId: 'sandbox',
    refreshToken: 'sandbox-refresh-token',
    tokenStore: createTokenStore(join(home, 'bench-token.json')),
    pageSize: 100,
    requestsPerMinute: 100_000,
    concurrency: 4,
    log,
  })
  const started = performance.now()
  let pages = 0
  for await (const page of readAll(api, await probe(api)))
    pages += page.referrals.length > 0 ? 1 : 0
  await api.close()
  return { pages, ms: Math.round(performance.now() - started) }
}

/** From the landed payloads to COPY text, without sending it. */
async function timeTransform({ query }: Warehouse) {
  const reference = await readReference(query)
  const context = toContext(reference)
  const started = performance.now()
  let batch_no = 0
  let characters = 0
  for await (const landed of readLanded(query, 1, 'all')) {
    batch_no += 1
    const { rows } = toRows({ partner_account_key: 1, batch_no, ...landed }, context)
    for (const table of stageTables) {
      const staged: readonly object[] = table in rows ? rows[table as keyof typeof rows] : []
      for (const row of staged) characters += copyLine(row, formatOf(table)).length
    }
  }
  return { characters, ms: Math.round(performance.now() - started) }
}

function perSecond(count: number, ms: number): string {
  return Math.round((1000 * count) / Math.max(1, ms)).toLocaleString('en-US')
}

function say(what: string, figure: string | number, ms?: number) {
  const time = ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`
  const text = typeof figure === 'number' ? figure.toLocaleString('en-US') : figure
  process.stdout.write(`${what.padEnd(24)} ${text.padStart(24)} ${time.padStart(10)}\n`)
}
