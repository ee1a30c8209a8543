/**
 * Measures speed and memory of an import beside the floors below it: csv-parse alone over the same
 * file reading every cell, and `\copy` of the rows that it writes, about thirteen a referral:
 * `npm run bench:import [-- rows]`, 500,000 by default. The reader recognises and types the rows; the
 * import lands and publishes them too, which takes the time of PostgreSQL and is left out with
 * `--reader`. Each stage is a process of its own. Processor time is compared too, as other programs on
 * the machine disturb it less than clock time.
 */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../src/warehouse/connection/database.ts'
import { startEmbedded } from '../src/warehouse/embedded/embedded.ts'
import { measureFloor } from './floor.ts'
import { writeImportFile } from './import-file.ts'
import { perSecond, say } from './say.ts'

/** What a process did and took. */
interface Stage {
  readonly ms: number
  readonly cpuMs: number
  readonly peakMib: number
}

/** Times of the stages of a load, as `cosell import --json` gives them. */
interface ImportOutput {
  readonly rows: number
  readonly rows_written: number
  readonly stages?: Readonly<Record<string, number>>
  readonly message?: string
}

interface Usage {
  readonly userCPUTime: number
  readonly systemCPUTime: number
  readonly maxRSS: number
}

const words = process.argv.slice(2)
const isReaderOnly = words.includes('--reader')
const [rows = 500_000] = words.filter((word) => word !== '--reader').map(Number)
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const stages = fileURLToPath(new URL('./import-stages.ts', import.meta.url))
/** Writes what the process took to its fourth file when it ends. */
const reportUsage =
  'data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>' +
  'writeSync(3,JSON.stringify(process.resourceUsage())))'

const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
// When root starts it, the server runs under another account, which needs access.
await chmod(home, 0o755)
try {
  await measure(join(home, 'co-sell.csv'))
} finally {
  await rm(home, { recursive: true, force: true })
}

async function measure(file: string) {
  await writeImportFile(file, rows)
  say('rows', rows)
  say('size of the file', `${Math.round((await stat(file)).size / 1024 ** 2)} MiB`)
  const floor = await runStage('csv-parse', file)
  tell('csv-parse alone', floor)
  const reader = await runStage('reader', file)
  tell('reader of the import', reader)
  compare('  of csv-parse alone', reader, floor)
  if (isReaderOnly) return
  const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
  try {
    const settings = { COSELL_HOME: home, COSELL_DATABASE_URL: embedded.url }
    const first = await runImport(file, settings)
    tell('import, first', first.stage)
    compare('  of csv-parse alone', first.stage, floor)
    for (const [name, ms] of Object.entries(first.output.stages ?? {})) say(`  ${name}`, '', ms)
    say('  rows written', first.output.rows_written)
    const warehouse = await openDatabase(embedded.url)
    const copied = await measureFloor(warehouse, embedded.url, home).finally(() =>
      warehouse.close(),
    )
    say('\\copy of the rows of the star', `${perSecond(rows, copied.ms)} referrals/s`, copied.ms)
    const least = floor.ms + copied.ms
    say('import / csv-parse and \\copy', `${(first.stage.ms / least).toFixed(2)} times`)
    const again = await runImport(file, settings)
    tell('import, the same again', again.stage)
    compare('  of csv-parse alone', again.stage, floor)
    say('  rows written', again.output.rows_written)
  } finally {
    await embedded.stop()
  }
}

async function runStage(stage: string, file: string): Promise<Stage> {
  const { output, usage } = await runNode(['--import', 'tsx', stages, stage, file], {})
  const { rows: read, ms } = output as { rows: number; ms: number }
  if (read !== rows) throw new Error(`${stage}: expected ${rows} rows, got ${read}`)
  return { ms, ...usage }
}

async function runImport(file: string, settings: NodeJS.ProcessEnv) {
  const started = performance.now()
  const arguments_ = [cli, 'import', file, '--account', 'bench', '--json']
  const result = await runNode(arguments_, settings)
  const output = result.output as ImportOutput
  if (output.rows !== rows) throw new Error(`import: ${JSON.stringify(output)}`)
  return { output, stage: { ms: performance.now() - started, ...result.usage } }
}

/** Runs Node.js; returns its last line of output, processor time and greatest memory. */
async function runNode(parameters: readonly string[], settings: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['--import', reportUsage, ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { ...settings, PATH: process.env.PATH },
  })
  const [, out, , usage] = child.stdio
  if (out === null || usage === null) throw new Error('the child has no output')
  const [printed, used] = await Promise.all([
    text(out as NodeJS.ReadableStream as AsyncIterable<Buffer>),
    text(usage as NodeJS.ReadableStream as AsyncIterable<Buffer>),
  ])
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(used) as Usage
  return {
    output: JSON.parse(printed.trim().split('\n').at(-1) ?? '') as unknown,
    usage: {
      cpuMs: Math.round((userCPUTime + systemCPUTime) / 1000),
      peakMib: Math.round(maxRSS / 1024),
    },
  }
}

function tell(what: string, { ms, cpuMs, peakMib }: Stage) {
  say(what, `${perSecond(rows, ms)} rows/s`, ms)
  say('  processor', `${perSecond(rows, cpuMs)} rows/s`, cpuMs)
  say('  peak memory', `${peakMib} MiB`)
}

/** Prints rows per second as a share of those of the floor. */
function compare(what: string, { ms, cpuMs }: Stage, floor: Stage) {
  const share = (floor.ms / ms).toFixed(2)
  say(what, `${share} (processor ${(floor.cpuMs / cpuMs).toFixed(2)})`)
}
