import { CompiledQuery, type Kysely } from 'kysely'
import type { Logger } from '../log.ts'
import type { Warehouse } from '../warehouse/connection/database.ts'
import type { JobData } from './job.ts'

// The part of pg-boss 12.38 that is used, in our own words: npm leaves the package out where Node.js is
// older than 22.12, and the sources have to compile there too.

/** Runs statements of pg-boss; without `values` a text may hold several. */
export interface Statements {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** A job as a worker is given it. */
export interface TakenJob {
  readonly id: string
  readonly data: JobData
  /** How often it was taken before. */
  readonly retryCount: number
  /** Aborted when the job is no longer this worker's, or has taken too long. */
  readonly signal: AbortSignal
}

/** What became of a job: `failed` is tried again, `deadletter` never. */
export interface JobEnd {
  readonly id: string
  readonly status: 'completed' | 'failed' | 'deadletter'
  readonly output: object
}

export interface QueueOptions {
  readonly policy: 'exclusive'
  readonly retryLimit: number
  readonly retryDelay: number
  readonly expireInSeconds: number
  readonly heartbeatSeconds: number
}

/** One connection to a queue. */
export interface Boss {
  on(event: 'error', listen: (error: Error) => void): unknown
  on(event: 'warning', listen: (warning: { readonly message: string }) => void): unknown
  start(): Promise<unknown>
  stop(options: { close: boolean; graceful: boolean; timeout: number }): Promise<void>
  createQueue(name: string, options: QueueOptions): Promise<void>
  updateQueue(name: string, options: Omit<QueueOptions, 'policy'>): Promise<void>
  getQueue(name: string): Promise<QueueOptions | null>
  /** Id of the job; null where the policy refuses it. */
  send(name: string, data: JobData, options: { singletonKey: string }): Promise<string | null>
  work(
    name: string,
    options: {
      readonly batchSize: 1
      readonly localConcurrency: number
      readonly pollingIntervalSeconds: number
      readonly perJobResults: true
    },
    handle: (jobs: readonly TakenJob[]) => Promise<JobEnd[]>,
  ): Promise<string>
  offWork(name: string, options: { wait: boolean }): Promise<void>
  fail(
    name: string,
    jobs: readonly TakenJob[],
    output: object,
    options: { db: Statements },
  ): Promise<unknown>
  update(
    name: string,
    data: undefined,
    options: { id: string; startAfter: number; db: Statements },
  ): Promise<unknown>
}

export interface QueueLibrary {
  readonly PgBoss: new (options: BossOptions) => Boss
}

interface BossOptions {
  readonly db: Statements
  readonly schema: string
  readonly migrate: boolean
  readonly createSchema: boolean
  readonly supervise: boolean
  readonly superviseIntervalSeconds: number
  readonly monitorIntervalSeconds: number
  readonly flowIntervalSeconds: number
  readonly schedule: false
  readonly reindex: false
  readonly monitorVacuum: false
  readonly registerInstance: false
}

/** Schema of the queue. The default one of pg-boss may be another application's. */
export const queueSchema = 'cosell_queue'
/** The one queue in it. */
export const queueName = 'loads'

/** A job of a killed worker is noticed after its heartbeat has run out, by the next look at the queue. */
const lookSeconds = 3
/** There are no flows, and each look for one writes a row. */
const flowSeconds = 3_600

/**
 * Connects pg-boss to the queue through the pool of the warehouse, and so with its address, its TLS and
 * its password. It starts nothing that needs the owner.
 */
export function connectQueue(
  { PgBoss }: QueueLibrary,
  { pool }: Pick<Warehouse, 'pool'>,
  logger: Logger,
  { migrate = false, supervise = false } = {},
): Boss {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: queueSchema,
    migrate,
    createSchema: migrate,
    supervise,
    superviseIntervalSeconds: lookSeconds,
    monitorIntervalSeconds: lookSeconds,
    flowIntervalSeconds: flowSeconds,
    schedule: false,
    // A rebuild of an index takes its owner.
    reindex: false,
    monitorVacuum: false,
    registerInstance: false,
  })
  const tell = onceAMinute()
  // Without a listener an error would end the process; pg-boss goes on by itself.
  boss.on('error', (error) => {
    if (tell(error.message)) logger.warn({ reason: error.message }, 'the queue does not answer')
  })
  boss.on('warning', ({ message }) => logger.warn({ reason: message }, 'the queue warns'))
  return boss
}

/** Statements of pg-boss within a transaction of ours. */
export function within<Schema>(transaction: Kysely<Schema>): Statements {
  return {
    executeSql: (text, values = []) => transaction.executeQuery(CompiledQuery.raw(text, values)),
  }
}

const quietMs = 60_000

/** Tells whether a text is new, or was told a minute ago: a server that is away is met by every look. */
function onceAMinute(): (text: string) => boolean {
  const told = new Map<string, number>()
  return (text) => {
    const now = performance.now()
    const isDue = now - (told.get(text) ?? Number.NEGATIVE_INFINITY) >= quietMs
    if (isDue) told.set(text, now)
    return isDue
  }
}
