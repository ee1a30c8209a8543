import { renderGrid } from './run-summary.ts'

export interface PlanFigures {
  readonly account: string
  readonly explanation: string
  readonly is_again: boolean
  readonly basis: string
  readonly windows: readonly {
    readonly from: string
    readonly to: string
    readonly state: 'new' | 'unfinished' | 'done'
    readonly referrals: number
    readonly calls: number
  }[]
  readonly referrals: number
  readonly calls: number
  readonly requests_per_minute: number
  readonly seconds: number
}

const whole = (count: number) => count.toLocaleString('en-US')

/** What a backfill would read, window by window, and how long its requests take. */
export function renderBackfillPlan(accounts: readonly PlanFigures[]): string {
  return [...accounts.map(renderPlan), 'Nothing was changed.'].join('\n\n')
}

function renderPlan(plan: PlanFigures): string {
  const windows = plan.windows.map(({ from, to, state, referrals, calls }) => [
    `${from} to before ${to}`,
    state,
    whole(referrals),
    whole(calls),
  ])
  const again = plan.is_again ? ['All of it was read before, and would be read again.'] : []
  const { calls, requests_per_minute: budget, seconds } = plan
  return [
    `Account    ${plan.account}`,
    `How        ${plan.explanation}`,
    `Referrals  ${whole(plan.referrals)}, ${plan.basis}`,
    `Calls      about ${whole(calls)}, ${duration(seconds)} at ${whole(budget)} a minute`,
    ...again,
    '',
    renderGrid(['Created', 'State', 'Referrals', 'Calls'], windows),
  ].join('\n')
}

/** Two units, the smaller one rounded up: an estimate needs no more. */
function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
