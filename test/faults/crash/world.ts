import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { loadConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import { backfill } from '../../../src/pipeline/backfill/backfill.ts'
import { rebuild } from '../../../src/pipeline/rebuild.ts'
import { run } from '../../../src/pipeline/run.ts'
import type { RunSummary } from '../../../src/pipeline/run-summary.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { databaseFailure, openDatabase } from '../../../src/warehouse/connection/database.ts'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { countRows, digestState } from '../../support/digest.ts'
import { runAt, urlOf } from '../../support/global-setup.ts'
import { loadWith, writeFiles } from '../../support/import-files.ts'
import { oneAfterAnother } from './program.ts'

/**
 * The first night reads everything, the next one what changed since, which nearly all has. A rebuild
 * repairs what was damaged after the first night, and a backfill reads into an empty warehouse. An
 * import loads the files of the first account into an empty one.
 */
export const nights = ['first', 'next', 'rebuild', 'backfill', 'import'] as const
export type Night = (typeof nights)[number]

/** The server and the databases that all cases of a night share. */
export interface TestServer {
  /** Address of the server, for its superuser. */
  readonly server: string
  /** Database as it is before the night. */
  readonly template: string
  readonly night: Night
}

/** Two accounts of five pages each, their warehouse, and nothing that another case could touch. */
export interface World {
  readonly url: string
  readonly db: Kysely<Database>
  readonly home: string
  readonly night: Night
  /** Account whose files are in the folder `downloads` of the home. */
  readonly ofFiles: AccountName
  /** Settings of `cosell run`. */
  readonly settings: Readonly<Record<string, string>>
  /** Requests that the simulated API has answered. */
  requests(): number
}

const pageSize = 4
const pages = 5
const seeds = { north: 3, south: 4 }
type AccountName = keyof typeof seeds
export const accountNames: readonly AccountName[] = ['north', 'south']

/** Runs `use` in a world in which the night has not begun; of all accounts, or of some. */
export async function withWorld<T>(
  { server, template, night }: TestServer,
  use: (world: World) => Promise<T>,
  names: readonly AccountName[] = accountNames,
): Promise<T> {
  const home = await mkdtemp(path.join(tmpdir(), 'cosell-kill-'))
  const database = `cosell_kill_${randomUUID().replaceAll('-', '')}`
  const sandboxes: Sandbox[] = []
  const monitor = createServer((_, response) => response.writeHead(204).end())
  try {
    await chmod(home, 0o700)
    const open = []
    for (const name of names) {
      const tokens = { rotateRefreshToken: true, refreshTokensKept: 4 }
      const options = { referrals: pageSize * pages, seed: seeds[name], ...tokens }
      const sandbox = await startSandbox(options)
      sandboxes.push(sandbox)
      if (night === 'next') changeAsKnown(sandbox)
      open.push(accountOf(name, sandbox.url))
    }
    const [ofFiles = 'north'] = names
    if (night === 'import') await writeFiles(path.join(home, 'downloads'), readFirst(sandboxes))
    const file = path.join(home, 'accounts.json')
    await writeFile(file, JSON.stringify(open), { mode: 0o600 })
    await new Promise<void>((resolve) => monitor.listen(0, '127.0.0.1', resolve))
    const { port } = monitor.address() as AddressInfo
    await createClone(server, database, template)
    const url = urlOf(server, database)
    const { query, close } = await openDatabase(url)
    const settings = {
      COSELL_HOME: home,
      COSELL_DATABASE_URL: `${url}?application_name=child`,
      COSELL_ACCOUNTS_FILE: file,
      COSELL_PAGE_SIZE: String(pageSize),
      COSELL_CONCURRENCY: '1',
      COSELL_REQUESTS_PER_MINUTE: '60000',
      COSELL_PING_URL: `http://127.0.0.1:${port}/`,
    }
    const requests = () => sandboxes.reduce((sum, sandbox) => sum + sandbox.requests.length, 0)
    const world = { url, db: query, home, night, ofFiles, settings, requests }
    return await use(world).finally(close)
  } finally {
    await runAt(server, sql`drop database if exists ${sql.id(database)} with (force)`)
    for (const sandbox of sandboxes) await sandbox.close()
    monitor.closeAllConnections()
    monitor.close()
    await rm(home, { recursive: true, force: true })
  }
}

export function createClone(server: string, name: string, template: string): Promise<void> {
  const clone = sql`template ${sql.id(template)} strategy file_copy`
  return runAt(server, sql`create database ${sql.id(name)} ${clone}`)
}

function readFirst([first]: readonly Sandbox[]): readonly Referral[] {
  return first?.referrals() ?? []
}

function accountOf(account: string, url: string) {
  const { COSELL_CLIENT_ID: clientId, COSELL_TENANT_ID: tenantId } = demoSettings(url)
  const refreshToken = 'sandbox-refresh-token'
  return { account, apiUrl: url, authorityUrl: url, clientId, tenantId, refreshToken }
}

/** Changes that carry their time; others enter the history at the moment of reading. */
function changeAsKnown(sandbox: Sandbox) {
  for (const kind of ['accept', 'revalue', 'win', 'review'] as const) sandbox.change(8, kind)
}

/** Half a year of the simulated past. */
const backfilled = { from: '2026-01-01', to: '2026-07-01' }
const backfilledAt = '2026-12-31T00:00:00Z'

/** Words of the command that does the work of the night. */
export function wordsOf({ night, home, ofFiles }: World): readonly string[] {
  if (night === 'rebuild') return ['rebuild', '--workers', '1']
  if (night === 'import') return ['import', path.join(home, 'downloads'), '--account', ofFiles]
  const { from, to } = backfilled
  if (night !== 'backfill') return oneAfterAnother
  return ['backfill', '--from', from, '--to', to, '--workers', '1']
}

/** Takes rows of the first account away and changes others, as a hand would. */
export async function damage(server: string, database: string): Promise<void> {
  const url = urlOf(server, database)
  await runAt(url, sql`delete from dw.fact_acv_schedule where partner_account_key = 1`)
  await runAt(
    url,
    sql`update dw.fact_referral set deal_value_amount = 1, row_hash = 0 where partner_account_key = 1`,
  )
}

/** Runs the work of the night in this process, over a database that may be reached by another address. */
export async function runHere(world: World, url: string = world.url): Promise<RunSummary> {
  const { COSELL_DATABASE_URL: _, ...settings } = world.settings
  const log = createLog({ isTerminal: false, write: () => undefined }, 'silent')
  const warehouse = await openDatabase(url, log.logger)
  try {
    await migrate(warehouse.query)
    const { signal } = new AbortController()
    const config = loadConfig(settings, {}, world.home)
    const context = { config, warehouse, log, signal }
    if (world.night === 'rebuild') return await rebuild(context)
    if (world.night === 'backfill') {
      return await backfill(context, backfilled, { now: new Date(backfilledAt), pauseMs: 0 })
    }
    if (world.night === 'import') {
      const paths = [path.join(world.home, 'downloads')]
      return await loadWith(context)(paths, { account: world.ofFiles })
    }
    return await run(context, false)
  } catch (error) {
    // As the command does.
    throw databaseFailure(error)
  } finally {
    await warehouse.close()
  }
}

/**
 * A dead run leaves its lease, which lapses after a minute. Here that minute passes at once: the
 * sessions of the dead have ended by then, and the lease has run out.
 */
export async function letLeasesLapse({ db }: World): Promise<void> {
  for (;;) {
    const sessions = await sql`
      select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'`.execute(db)
    if (sessions.rows.length === 0) break
  }
  await sql`update etl.lease set expires_at = now()`.execute(db)
}

/** State of the warehouse as readers see it, as one text. */
export async function readersSee({ db }: World): Promise<string> {
  // When it was read is not what was read, and an account is entered before it is loaded.
  const leftOut = ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_partner_account']
  // Members that accounts share are there before the publish that brings them.
  leftOut.push('dw.dim_status', 'dw.dim_currency', 'etl.enum_value')
  // A calendar that takes longer to read than all the rest.
  leftOut.push('dw.dim_date')
  const snapshot = db.transaction().setIsolationLevel('repeatable read')
  return JSON.stringify(await snapshot.execute((reader) => digestState(reader, leftOut)))
}

/** Rows that must be equal after a night with and without faults: no version landed twice, nothing left. */
export async function readLeftovers({ db }: World): Promise<string> {
  const rows = await countRows(db, /^(raw|pii)\.payload$|^dw\.dim_date$|^stg\./)
  const unfinished = await sql<{ runs: number }>`
    select count(*) as runs from etl.run
    where run_status not in ('published', 'abandoned')`.execute(db)
  const held = await sql<{ leases: number }>`
    select count(*) as leases from etl.lease where expires_at > clock_timestamp()`.execute(db)
  return JSON.stringify({ ...rows, ...unfinished.rows[0], ...held.rows[0] })
}
