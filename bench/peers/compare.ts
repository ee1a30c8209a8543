import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { startEmbedded } from '../../src/warehouse/embedded/embedded.ts'
import { cli, startSandbox } from '../sandbox.ts'
import { best, type Command, type Figures, measure, withNewDatabase } from './measure.ts'
import { measureFirstLoadFloor } from './measure-floor.ts'

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
  command(place: Place): Command
}

interface Place {
  readonly api: string
  readonly database: string
  readonly folder: string
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
  const run = promisify(execFile)
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
    const figures = new Map<string, Figures>()
    for (let round = 1; round <= rounds; round++) {
      for (const program of programs) {
        await measureRound({ program, referrals, home, url: embedded.url }, (name, measured) => {
          const key = `${program.name}/${name}`
          figures.set(key, best(figures.get(key), measured))
        })
      }
    }
    const firstLoad = (place: Place) => cosell.command(place)
    const floor = await measureFirstLoadFloor({
      ...{ referrals, rounds, home, url: embedded.url, firstLoad },
    })
    tell(programs, referrals, figures)
    tellFloor(figures.get(`${cosell.name}/first load`), floor)
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
  const sandbox = await startSandbox(referrals)
  try {
    await withNewDatabase(url, async (database, server) => {
      const command = program.command({ api: sandbox.url, database, folder })
      for (const { name, changes } of loads) {
        const change = `${sandbox.url}/sandbox/change?count=${changes}`
        if (changes > 0) await fetch(change, { method: 'POST' })
        const figures = await measure(command, server)
        await expectWhole(database, program.table, referrals)
        tellLoad(name, figures)
      }
    })
  } finally {
    sandbox.stop()
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

function tell(
  programs: readonly Program[],
  referrals: number,
  figures: ReadonlyMap<string, Figures>,
) {
  process.stdout.write(`\n${referrals.toLocaleString('en-US')} referrals, best of ${rounds}\n`)
  process.stdout.write(`${'clock s · CPU s'.padEnd(26)}`)
  for (const { name } of programs) process.stdout.write(name.padStart(16))
  process.stdout.write(
    `${'clock ratio'.padStart(14)}${'goal'.padStart(8)}${'CPU ratio'.padStart(14)}${'goal'.padStart(8)}\n`,
  )
  for (const { name, goal } of loads) {
    const found = programs.map((program) => figures.get(`${program.name}/${name}`))
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

/** What a first load costs beside the least that any program with the same rows needs. */
function tellFloor(own: Figures | undefined, floor: Figures) {
  if (own === undefined) return
  const clock = (own.clock / floor.clock).toFixed(2)
  const cpu = (own.cpu / floor.cpu).toFixed(2)
  process.stdout.write(
    `least of a first load with the same rows: ${floor.clock.toFixed(1)} s · ${floor.cpu.toFixed(1)} CPU s; ` +
      `cosell takes ${clock} times the clock and ${cpu} times the CPU of it\n`,
  )
}
