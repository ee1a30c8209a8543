import type { Kysely } from 'kysely'
import { run } from '../../src/pipeline/run.ts'
import type { RunSummary } from '../../src/pipeline/run-summary.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from './database.ts'
import { type Reply, withServer } from './scripted-server.ts'
import { contextOf, withHome } from './with-pipeline.ts'

export interface ServedPage {
  readonly db: Kysely<Database>
  readonly warehouse: Warehouse
  readonly summary: RunSummary
  /** All log output. */
  readonly logged: string
}

/** Runs the pipeline over an account whose only page has exactly this body. */
export function withServedPage(
  body: string,
  use: (loaded: ServedPage) => Promise<void>,
): Promise<void> {
  const script = ({ path }: { path: string }): Reply =>
    /skip=[1-9]/.test(path) ? { body: pageOf([]) } : { body }
  return withServer(script, (server) =>
    withHome((home) =>
      withDatabase(async (db, _, warehouse) => {
        const logged: string[] = []
        const settings = { ...demoSettings(server.url), COSELL_ACCESS_TOKEN: 'a-token' }
        const summary = await run(contextOf(warehouse, home, logged, settings), true)
        await use({ db, warehouse, summary, logged: logged.join('') })
      }),
    ),
  )
}

/** Returns a page of referrals that are given as JSON text. */
export function pageOf(referrals: readonly string[]): string {
  return `{"@odata.count":${referrals.length},"value":[${referrals.join(',')}]}`
}
