import type { Enqueued } from '../../../queue/enqueue.ts'
import type { JobReport } from '../../../queue/work.ts'
import { formatCount, renderGrid } from '../grid.ts'
import { renderRun } from '../run-summary.ts'

/** Renders which accounts got a job, and which had one already. */
export function renderEnqueued({ enqueued, present, accounts }: Enqueued): string {
  const rows = accounts.map(({ account, status }) => [
    account,
    status === 'enqueued' ? 'enqueued' : 'on the queue already',
  ])
  const counts = `${formatCount(enqueued)} enqueued, ${formatCount(present)} on the queue already.`
  return `${renderGrid(['Account', 'Job'], rows)}\n\n${counts}`
}

/** Renders the end of a job: its figures, or why it failed and what becomes of it. */
export function renderJob({
  kind,
  account,
  result,
  failure,
  next,
  retry_seconds,
}: JobReport): string {
  const name = `${kind} of ${account}`
  if (failure !== undefined) {
    const end =
      next === 'again'
        ? `is tried again ${retry_seconds === 0 ? 'at once' : `in ${retry_seconds} s`}`
        : 'is given up'
    return `${name} ended with ${failure.exitCode} and ${end}: ${failure.message}`
  }
  const sums = result === undefined ? '' : `\n${renderRun({ ...result, accounts: [] })}`
  return `${name} is done${sums}`
}
