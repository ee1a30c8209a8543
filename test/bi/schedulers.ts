import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
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

/**
 * Runs a sample with a real `cosell` on PATH in a folder of settings: a night of the simulated API, a
 * database that does not answer (75) and a setting that is none (78).
 */
async function playNights<Answer>(
  { folder, execute, program }: Stage,
  script: string,
  args: readonly string[],
): Promise<Record<'good' | 'away' | 'wrong', Answer>> {
  const programs = path.join(folder, 'bin')
  await mkdir(programs)
  const cosell = path.join(programs, 'cosell')
  const source = path.join(root, 'src/cli.ts')
  await writeFile(
    cosell,
    `#!/bin/sh\nexec "${process.execPath}" --import "${path.join(root, 'node_modules/tsx/dist/loader.mjs')}" "${source}" "$@"\n`,
  )
  await chmod(cosell, 0o755)
  const sandbox = await startSandbox({ referrals: 40 })
  const night = async (name: string, settings: Readonly<Record<string, string>>) => {
    const home = path.join(folder, name)
    await mkdir(home)
    await chmod(home, 0o755)
    const env = {
      ...sandboxSettings(sandbox.url),
      ...settings,
      PATH: `${programs}:${process.env.PATH}`,
      JOB_FOLDER: home,
      AIRFLOW_HOME: path.join(folder, 'airflow'),
      AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    }
    return JSON.parse(
      await execute(program('python'), [script, ...args], { cwd: home, env }),
    ) as Answer
  }
  try {
    return {
      good: await night('good', {}),
      away: await night('away', { COSELL_DATABASE_URL: 'postgres://cosell@127.0.0.1:1/cosell' }),
      wrong: await night('wrong', { COSELL_PAGE_SIZE: 'many' }),
    }
  } finally {
    const env = { COSELL_HOME: path.join(folder, 'good/.cosell') }
    await execute(cosell, ['warehouse', '--stop'], { env })
    await sandbox.close()
  }
}

/** The job of examples/dagster loads, tries again what may pass, and gives up on what needs a person. */
export const dagster: Campaign = {
  name: 'dagster',
  packages: [['dagster==1.13.29']],
  async run(stage) {
    const sample = path.join(root, 'examples/dagster/cosell_nightly.py')
    const nights = await playNights<DagsterAnswer>(stage, here('run_dagster.py'), [sample])
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

/** The DAG of examples/airflow is read by the scheduler's own reader, and does the same. */
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
    const nights = await playNights<AirflowAnswer>(stage, here('run_airflow.py'), [samples])
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
    return `${good.version}: ${good.rows_written} rows written; 75 is tried again, 78 is not`
  },
}
