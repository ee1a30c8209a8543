import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { loadConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import { run } from '../../../src/pipeline/run.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/api/sandbox-server.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { digestState } from '../../support/digest.ts'
import { runAt, urlOf } from '../../support/global-setup.ts'
import { writeAccounts } from '../../support/sandbox-accounts.ts'
import type { PrivateServer } from '../crash/private-server.ts'
import { createClone } from '../crash/world.ts'
import { slowDown } from '../slow-publish.ts'

/** Size of a load of many accounts by workers of several homes. */
export interface QueueLoad {
  readonly accounts: number
  readonly referrals: number
  /** Worker processes, in two homes by turns. */
  readonly processes: number
  /** Jobs side by side in each. */
  readonly workers: number
  /** Processes that are killed in the middle of a publish, and not started again. */
  readonly kills: number
  /** Delay within each publish. */
  readonly publishSeconds: number
  /** Pauses of jobs and leases of killed processes are cut short. */
  readonly isHurried: boolean
}

export interface QueueTools {
  readonly server: PrivateServer
  /** File of the bundled program, and a Node.js that runs the queue. */
  readonly door: string
  readonly node: string
}

export interface QueueOutcome {
  /** What went wrong; empty when all is well. */
  readonly problems: readonly string[]
  /** Jobs that were tried more than once. */
  readonly retried: number
  /** Seconds from a kill to the next try of its job; the longest. */
  readonly takenAgainSeconds: number
  readonly seconds: number
}

interface Worker {
  readonly child: ChildProcess
  readonly name: string
  stdout: string
  stderr: string
  readonly ended: Promise<number | null>
}

const group = 'cosell_loader'
const lifeMs = 20 * 60_000
/** A worker that was asked to stop has ended by then. */
const stopMsMax = 20_000

/**
 * Loads accounts one after the other in this process, and the same accounts by a queue and workers into
 * another database, as a login that owns nothing and with sign-ins that rotate: some workers are killed, and the
 * server crashes in the middle. Every account is published once, and both warehouses are equal.
 */
export async function runQueue(load: QueueLoad, tools: QueueTools): Promise<QueueOutcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-queue-'))
  await chmod(folder, 0o755)
  const seeds = Array.from({ length: load.accounts }, (_, index) => 2_001 + index)
  const sandboxes = await Promise.all(
    // The configured token and those of a home are dead soon: the warehouse alone has the newest.
    seeds.map((seed) =>
      startSandbox({ referrals: load.referrals, seed, rotateRefreshToken: true }),
    ),
  )
  const { server, template } = tools.server.testServer
  const name = `cosell_queue_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  try {
    await createClone(server, `${name}_alone`, template)
    await createClone(server, name, template)
    return await compare(load, tools, { folder, sandboxes, server, name })
  } finally {
    for (const database of [`${name}_alone`, name]) {
      await runAt(server, sql`drop database if exists ${sql.id(database)} with (force)`)
    }
    await runAt(server, sql`drop role if exists ${sql.id(name)}`)
    for (const sandbox of sandboxes) await sandbox.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Place {
  readonly folder: string
  readonly sandboxes: readonly Sandbox[]
  readonly server: string
  /** Of the database of the queue, and of the login of its workers. */
  readonly name: string
}

const nameOf = (index: number) => `account-${String(index + 1).padStart(2, '0')}`

async function compare(load: QueueLoad, tools: QueueTools, place: Place): Promise<QueueOutcome> {
  const { folder, sandboxes, server, name } = place
  const file = path.join(folder, 'accounts.json')
  await writeAccounts(
    file,
    sandboxes.map(({ url }, index) => ({ name: nameOf(index), url })),
  )
  const settings = {
    COSELL_ACCOUNTS_FILE: file,
    COSELL_TOKEN_KEY: randomBytes(32).toString('base64'),
    COSELL_PAGE_SIZE: '10',
    COSELL_REQUESTS_PER_MINUTE: '60000',
  }
  const alone = await openDatabase(urlOf(server, `${name}_alone`))
  const queued = await openDatabase(urlOf(server, name))
  try {
    const home = path.join(folder, 'alone')
    await mkdir(home)
    const log = createLog({ isTerminal: false, write: () => undefined }, 'silent')
    const config = loadConfig({ ...settings, COSELL_HOME: home }, {}, folder)
    await run({ config, warehouse: alone, log, signal: new AbortController().signal }, false)

    const signIns = await alone.query.selectFrom('etl.sign_in').selectAll().execute()
    await queued.query.insertInto('etl.sign_in').values(signIns).execute()

    const startedAt = performance.now()
    await slowDown(queued.query, load.publishSeconds)
    const owner = new URL(urlOf(server, name))
    await enqueue(tools, folder, { ...settings, COSELL_DATABASE_URL: owner.href }, ['--prepare'])
    const loader = new URL(owner)
    loader.username = name
    loader.password = randomUUID()
    await runAt(
      server,
      sql`create role ${sql.id(name)} login password ${sql.lit(loader.password)} in role ${sql.id(group)}`,
    )
    const env = { ...settings, COSELL_DATABASE_URL: loader.href }
    const problems = [
      ...(await expectJobs(tools, folder, env, { enqueued: load.accounts, present: 0 })),
      ...(await expectJobs(tools, folder, env, { enqueued: 0, present: load.accounts })),
    ]
    const workers: Worker[] = []
    for (let no = 1; no <= load.processes; no++) {
      workers.push(await startWorker(load, tools, env, path.join(folder, `home-${no % 2}`), no))
    }
    const taken = await disturb(load, tools, queued.query, workers)
    problems.push(...(await untilDone(load, queued.query, workers)))
    problems.push(...(await stopWorkers(workers)))
    problems.push(...(await verify(load, queued.query, workers)))
    problems.push(...(await differences(alone.query, queued.query)))
    const { rows } = await sql<{ retried: number }>`
      select count(*) filter (where retry_count > 0)::integer as retried
      from cosell_queue.job`.execute(queued.query)
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const retried = rows[0]?.retried ?? 0
    return { problems, retried, takenAgainSeconds: Math.max(0, ...(await taken)), seconds }
  } finally {
    await alone.close()
    await queued.close()
  }
}

interface Enqueued {
  readonly enqueued?: number
  readonly present?: number
}

/** Runs `cosell enqueue` to its end. */
async function enqueue(
  tools: QueueTools,
  cwd: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Enqueued> {
  const child = spawn(tools.node, [tools.door, 'enqueue', '--json', ...args], {
    cwd,
    env: { PATH: '', HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  const worker = collect(child, 'enqueue')
  const code = await worker.ended
  if (code !== 0) throw new Error(`enqueue ended with ${code}: ${worker.stderr}`)
  return JSON.parse(worker.stdout)
}

async function expectJobs(
  tools: QueueTools,
  cwd: string,
  env: Readonly<Record<string, string>>,
  { enqueued, present }: Required<Enqueued>,
): Promise<string[]> {
  const got = await enqueue(tools, cwd, env)
  if (got.enqueued === enqueued && got.present === present) return []
  return [
    `enqueue: expected ${enqueued} new and ${present} present, got ${got.enqueued} and ${got.present}`,
  ]
}

async function startWorker(
  load: QueueLoad,
  { node, door }: QueueTools,
  env: Readonly<Record<string, string>>,
  home: string,
  no: number,
): Promise<Worker> {
  await mkdir(home, { recursive: true })
  const name = `worker-${no}`
  const url = `${env.COSELL_DATABASE_URL}?application_name=${name}`
  const child = spawn(node, [door, 'worker', '--json', '--workers', String(load.workers)], {
    cwd: home,
    env: { PATH: '', HOME: home, ...env, COSELL_HOME: home, COSELL_DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: lifeMs,
    killSignal: 'SIGABRT',
  })
  return collect(child, name)
}

function collect(child: ChildProcess, name: string): Worker {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const worker: Worker = { child, name, stdout: '', stderr: '', ended }
  child.stdout?.on('data', (chunk: Buffer) => {
    worker.stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    worker.stderr += chunk.toString()
  })
  return worker
}

interface JobRow {
  readonly id: string
  readonly account: string
  readonly state: string
  readonly tries: number
}

/** The jobs as they are; undefined while the server is away. */
async function readJobs(query: Kysely<Database>): Promise<readonly JobRow[] | undefined> {
  const read = sql<JobRow>`
    select id, data ->> 'account' as account, state::text as state, retry_count + 1 as tries
    from cosell_queue.job`.execute(query)
  return read.then(
    ({ rows }) => rows,
    () => undefined,
  )
}

/** Waits for a state of the jobs. */
async function untilJobs(
  query: Kysely<Database>,
  isReached: (jobs: readonly JobRow[]) => boolean,
): Promise<void> {
  const endAt = performance.now() + lifeMs
  for (;;) {
    const jobs = await readJobs(query)
    if (jobs !== undefined && isReached(jobs)) return
    if (performance.now() > endAt) throw new Error('the jobs did not come so far')
    await sleep(50)
  }
}

/**
 * Kills workers in their publish, then lets the server crash when half of the jobs are done. Returns how many
 * seconds it took until the jobs of the killed ones were tried again.
 */
async function disturb(
  { kills, accounts, isHurried }: QueueLoad,
  { server }: QueueTools,
  query: Kysely<Database>,
  workers: readonly Worker[],
): Promise<Promise<number[]>> {
  const taken: Promise<number>[] = []
  for (const { child, name } of workers.slice(0, kills)) {
    await untilPublishing(query, name)
    const held = await readHeld(query, child.pid ?? 0)
    child.kill('SIGKILL')
    const killedAt = performance.now()
    if (isHurried) await lapse(query, held)
    const before = new Map((await readJobs(query))?.map(({ account, tries }) => [account, tries]))
    const isAgain = (jobs: readonly JobRow[]) =>
      held.every((account) =>
        jobs.some((job) => job.account === account && job.tries > (before.get(account) ?? 0)),
      )
    taken.push(untilJobs(query, isAgain).then(() => (performance.now() - killedAt) / 1000))
  }
  const isHalf = (jobs: readonly JobRow[]) =>
    jobs.filter(({ state }) => state === 'completed').length >= accounts / 2
  await untilJobs(query, isHalf)
  server.crash()
  await sleep(2_000)
  await server.start()
  return Promise.all(taken)
}

/** Waits until a process is in the delay of a publish. */
async function untilPublishing(query: Kysely<Database>, name: string) {
  for (;;) {
    const { rows } = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = ${name}
        and wait_event = 'PgSleep'`.execute(query)
    if (rows.length > 0) return
    await sleep(10)
  }
}

/** Accounts whose lease a process holds. */
async function readHeld(query: Kysely<Database>, pid: number): Promise<string[]> {
  const { rows } = await sql<{ account: string }>`
    select account.account_code as account
    from etl.lease
    join dw.dim_partner_account account using (partner_account_key)
    where lease.expires_at > now() and lease.holder like ${`% process ${pid}`}`.execute(query)
  return rows.map(({ account }) => account)
}

async function lapse(query: Kysely<Database>, accounts: readonly string[]) {
  await sql`
    update etl.lease held set expires_at = clock_timestamp()
    from dw.dim_partner_account account
    where account.partner_account_key = held.partner_account_key
      and account.account_code = any (${[...accounts]}::text[])`.execute(query)
}

/** Waits until nothing waits, runs or is to be tried again. */
async function untilDone(
  { isHurried }: QueueLoad,
  query: Kysely<Database>,
  workers: readonly Worker[],
): Promise<string[]> {
  const endAt = performance.now() + lifeMs
  for (;;) {
    const jobs = await readJobs(query)
    if (jobs?.every(({ state }) => ['completed', 'failed'].includes(state))) return []
    if (performance.now() > endAt) {
      const waiting = jobs?.filter(({ state }) => state !== 'completed')
      return [
        `jobs do not end: ${JSON.stringify(waiting)}; ${workers.at(-1)?.stderr.slice(-2_000)}`,
      ]
    }
    const waiting = jobs?.filter(({ state }) => state === 'retry') ?? []
    if (isHurried && waiting.length > 0) await hurry(query, waiting).catch(() => undefined)
    await sleep(200)
  }
}

/** Lets jobs be tried again now. Their runs are over, and could not free their leases of a server that was away. */
async function hurry(query: Kysely<Database>, jobs: readonly JobRow[]) {
  await lapse(
    query,
    jobs.map(({ account }) => account),
  )
  await sql`
    update cosell_queue.job set start_after = now()
    where state = 'retry' and start_after > now()`.execute(query)
}

async function stopWorkers(workers: readonly Worker[]): Promise<string[]> {
  const left = workers.filter(({ child }) => child.signalCode !== 'SIGKILL')
  const stoppedAt = performance.now()
  for (const { child } of left) child.kill('SIGTERM')
  const codes = await Promise.all(left.map(({ ended }) => ended))
  const ms = performance.now() - stoppedAt
  const slow = ms > stopMsMax ? [`the workers took ${Math.round(ms)} ms to stop`] : []
  const wrong = codes.flatMap((code, index) =>
    code === 143 ? [] : [`${left[index]?.name} ended with ${code}: ${left[index]?.stderr}`],
  )
  return [...slow, ...wrong]
}

/** Every job is done and every account published once, as the workers have told of them. */
async function verify(
  { accounts }: QueueLoad,
  query: Kysely<Database>,
  workers: readonly Worker[],
): Promise<string[]> {
  const problems: string[] = []
  const jobs = (await readJobs(query)) ?? []
  const done = jobs.filter(({ state }) => state === 'completed')
  if (done.length !== accounts) {
    problems.push(`expected ${accounts} jobs done, got ${JSON.stringify(jobs)}`)
  }
  const { rows } = await sql<{ account: string; published: number }>`
    select account.account_code as account,
      (count(*) filter (where run.run_status = 'published'))::integer as published
    from dw.dim_partner_account account
    join etl.run run using (partner_account_key)
    group by account.account_code`.execute(query)
  const wrong = rows.filter(({ published }) => published !== 1)
  if (rows.length !== accounts || wrong.length > 0) {
    problems.push(`${rows.length} accounts; not published once: ${JSON.stringify(wrong)}`)
  }
  const lines = workers.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line !== '')
  const told = lines.map((line) => JSON.parse(line)).filter(({ next }) => next === 'none')
  const names = new Set(told.map(({ accounts: [one] }) => one.account))
  if (told.length !== accounts || names.size !== accounts) {
    problems.push(`expected ${accounts} lines of done jobs, got ${told.length} of ${names.size}`)
  }
  return problems
}

/** Tables with another content than after the same loads one after the other. */
async function differences(alone: Kysely<Database>, queued: Kysely<Database>): Promise<string[]> {
  // When it was read is not what was read. The calendar takes longer to read than all the rest.
  const leftOut = ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_date', 'etl.sign_in']
  const [expected, got] = [await digestState(alone, leftOut), await digestState(queued, leftOut)]
  return Object.keys(expected)
    .filter((table) => expected[table] !== got[table])
    .map((table) => `${table} is ${got[table]}, expected ${expected[table]}`)
}
