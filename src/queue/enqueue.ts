import type { Logger } from '../log.ts'
import type { Warehouse } from '../warehouse/connection/database.ts'
import { type JobData, keyOf } from './job.ts'
import { connectQueue, type QueueLibrary, queueName } from './library.ts'
import { stopQueue } from './prepare.ts'

/** What became of the accounts of a `cosell enqueue`; `--json` ends with it. */
export interface Enqueued {
  readonly status: 'enqueued'
  readonly kind: JobData['kind']
  /** Accounts that got a job, and accounts that had one already. */
  readonly enqueued: number
  readonly present: number
  readonly accounts: readonly {
    readonly account: string
    readonly status: 'enqueued' | 'present'
    /** Id of the new job; null where one waits, runs or is to be tried again. */
    readonly job: string | null
  }[]
}

/** Puts one job an account on the queue, except where it holds one of the same key already. */
export async function enqueue(
  library: QueueLibrary,
  warehouse: Warehouse,
  logger: Logger,
  jobs: readonly JobData[],
): Promise<Enqueued> {
  const boss = connectQueue(library, warehouse, logger)
  await boss.start()
  const accounts: Enqueued['accounts'][number][] = []
  try {
    for (const job of jobs) {
      const id = await boss.send(queueName, job, { singletonKey: keyOf(job) })
      const status = id === null ? 'present' : 'enqueued'
      accounts.push({ account: job.account, status, job: id })
    }
  } finally {
    await stopQueue(boss)
  }
  const enqueued = accounts.filter(({ status }) => status === 'enqueued').length
  const kind = jobs[0]?.kind ?? 'run'
  return { status: 'enqueued', kind, enqueued, present: accounts.length - enqueued, accounts }
}
