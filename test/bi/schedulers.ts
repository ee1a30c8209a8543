import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { writeAccounts } from '../support/sandbox-accounts.ts'
import type { Campaign, Stage } from './campaign-type.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const here = (name: string) => fileURLToPath(new URL(`python/${name}`, import.meta.url))

interface DagsterAnswer {
  readonly schedule: string
  readonly success: boolean
  readonly rows_written: number | null
  readonly retried: boolean
  readonly error: string | null
}

interface AirflowAnswer {
  readonly version: string
  readonly import_errors: readonly string[]
  readonly tasks: Readonly<Record<string, readonly string[]>>
  readonly states: Readonly<Record<string, string>>
  /** How often the run was tried. */
  readonly tries: number
  readonly rows_written: number | null
}

interface AccountsAnswer {
  readonly import_errors: readonly string[]
  /** Of each mapped task its state, how often it was tried, and the account that it loaded. */
  readonly runs: readonly (readonly [string, number, string | null])[]
}

/** A real `cosell` on PATH, and folders of settings to run the script of a scheduler in. */
interface Desk {
  /** Makes a folder of settings. */
  folder(name: string): Promise<string>
  /** Runs a script in a folder and returns its answer. */
  play(
    home: string,
    script: readonly string[],
    settings: Readonly<Record<string, string>>,
  ): Promise<unknown>
  stopWarehouse(home: string): Promise<void>
}

async function layDesk({ folder, execute, program }: Stage): Promise<Desk> {
  const programs = path.join(folder, 'bin')
  await mkdir(programs)
  const cosell = path.join(programs, 'cosell')
  const source = path.join(root, 'src/cli.ts')
  await writeFile(
    cosell,
    `#!/bin/sh\nexec "${process.execPath}" --import "${path.join(root, 'node_modules/tsx/dist/loader.mjs')}" "${source}" "$@"\n`,
  )
  await chmod(cosell, 0o755)
  return {
    async folder(name) {
      const home = path.join(folder, name)
      await mkdir(home)
      await chmod(home, 0o755)
      return home
    },
    async play(home, script, settings) {
      const env = {
        ...settings,
        PATH: `${programs}:${process.env.PATH}`,
        JOB_FOLDER: home,
        AIRFLOW_HOME: path.join(folder, 'airflow'),
        AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
      }
      return JSON.parse(await execute(program('python'), script, { cwd: home, env }))
    },
    async stopWarehouse(home) {
      const env = { COSELL_HOME: path.join(home, '.cosell') }
      await execute(cosell, ['warehouse', '--stop'], { env })
    },
  }
}

/**
 * Runs a sample over a night of the simulated API, a database that does not answer (75) and a setting that is
 * none (78).
 */
async function playNights<Answer>(
  desk: Desk,
  script: readonly string[],
): Promise<Record<'good' | 'away' | 'wrong', Answer>> {
  const sandbox = await startSandbox({ referrals: 40 })
  const good = await desk.folder('good')
  const night = async (home: string, settings: Readonly<Record<string, string>>) =>
    (await desk.play(home, script, { ...sandboxSettings(sandbox.url), ...settings })) as Answer
  try {
    return {
      good: await night(good, {}),
      away: await night(await desk.folder('away'), {
        COSELL_DATABASE_URL: 'postgres://cosell@127.0.0.1:1/cosell',
      }),
      wrong: await night(await desk.folder('wrong'), { COSELL_PAGE_SIZE: 'many' }),
    }
  } finally {
    await desk.stopWarehouse(good)
    await sandbox.close()
  }
}

/** Runs a sample over an accounts file of three, one of which has a dead sign-in. */
async function playAccounts(desk: Desk, script: readonly string[]): Promise<AccountsAnswer> {
  const home = await desk.folder('accounts')
  const sandboxes = await Promise.all(
    [1, 2, 3].map((seed) => startSandbox({ referrals: 20, seed })),
  )
  const [north = '', south = '', west = ''] = sandboxes.map(({ url }) => url)
  await writeAccounts(path.join(home, 'accounts.json'), [
    { name: 'north', url: north },
    { name: 'south', url: south, refreshToken: 'dead' },
    { name: 'west', url: west },
  ])
  await writeFile(path.join(home, '.env'), 'COSELL_ACCOUNTS_FILE=accounts.json\n', { mode: 0o600 })
  try {
    return (await desk.play(home, script, {})) as AccountsAnswer
  } finally {
    await desk.stopWarehouse(home)
    for (const sandbox of sandboxes) await sandbox.close()
  }
}

/** The job of examples/dagster loads, tries again what may pass, and gives up on what needs a person. */
export const dagster: Campaign = {
  name: 'dagster',
  packages: [['dagster==1.13.29']],
  async run(stage) {
    const sample = path.join(root, 'examples/dagster/cosell_nightly.py')
    const desk = await layDesk(stage)
    const nights = await playNights<DagsterAnswer>(desk, [here('run_dagster.py'), sample])
    const { good, away, wrong } = nights
    const isRight =
      good.success &&
      (good.rows_written ?? 0) > 0 &&
      good.schedule === '17 5 * * *' &&
      !away.success &&
      away.retried &&
      !wrong.success &&
      !wrong.retried &&
      (wrong.error ?? '').includes('ended with 78')
    if (!isRight) throw new Error(JSON.stringify(nights))
    return `${good.rows_written} rows written; 75 is tried again, 78 is not`
  },
}

/**
 * The DAGs of examples/airflow are read by the scheduler's own reader. The nightly one does the same, and that of
 * many accounts maps a task to each.
 */
export const airflow: Campaign = {
  name: 'airflow',
  packages: [['apache-airflow==3.3.2']],
  async run(stage) {
    const samples = path.join(root, 'examples/airflow')
    const env = {
      AIRFLOW_HOME: path.join(stage.folder, 'airflow'),
      AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
      AIRFLOW__CORE__DAGS_FOLDER: samples,
    }
    for (const args of [
      ['db', 'migrate'],
      ['dags', 'reserialize'],
    ]) {
      await stage.execute(stage.program('airflow'), args, { env })
    }
    const desk = await layDesk(stage)
    const script = [here('run_airflow.py'), samples]
    const nights = await playNights<AirflowAnswer>(desk, script)
    const { good, away, wrong } = nights
    const isRight =
      good.import_errors.length === 0 &&
      JSON.stringify(good.tasks) === JSON.stringify({ run: ['report'], report: [] }) &&
      good.states.run === 'success' &&
      good.states.report === 'success' &&
      (good.rows_written ?? 0) > 0 &&
      away.states.run === 'failed' &&
      away.tries === 2 &&
      wrong.states.run === 'failed' &&
      wrong.tries === 1
    if (!isRight) throw new Error(JSON.stringify(nights))
    const accounts = await playAccounts(desk, [...script, 'accounts'])
    const expected = [
      ['success', 1, 'north'],
      ['failed', 1, null],
      ['success', 1, 'west'],
    ]
    if (JSON.stringify(accounts) !== JSON.stringify({ import_errors: [], runs: expected })) {
      throw new Error(JSON.stringify(accounts))
    }
    return (
      `${good.version}: ${good.rows_written} rows written; 75 is tried again, 78 is not; of three accounts one ` +
      'fails alone'
    )
  },
}
