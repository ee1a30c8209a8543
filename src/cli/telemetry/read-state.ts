import { sql } from 'kysely'
import type { Config } from '../../config.ts'
import { readSignIns } from '../../doctor/sign-in-age.ts'
import { hasSchema, readLastPublishes } from '../../report/queries/freshness.ts'
import { readLatestRuns } from '../../report/queries/latest-runs.ts'
import { readStatus } from '../../report/queries/status.ts'
import type { Warehouse } from '../../warehouse/connection/database.ts'
import { prometheusText } from './prometheus.ts'
import { stateSamples, type WarehouseState } from './samples.ts'

/** Reads what the metrics say of the accounts. */
export async function readState(
  { query }: Pick<Warehouse, 'query'>,
  config: Config,
): Promise<WarehouseState> {
  // An alarm on the age or the failure of its last run would never end for an account that is read no more.
  const publishes = (await readLastPublishes(query)).filter(({ is_active }) => is_active)
  const active = new Set(publishes.map(({ account }) => account))
  return {
    accounts: await readStatus(query, await readSignIns(config, query, Date.now())),
    publishes,
    runs: (await readLatestRuns(query)).filter(({ account }) => active.has(account)),
  }
}

/** Returns the metrics of the accounts in Prometheus' text format; empty where there is no schema. */
export async function stateText(
  warehouse: Pick<Warehouse, 'query'>,
  config: Config,
): Promise<string> {
  if (!(await hasSchema(warehouse.query))) return ''
  return prometheusText(stateSamples(await readState(warehouse, config), Date.now()))
}

/** Returns the views of `mart` with their schema, by name. */
export async function listMarts({ query }: Pick<Warehouse, 'query'>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select 'mart.' || viewname as name from pg_views where schemaname = 'mart' order by viewname
  `.execute(query)
  return rows.map(({ name }) => name)
}
