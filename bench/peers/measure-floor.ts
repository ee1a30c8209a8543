import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { sql } from 'kysely'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { loaded, makeEmptyStar, writeFinishedRows } from '../floor.ts'
import { startSandbox } from '../sandbox.ts'
import { best, type Command, type Figures, measure, withNewDatabase } from './measure.ts'

const source = fileURLToPath(new URL('load-floor.ts', import.meta.url))
// Beside the packages, which the bundle imports.
const bundled = fileURLToPath(
  new URL('../../node_modules/.cache/bench-floor/load-floor.mjs', import.meta.url),
)

interface Task {
  readonly referrals: number
  readonly rounds: number
  readonly home: string
  /** Of the server. */
  readonly url: string
  /** Loads what the API at `api` has into an empty database, with its files in `folder`. */
  readonly firstLoad: (place: { api: string; database: string; folder: string }) => Command
}

/**
 * Measures a first load that does no more than any program must that ends with the same rows: see
 * `load-floor.ts`. The rows are those of a first load that is not measured; the migrations are not either.
 */
export async function measureFirstLoadFloor(task: Task): Promise<Figures> {
  const { referrals, rounds, home, url, firstLoad } = task
  await build({
    entryPoints: [source],
    outfile: bundled,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  })
  const folder = await mkdtemp(join(home, 'peer-'))
  const finished = join(folder, 'finished')
  const sandbox = await startSandbox(referrals)
  try {
    await withNewDatabase(url, async (database, server) => {
      await measure(firstLoad({ api: sandbox.url, database, folder }), server)
      const warehouse = await openDatabase(database)
      await writeFinishedRows(warehouse, finished).finally(() => warehouse.close())
      await writeFile(join(finished, 'tables.json'), JSON.stringify(loaded))
    })
    let figures: Figures | undefined
    for (let round = 1; round <= rounds; round++) {
      figures = best(
        figures,
        await withNewDatabase(url, async (database, server) => {
          const warehouse = await openDatabase(database)
          await makeEmptyStar(warehouse, finished)
          await sql.raw(landingZone).execute(warehouse.query)
          await warehouse.close()
          // Its backends migrated, which is not measured, and count once they have ended.
          await sleep(1_000)
          const args = [bundled, sandbox.url, database, finished]
          return measure({ file: process.execPath, args, env: {} }, server)
        }),
      )
    }
    if (figures === undefined) throw new Error('a floor needs at least one round')
    return figures
  } finally {
    sandbox.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const landingZone =
  'create schema floor; create table floor.payload (id text primary key, payload jsonb not null)'
