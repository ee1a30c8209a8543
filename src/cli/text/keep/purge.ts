import type { Purged, PurgePlan } from '../../../pipeline/purge/purge.ts'
import { formatCount, renderGrid } from '../grid.ts'

/** Renders what a purge would do, for --plan and before the question. */
export function renderPurgePlan(plan: PurgePlan, place: string): string {
  const { rows_to_purge: sum } = plan
  if (sum === 0)
    return [`Nothing in ${place} is old enough to be purged.`, ...kept(plan)].join('\n')
  return [
    `In ${place}, ${formatCount(sum)} rows are old enough:`,
    '',
    renderRows(plan.rows),
    '',
    ...kept(plan),
    ...contacts(plan),
    'They go for good. Facts and history stay as they are.',
  ].join('\n')
}

export function renderPurged(result: Purged): string {
  const { rows_purged: sum, bytes_purged: bytes } = result
  if (sum === 0) return ['Nothing was old enough.', ...kept(result)].join('\n')
  return [
    `${formatCount(sum)} rows are purged.`,
    '',
    renderRows(result.rows),
    '',
    ...(bytes === 0 ? [] : [`${formatCount(bytes)} bytes of payloads are free for new ones.`]),
    ...kept(result),
    ...contacts(result),
  ]
    .join('\n')
    .trimEnd()
}

function kept({ versions_kept: count }: Purged | PurgePlan): string[] {
  if (count === 0) return []
  const what = count === 1 ? 'superseded version stays' : 'superseded versions stay'
  return [`${formatCount(count)} older ${what}: history is made of them.`]
}

function contacts({ referrals }: Purged | PurgePlan): string[] {
  if (referrals === 0) return []
  const what = referrals === 1 ? 'closed referral has' : 'closed referrals have'
  return [`${formatCount(referrals)} ${what} contacts or notes; their number stays.`]
}

function renderRows(rows: PurgePlan['rows']): string {
  return renderGrid(
    ['Table', 'Rows'],
    Object.entries(rows).map(([table, count]) => [table, formatCount(count)]),
  )
}
