import type { AccountPlan } from '../../pipeline/backfill-plan.ts'
import { formatCount, renderGrid } from './grid.ts'

/** Renders the windows of a backfill with their calls, and the time that the requests take. */
export function renderBackfillPlan(accounts: readonly AccountPlan[]): string {
  return [...accounts.map(renderPlan), 'Nothing was changed.'].join('\n\n')
}

function renderPlan(plan: AccountPlan): string {
  const windows = plan.windows.map(({ from, to, state, referrals, calls }) => [
    `${from} to before ${to}`,
    state,
    formatCount(referrals),
    formatCount(calls),
  ])
  const again = plan.is_again ? ['All windows were read before and would be read again.'] : []
  const { calls, requests_per_minute: budget, seconds } = plan
  return [
    `Account    ${plan.account}`,
    `Method     ${plan.explanation}`,
    `Referrals  ${formatCount(plan.referrals)}, ${plan.basis}`,
    `Calls      about ${formatCount(calls)}, ${duration(seconds)} at ${formatCount(budget)} a minute`,
    ...again,
    '',
    renderGrid(['Created', 'State', 'Referrals', 'Calls'], windows),
  ].join('\n')
}

/** Formats a duration in at most two units, the smaller one rounded up. */
function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
