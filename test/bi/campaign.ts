import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import type { Campaign, Stage } from './campaign-type.ts'
import { campaign as clients } from './clients.ts'
import { campaign as container } from './container.ts'
import { campaign as contract } from './contract.ts'
import { campaign as dbt } from './dbt.ts'
import { campaign as files } from './files.ts'
import { campaign as kubernetes } from './kubernetes.ts'
import { campaign as openlineage } from './openlineage.ts'
import { campaign as powerBi } from './power-bi.ts'
import { airflow, dagster } from './schedulers.ts'
import { campaign as superset } from './superset.ts'
import { execute, LeftOut, makeVenv } from './venv.ts'

// Tools of others read the demo as its reader. `npm run test:bi -- NAME…` runs some campaigns, without
// a name all. One is left out where its packages are not to be had.

const campaigns: readonly Campaign[] = [
  files,
  dbt,
  contract,
  clients,
  powerBi,
  superset,
  dagster,
  airflow,
  openlineage,
  kubernetes,
  container,
]

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Loads the demo below `home` for `use`, and stops its server afterwards. */
async function withDemo<T>(
  home: string,
  use: (demo: Pick<Stage, 'cosell' | 'warehouse'>) => Promise<T>,
): Promise<T> {
  const cosell = (...args: readonly string[]) => {
    const program = path.join(root, 'src/cli.ts')
    const env = { COSELL_HOME: home }
    return execute(process.execPath, ['--import', 'tsx', program, ...args], { cwd: root, env })
  }
  try {
    const { bi_url: readerUrl } = JSON.parse(await cosell('demo', '--json'))
    const owner = new URL(readerUrl)
    owner.username = 'postgres'
    owner.password = (await readFile(path.join(home, 'postgres/password'), 'utf8')).trim()
    const { query, close } = await openDatabase(owner.href)
    try {
      return await use({ cosell, warehouse: { readerUrl, ownerUrl: owner.href, query } })
    } finally {
      await close()
    }
  } finally {
    await cosell('warehouse', '--stop')
  }
}

type Outcome = 'passed' | 'failed' | 'left out'

async function play(
  { name, packages, run }: Campaign,
  folder: string,
  demo: Pick<Stage, 'cosell' | 'warehouse'>,
): Promise<Outcome> {
  const startedAt = performance.now()
  const say = (outcome: Outcome, text: string) => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
    console.log(`${name}: ${outcome} after ${seconds} s: ${text}`)
    return outcome
  }
  try {
    const programs = await makeVenv(path.join(folder, 'venv'), packages)
    const program = (of: string) => path.join(programs, of)
    return say('passed', await run({ folder, program, execute, ...demo }))
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return say(error instanceof LeftOut ? 'left out' : 'failed', text)
  }
}

const wanted = process.argv.slice(2)
const strangers = wanted.filter((name) => !campaigns.some((campaign) => campaign.name === name))
if (strangers.length > 0) {
  const names = campaigns.map(({ name }) => name).join(', ')
  throw new Error(`test:bi: expected names among ${names}; got ${strangers.join(', ')}.`)
}
const folder = await mkdtemp(path.join(tmpdir(), 'cosell-bi-'))
// As root, the embedded server runs under another account, which must be able to enter.
await chmod(folder, 0o755)
const outcomes: Outcome[] = []
try {
  await withDemo(path.join(folder, 'home'), async (demo) => {
    for (const campaign of campaigns) {
      if (wanted.length > 0 && !wanted.includes(campaign.name)) continue
      const own = path.join(folder, campaign.name)
      await mkdir(own)
      outcomes.push(await play(campaign, own, demo))
    }
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}
const count = (outcome: Outcome) => outcomes.filter((one) => one === outcome).length
console.log(`\n${count('passed')} passed, ${count('failed')} failed, ${count('left out')} left out`)
process.exitCode = count('failed') === 0 ? 0 : 1
