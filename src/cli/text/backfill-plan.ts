import type { AccountPlan } from '../../pipeline/backfill/backfill-plan.ts'
import { formatDuration } from '../../terminal/progress.ts'
import { plain, type Style } from '../../terminal/terminal-text.ts'
import { formatCount, renderGrid, renderLabelled } from './grid.ts'

const labelWidth = 11

/** Renders the windows of a backfill with their calls, and the time that the requests take. */
export function renderBackfillPlan(accounts: readonly AccountPlan[], style: Style = plain): string {
  return [...accounts.map((plan) => renderPlan(plan, style)), 'Nothing was changed.'].join('\n\n')
}

function renderPlan(plan: AccountPlan, style: Style): string {
  const windows = plan.windows.map(({ from, to, state, referrals, calls }) => [
    `${from} to before ${to}`,
    state,
    formatCount(referrals),
    formatCount(calls),
  ])
  const again = plan.is_again ? ['All windows were read before and would be read again.'] : []
  const { calls, requests_per_minute: budget, seconds } = plan
  const pace = `${formatDuration(seconds)} at ${formatCount(budget)} a minute`
  return [
    ...[
      ['Account', plan.account],
      ['Method', plan.explanation],
      ['Referrals', `${formatCount(plan.referrals)}, ${plan.basis}`],
      ['Calls', `about ${formatCount(calls)}, ${pace}`],
    ].map(([label = '', text = '']) => renderLabelled(label, text, labelWidth)),
    ...again,
    '',
    renderGrid(['Created', 'State', 'Referrals', 'Calls'], windows, style),
  ].join('\n')
}
