import type { RenamedAccount } from '../../pipeline/accounts/rename-account.ts'
import type { AccountOverview } from '../../report/queries/accounts.ts'
import { plain, type Style } from '../../terminal/terminal-text.ts'
import { formatCount, renderNotedGrid } from './grid.ts'

export interface ListedAccount extends AccountOverview {
  /** The settings in force have an account of this name. */
  readonly is_configured: boolean
}

export function renderAccounts(accounts: readonly ListedAccount[], style: Style = plain): string {
  if (accounts.length === 0) return 'The warehouse is empty: no account was loaded yet.'
  const rows = accounts.map((account) => [
    account.account,
    formatCount(account.referrals),
    account.last_published_at?.slice(0, 16) ?? 'never',
    account.is_active ? 'yes' : 'no',
    account.is_configured ? 'yes' : 'no',
  ])
  const notes = accounts.map(({ tenant_id: tenant, organization_id: organisation }) => [
    `tenant ${tenant ?? 'unknown'}`,
    `organisation ${organisation ?? 'unknown'}`,
  ])
  const heads = ['Account', 'Referrals', 'Published', 'Active', 'Configured']
  return renderNotedGrid(heads, { rows, notes }, style)
}

const signIns: Readonly<Record<RenamedAccount['sign_in'], (previous: string) => string>> = {
  moved: () => 'Its stored sign-in was moved along.',
  none: () => 'It has no stored sign-in.',
  kept: (previous) =>
    `The new name had a stored sign-in, which is kept; that of "${previous}" is still there too.`,
}

export function renderRenamed(renamed: RenamedAccount): string {
  const { account, previous_name: previous, sign_in, is_setting_stale } = renamed
  const setting = is_setting_stale
    ? `Now set COSELL_ACCOUNT, or "account" in the accounts file, to ${account}: with "${previous}" ` +
      'the next run is refused.'
    : `Use ${account} in COSELL_ACCOUNT, or as "account" in the accounts file, wherever it is loaded.`
  return [`Account "${previous}" is now "${account}".`, signIns[sign_in](previous), setting].join(
    '\n',
  )
}
