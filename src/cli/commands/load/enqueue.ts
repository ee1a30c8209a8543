import { type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { type BackfillRequest, readSpan } from '../../../extract/incremental/backfill-windows.ts'
import { requireAccounts } from '../../../pipeline/accounts/accounts-in-force.ts'
import { chooseAccounts } from '../../../pipeline/accounts/choose-accounts.ts'
import { enqueue } from '../../../queue/enqueue.ts'
import type { JobData } from '../../../queue/job.ts'
import { loadQueueLibrary } from '../../../queue/load-library.ts'
import { prepareQueue } from '../../../queue/prepare.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, log, printResult } from '../../output.ts'
import { renderEnqueued } from '../../text/load/queue.ts'
import { announce, withWarehouse } from '../../with-warehouse.ts'

export type EnqueueFlags = JsonFlag & {
  readonly backfill?: true
  readonly from?: string
  readonly to?: string
  readonly account?: readonly string[]
  readonly prepare?: true
}

/** Puts a job an account on the queue, or makes the queue alone. */
export async function enqueueAccounts({ json, prepare, ...flags }: EnqueueFlags) {
  const config = loadConfig()
  const days = readDays(flags)
  const library = await loadQueueLibrary()
  const place = announce(config)
  const use = async (warehouse: OpenWarehouse, _: unknown, inForce: Config) => {
    await prepareQueue(library, warehouse, log.logger)
    if (prepare === true) {
      printResult(json, { status: 'prepared', warehouse: place }, () => 'The queue is ready.')
      return
    }
    await requireAccounts({ config: inForce, warehouse })
    const jobs = jobsOf(chooseAccounts(inForce.accounts, flags.account), days)
    const result = await enqueue(library, warehouse, log.logger, jobs)
    printResult(json, { ...result, warehouse: place }, () => renderEnqueued(result))
  }
  await withWarehouse(config, use, { needsAccounts: true })
}

/**
 * Returns the days that jobs read; undefined for those of a night.
 *
 * @throws CosellError `queue.usage` when --from and --backfill are not together; as `readSpan` for days.
 */
export function readDays({ backfill, from, to }: EnqueueFlags): BackfillRequest | undefined {
  const isBackfill = backfill === true
  if (isBackfill !== (from !== undefined) || (to !== undefined && !isBackfill)) {
    const text =
      '--backfill: expected it with --from, and --from and --to with it, got one without the other. Give ' +
      'both, as in `cosell enqueue --backfill --from 2022-01-01`, or neither.'
    throw new CosellError('queue.usage', text)
  }
  if (from === undefined) return undefined
  const days = to === undefined ? { from } : { from, to }
  readSpan(days, new Date())
  return days
}

/** Returns one job an account. */
export function jobsOf(
  accounts: readonly { readonly name: string }[],
  days: BackfillRequest | undefined,
): JobData[] {
  return accounts.map(({ name }) =>
    days === undefined
      ? { kind: 'run', account: name }
      : { kind: 'backfill', account: name, ...days },
  )
}
