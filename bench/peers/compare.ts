import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { startEmbedded } from '../../src/warehouse/embedded/embedded.ts'
import { childSeconds } from '../start.ts'

const run = promisify(execFile)
const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const dltScript = fileURLToPath(new URL('load_with_dlt.py', import.meta.url))
const packages = ['dlt[postgres]==1.31.0', 'adbc-driver-postgresql==1.8.0', 'pyarrow==21.0.0']
const rounds = 3

/** Loads of one round, each after what changed before it, and the most that they may take of dlt's. */
const loads = [
  { name: 'first load', changes: 0, goal: { clock: 0.5, cpu: 1 } },
  { name: 'unchanged night', changes: 0, goal: { clock: 0.75, cpu: 0.75 } },
  { name: 'night with 100 changes', changes: 100, goal: { clock: 0.75, cpu: 0.75 } },
  { name: 'night with 1,000 changes', changes: 1_000, goal: { clock: 0.75, cpu: 0.75 } },
] as const
type LoadName = (typeof loads)[number]['name']

/** A command with its environment, which loads into an empty database at first. */
interface Program {
  readonly name: string
  /** Table that has one row a referral afterwards. */
  readonly table: string
  command(place: Place): { file: string; args: readonly string[]; env: Record<string, string> }
}

interface Place {
  readonly api: string
  readonly database: string
  readonly folder: string
}

/** Seconds: start to exit, and of all processors, the server's included. */
interface Figures {
  readonly clock: number
  readonly cpu: number
}

const cosell: Program = {
  name: 'cosell',
  table: 'dw.fact_referral',
  command: ({ api, database, folder }) => ({
    file: process.execPath,
    args: [cli, 'run', '--json'],
    env: {
      ...sandboxSettings(api),
      COSELL_HOME: folder,
      COSELL_DATABASE_URL: database,
      COSELL_REQUESTS_PER_MINUTE: '100000',
    },
  }),
}

const dlt = (python: string, way: string): Program => ({
  name: `dlt ${way}`,
  table: `dlt_${way}.referrals`,
  command: ({ api, database, folder }) => ({
    file: python,
    args: [dltScript, way, api, database, folder],
    env: { RUNTIME__DLTHUB_TELEMETRY: 'false', RUNTIME__LOG_LEVEL: 'ERROR', HOME: folder },
  }),
})

/**
 * Measures whole commands beside dlt, over one simulated API and one server. dlt is installed from PyPI
 * into a folder of its own; it is left out where Python or PyPI is missing. The programs take turns,
 * best of three rounds. CPU seconds say more than the clock on a busy machine, and the ratios more than
 * either.
 */
export async function comparePeers(sizes: readonly number[]): Promise<void> {
  if (sizes.length === 0) return
  const python = await installDlt()
  const programs = [
    cosell,
    ...(python === null ? [] : ['rest', 'adbc', 'pages'].map((way) => dlt(python, way))),
  ]
  for (const referrals of sizes) await compare(programs, referrals)
}

/** Returns the Python that has dlt; null where it cannot be had, which is said. */
async function installDlt(): Promise<string | null> {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/bench-python', import.meta.url))
  const python = join(folder, 'bin', 'python')
  try {
    await run('python3', ['-m', 'venv', folder])
    await run(python, ['-m', 'pip', 'install', '--quiet', ...packages])
    return python
  } catch (error) {
    const [reason] = String(error).split('\n')
    process.stdout.write(`dlt is left out: ${reason}\n`)
    return null
  }
}

async function compare(programs: readonly Program[], referrals: number) {
  const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
  // When root starts it, the server runs under another account, which needs access.
  await chmod(home, 0o755)
  const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
  try {
    const best = new Map<string, Figures>()
    for (let round = 1; round <= rounds; round++) {
      for (const program of programs) {
        await measureRound({ program, referrals, home, url: embedded.url }, (name, figures) => {
          const key = `${program.name}/${name}`
          const known = best.get(key) ?? {
            clock: Number.POSITIVE_INFINITY,
            cpu: Number.POSITIVE_INFINITY,
          }
          best.set(key, {
            clock: Math.min(known.clock, figures.clock),
            cpu: Math.min(known.cpu, figures.cpu),
          })
        })
      }
    }
    tell(programs, referrals, best)
  } finally {
    await embedded.stop()
    await rm(home, { recursive: true, force: true })
  }
}

interface Round {
  readonly program: Program
  readonly referrals: number
  readonly home: string
  readonly url: string
}

/** Takes a new source and a new database through all loads. */
async function measureRound(
  { program, referrals, home, url }: Round,
  tellLoad: (name: LoadName, figures: Figures) => void,
) {
  const folder = await mkdtemp(join(home, 'peer-'))
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const server = await admin.query<{ pid: number }>(
    "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer as pid",
  )
  const name = `peer_${Date.now()}`
  await admin.query(`create database ${name}`)
  const database = new URL(url)
  database.pathname = `/${name}`
  const sandbox = spawn(
    process.execPath,
    ['--max-old-space-size=16000', cli, 'sandbox', '--json', `--referrals=${referrals}`],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env.PATH } },
  )
  try {
    const { url: api } = await firstLine<{ url: string }>(sandbox)
    const { file, args, env } = program.command({ api, database: database.href, folder })
    for (const { name, changes } of loads) {
      if (changes > 0) await fetch(`${api}/sandbox/change?count=${changes}`, { method: 'POST' })
      const pid = server.rows[0]?.pid ?? 0
      const figures = await measure(file, args, { ...env, PATH: process.env.PATH ?? '' }, pid)
      await expectWhole(database.href, program.table, referrals)
      tellLoad(name, figures)
    }
  } finally {
    sandbox.kill()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws Error when the table does not hold every referral once: a fast load of half is none. */
async function expectWhole(database: string, table: string, referrals: number) {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query<{ rows: string }>(`select count(*) as rows from ${table}`)
  await client.end()
  const loaded = Number(rows[0]?.rows)
  if (loaded !== referrals) throw new Error(`${table}: expected ${referrals} rows, got ${loaded}`)
}

/** Runs a command and waits until its backends have ended, so that their time is counted. */
async function measure(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  server: number,
): Promise<Figures> {
  const before = await cpuOf(server)
  const startedAt = performance.now()
  // The shell knows what its child took; Node.js knows it of itself alone.
  const script = '"$0" "$@" >/dev/null || exit; times'
  const { stdout } = await run('bash', ['-c', script, file, ...args], { env, maxBuffer: 1e8 })
  const clock = (performance.now() - startedAt) / 1000
  await sleep(1_000)
  return { clock, cpu: childSeconds(stdout) + (await cpuOf(server)) - before }
}

/** Seconds that a process and its ended children took; 0 on systems without /proc. */
async function cpuOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const ticksPerSecond = 100
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
}

function tell(programs: readonly Program[], referrals: number, best: ReadonlyMap<string, Figures>) {
  process.stdout.write(`\n${referrals.toLocaleString('en-US')} referrals, best of ${rounds}\n`)
  process.stdout.write(`${'clock s · CPU s'.padEnd(26)}`)
  for (const { name } of programs) process.stdout.write(name.padStart(16))
  process.stdout.write(
    `${'clock ratio'.padStart(14)}${'goal'.padStart(8)}${'CPU ratio'.padStart(14)}${'goal'.padStart(8)}\n`,
  )
  for (const { name, goal } of loads) {
    const found = programs.map((program) => best.get(`${program.name}/${name}`))
    const [own, ...others] = found
    process.stdout.write(name.padEnd(26))
    for (const one of found) {
      process.stdout.write(`${one?.clock.toFixed(1)} · ${one?.cpu.toFixed(1)}`.padStart(16))
    }
    const ratio = (of: (figures: Figures) => number) => {
      const least = Math.min(...others.flatMap((one) => (one === undefined ? [] : [of(one)])))
      return own === undefined || others.length === 0 ? '–' : (of(own) / least).toFixed(2)
    }
    const cell = (text: string, goal: number) => text.padStart(14) + `≤ ${goal}`.padStart(8)
    process.stdout.write(
      cell(
        ratio(({ clock }) => clock),
        goal.clock,
      ),
    )
    process.stdout.write(
      `${cell(
        ratio(({ cpu }) => cpu),
        goal.cpu,
      )}\n`,
    )
  }
}

async function firstLine<T>(child: ChildProcess): Promise<T> {
  if (child.stdout === null) throw new Error('the child has no standard output')
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  throw new Error('the child ended without a line of JSON')
}
