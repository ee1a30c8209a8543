import type { Freshness } from '../../report/queries/freshness.ts'
import type { AccountStatus } from '../../report/queries/status.ts'
import { plain, type Style, wrapWords } from '../../terminal/terminal-text.ts'
import { formatCount, renderGrid, renderLabelled } from './grid.ts'

export function renderStatus(accounts: readonly AccountStatus[], style: Style = plain): string {
  if (accounts.length === 0) return 'The warehouse is empty: no account was loaded yet.'
  const hasFindings = accounts.some(({ open_findings }) => open_findings > 0)
  return [
    ...accounts.map((account) => renderAccount(account, style)),
    ...(hasFindings ? ['`cosell findings` lists the findings, with what each rule means.'] : []),
  ].join('\n\n')
}

function renderAccount(account: AccountStatus, style: Style): string {
  const age = account.age_hours === null ? 'never' : `${account.age_hours} hours ago`
  const runs = account.runs.map((run) => [
    String(run.run_id),
    run.run_mode,
    run.run_status,
    run.started_at.slice(0, 16),
    formatCount(run.referral_seen_count),
    formatCount(run.referral_changed_count),
    formatCount(run.referral_quarantined_count),
  ])
  const open = [
    `${formatCount(account.open_findings)} findings`,
    `${formatCount(account.open_quarantine)} in quarantine`,
  ]
  return [
    `Account      ${account.account}${account.is_active ? '' : ' (no longer read)'}`,
    `Published    ${age}, up to ${account.watermark ?? 'nothing yet'}`,
    `Referrals    ${formatCount(account.referrals)}`,
    `Open         ${open.join(', ')}`,
    `Sign-in      ${signInAge(account)}`,
    ...(account.sign_in_warning === null
      ? []
      : [renderLabelled('Warning', account.sign_in_warning, 13)]),
    '',
    renderGrid(['Run', 'Mode', 'Status', 'Started', 'Seen', 'Changed', 'Quarantined'], runs, style),
    ...(account.failed_run_id === null
      ? []
      : ['', wrapWords(`Run ${account.failed_run_id} failed: ${account.failure_message}`)]),
  ].join('\n')
}

function signInAge(account: AccountStatus): string {
  const { signed_in_at, sign_in_renewed_at, sign_in_idle_days: days } = account
  if (sign_in_renewed_at === null || days === null) return 'of unknown age'
  const renewed = `renewed ${days} ${days === 1 ? 'day' : 'days'} ago`
  return signed_in_at === null ? renewed : `of ${signed_in_at.slice(0, 10)}, ${renewed}`
}

/** Returns one sentence for a monitor: which accounts are too old, or how old the oldest is. */
export function renderFreshness({ accounts, max_age_hours }: Freshness): string {
  const limit = hours(max_age_hours)
  const stale = accounts.filter(({ is_stale }) => is_stale)
  if (accounts.length === 0) return 'Stale: nothing was ever published here.'
  if (stale.length > 0) {
    const each = stale.map(({ account, age_hours }) =>
      age_hours === null
        ? `${account} was never published`
        : `${account} was published ${hours(age_hours)} ago`,
    )
    return `Stale: ${each.join(', ')}, and the limit is ${limit}.`
  }
  const oldest = accounts.reduce((a, b) => ((a.age_hours ?? 0) >= (b.age_hours ?? 0) ? a : b))
  const whose = accounts.length === 1 ? '' : 'the longest ago, '
  return `Fresh: ${whose}${oldest.account} was published ${hours(oldest.age_hours ?? 0)} ago, within the limit of ${limit}.`
}

/** Below an hour in minutes, so that an age of seconds and a limit of minutes differ. */
function hours(count: number): string {
  const isShort = count < 1
  const rounded = isShort ? Math.round(count * 60) : Math.round(count * 10) / 10
  return `${rounded} ${isShort ? 'minute' : 'hour'}${rounded === 1 ? '' : 's'}`
}
