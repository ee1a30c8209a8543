import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { loadConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import { run } from '../../../src/pipeline/run.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/api/sandbox-server.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase, type Warehouse } from '../../../src/warehouse/connection/database.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { countRows, digestState } from '../../support/digest.ts'
import { runAt, urlOf } from '../../support/global-setup.ts'
import { createClone } from '../crash/world.ts'
import { slowDown } from '../slow-publish.ts'

/** Size of a test of accounts that share a warehouse, one process each. */
export interface Together {
  /** Superuser's address of a server, and the migrated database to clone. */
  readonly server: string
  readonly template: string
  /** File of the compiled program. */
  readonly door: string
  readonly accounts: number
  readonly referrals: number
  /** Accounts whose first process is killed in the middle of its publish. */
  readonly kills: number
  /** Delay within each publish. */
  readonly publishSeconds: number
  readonly nights: number
}

export interface TogetherResult {
  /** What went wrong; empty when all is well. */
  readonly problems: string[]
  readonly processes: number
  readonly deadlocks: number
  /** Undocumented pairs of status and substatus, which all accounts met at once. */
  readonly newPairs: number
}

interface Account {
  readonly name: string
  readonly sandbox: Sandbox
  readonly home: string
}

const lifeMs = 300_000

/**
 * Loads accounts one after the other in this process, and the same accounts at once, in a process
 * each, into another database: publishes that take long, status pairs that all meet for the first
 * time, kills in the middle, and a second process for an account in its publish. Both warehouses
 * must be equal.
 */
export async function runTogether(size: Together): Promise<TogetherResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-together-'))
  const name = `cosell_together_${randomUUID().replaceAll('-', '')}`
  const databases = { alone: `${name}_alone`, together: name }
  const accounts: Account[] = []
  try {
    for (let no = 1; no <= size.accounts; no++) {
      const home = path.join(folder, `account-${no}`)
      await mkdir(home, { mode: 0o700 })
      const sandbox = await startSandbox({ referrals: size.referrals, seed: 100 + no })
      accounts.push({ name: `account-${no}`, sandbox, home })
    }
    const [alone, together] = await Promise.all([
      prepare(size, databases.alone),
      prepare(size, databases.together),
    ])
    try {
      return await compare(size, accounts, { alone, together })
    } finally {
      await alone.close()
      await together.close()
    }
  } finally {
    for (const database of Object.values(databases)) {
      await runAt(size.server, sql`drop database if exists ${sql.id(database)} with (force)`)
    }
    for (const { sandbox } of accounts) await sandbox.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Prepared extends Warehouse {
  readonly url: string
}

/**
 * A warehouse that knows no status and no type of a referral, so that each account brings them as
 * new ones, as when Microsoft adds some for everybody.
 */
async function prepare({ server, template }: Together, database: string): Promise<Prepared> {
  await createClone(server, database, template)
  const url = urlOf(server, database)
  const warehouse = await openDatabase(url)
  await sql`delete from dw.dim_status where status_key >= 0`.execute(warehouse.query)
  await sql`delete from etl.enum_value where enum_name = 'ReferralType'`.execute(warehouse.query)
  return { ...warehouse, url }
}

async function compare(
  size: Together,
  accounts: readonly Account[],
  { alone, together }: { alone: Prepared; together: Prepared },
): Promise<TogetherResult> {
  const problems: string[] = []
  let processes = 0
  await slowDown(together.query, size.publishSeconds)
  for (let night = 1; night <= size.nights; night++) {
    if (night > 1) {
      // Changes that carry their time; others enter the history at the moment of reading.
      for (const { sandbox } of accounts) {
        for (const kind of ['accept', 'revalue', 'win', 'review'] as const) sandbox.change(5, kind)
      }
    }
    for (const account of accounts) await runHere(alone, account)
    const started = accounts.map((account) => start(size, together, account))
    processes += started.length
    if (night === 1) {
      const killed = started.slice(0, size.kills)
      const watched = started.slice(size.kills, size.kills + 1)
      processes += watched.length
      // At the same time: a publish lasts no longer for one than for the others.
      const [contended] = await Promise.all([
        Promise.all(watched.map((one) => contend(size, together, one))),
        ...killed.map((one) => killInPublish(together.query, one)),
      ])
      problems.push(...contended.flat())
      await Promise.all(killed.map(({ ended }) => ended))
      // A minute passes for the dead ones; their transactions may be open for a while yet.
      for (const { account } of killed) await lapse(together.query, account.name)
      const again = killed.map(({ account }) => start(size, together, account))
      processes += again.length
      problems.push(...(await endsWell([...started.slice(size.kills), ...again])))
    } else problems.push(...(await endsWell(started)))
    problems.push(...(await differences(alone.query, together.query, night)))
  }
  const leftovers = await countRows(together.query, /^stg\./)
  for (const [table, rows] of Object.entries(leftovers)) {
    if (rows > 0) problems.push(`${rows} rows are left in ${table}`)
  }
  const counted = await sql<{ deadlocks: number; pairs: number }>`
    select deadlocks, (select count(*) from dw.dim_status where not is_documented) - 1 as pairs
    from pg_stat_database where datname = current_database()`.execute(together.query)
  const { deadlocks = -1, pairs = 0 } = counted.rows[0] ?? {}
  if (deadlocks !== 0) problems.push(`expected no deadlock, got ${deadlocks}`)
  return { problems, processes, deadlocks, newPairs: pairs }
}

/** Settings of one account, but for the database. */
function settingsOf({ name, sandbox, home }: Account): Record<string, string> {
  const settings = { ...demoSettings(sandbox.url), COSELL_ACCOUNT: name, COSELL_HOME: home }
  return { ...settings, COSELL_PAGE_SIZE: '10', COSELL_REQUESTS_PER_MINUTE: '60000' }
}

/** Loads one account in this process. */
async function runHere(warehouse: Prepared, account: Account) {
  const home = path.join(account.home, 'alone')
  await mkdir(home, { recursive: true, mode: 0o700 })
  const log = createLog({ isTerminal: false, write: () => undefined }, 'silent')
  const config = loadConfig(settingsOf({ ...account, home }), {}, home)
  await run({ config, warehouse, log, signal: new AbortController().signal }, false)
}

interface Started {
  readonly account: Account
  readonly child: ChildProcess
  readonly ended: Promise<{
    readonly code: number | null
    readonly signal: NodeJS.Signals | null
    readonly said: string
  }>
}

function start({ door }: Together, { url }: Prepared, account: Account): Started {
  const settings = settingsOf(account)
  const child = spawn(process.execPath, [door, 'run', '--json'], {
    cwd: account.home,
    env: {
      PATH: '',
      HOME: account.home,
      ...settings,
      COSELL_DATABASE_URL: `${url}?application_name=${account.name}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: lifeMs,
    killSignal: 'SIGABRT',
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  }
  const ended = new Promise<Awaited<Started['ended']>>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, said }))
  })
  return { account, child, ended }
}

async function endsWell(started: readonly Started[]): Promise<string[]> {
  const ends = await Promise.all(started.map(({ ended }) => ended))
  return ends.flatMap(({ code, signal, said }, index) =>
    code === 0 ? [] : [`${started[index]?.account.name} ended with ${code ?? signal}: ${said}`],
  )
}

/** Waits until the process is in the delay of its publish. */
async function untilPublishing(query: Kysely<Database>, { account, child }: Started) {
  for (;;) {
    const delayed = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = ${account.name}
        and wait_event = 'PgSleep'`.execute(query)
    if (delayed.rows.length > 0) return
    if (child.exitCode !== null) throw new Error(`${account.name} ended before its publish`)
    await sleep(10)
  }
}

async function killInPublish(query: Kysely<Database>, started: Started) {
  await untilPublishing(query, started)
  started.child.kill('SIGKILL')
}

async function lapse(query: Kysely<Database>, name: string) {
  await sql`
    update etl.lease held set expires_at = clock_timestamp()
    from dw.dim_partner_account account
    where account.partner_account_key = held.partner_account_key
      and account.account_code = ${name}`.execute(query)
}

/**
 * Starts a second process for an account whose lease has run out in the middle of its publish. It
 * gets in after the first one, or ends with 4 and the end of a lease that is really held.
 */
async function contend(size: Together, together: Prepared, watched: Started): Promise<string[]> {
  const { name } = watched.account
  await untilPublishing(together.query, watched)
  await lapse(together.query, name)
  const home = path.join(watched.account.home, 'contender')
  await mkdir(home, { mode: 0o700 })
  await writeFile(path.join(home, '.keep'), '')
  const { code, signal, said } = await start(size, together, { ...watched.account, home }).ended
  if (code === 0) return []
  const until = /its lease lasts until (\S+)\)/.exec(said)?.[1]
  const isHeld = until !== undefined && Date.parse(until) > Date.now()
  if (code === 4 && isHeld) return []
  return [`a second process of ${name} ended with ${code ?? signal}: ${said}`]
}

/** Tables with another content than after the same loads one after the other. */
async function differences(
  alone: Kysely<Database>,
  together: Kysely<Database>,
  night: number,
): Promise<string[]> {
  // When it was read is not what was read. The calendar takes longer to read than all the rest.
  const leftOut = ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_date']
  const [expected, got] = [await digestState(alone, leftOut), await digestState(together, leftOut)]
  return Object.keys(expected)
    .filter((table) => expected[table] !== got[table])
    .map((table) => `night ${night}: ${table} is ${got[table]}, expected ${expected[table]}`)
}
