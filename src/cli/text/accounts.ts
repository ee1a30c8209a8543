import type { KeptAccount, ShownAccount } from '../../pipeline/accounts/keep-accounts.ts'
import type { ListedAccount } from '../../pipeline/accounts/overview-accounts.ts'
import type { RenamedAccount } from '../../pipeline/accounts/rename-account.ts'
import { plain, type Style } from '../../terminal/terminal-text.ts'
import { formatCount, renderNotedGrid } from './grid.ts'

export function renderAccounts(accounts: readonly ListedAccount[], style: Style = plain): string {
  if (accounts.length === 0) return 'The warehouse is empty: no account was loaded yet.'
  const rows = accounts.map((account) => [
    account.account,
    formatCount(account.referrals),
    account.last_published_at?.slice(0, 16) ?? 'never',
    account.is_active ? 'yes' : 'no',
    account.is_configured ? 'yes' : 'no',
  ])
  const notes = accounts.map(({ tenant_id: tenant, organization_id: organisation, stored }) => [
    `tenant ${tenant ?? 'unknown'}`,
    `organisation ${organisation ?? 'unknown'}`,
    ...(stored === null ? [] : notesOnStored(stored)),
  ])
  const heads = ['Account', 'Referrals', 'Published', 'Active', 'Configured']
  return renderNotedGrid(heads, { rows, notes }, style)
}

function notesOnStored({ is_enabled, settings, secrets }: ShownAccount): string[] {
  const given = Object.entries({ ...settings, ...secrets }).flatMap(([name, value]) =>
    value === null || name === 'tenant_id' || name === 'organization_id'
      ? []
      : [`${name.replaceAll('_', ' ')} ${value}`],
  )
  return [`stored in the warehouse, ${is_enabled ? 'enabled' : 'disabled'}`, ...given]
}

const keptTexts: Readonly<Record<KeptAccount['status'], (name: string) => string>> = {
  added: (name) => `Account "${name}" is stored. The next \`cosell run\` loads it.`,
  changed: (name) => `The settings of account "${name}" are changed.`,
  enabled: (name) => `Account "${name}" is enabled. The next \`cosell run\` loads it.`,
  disabled: (name) =>
    `Account "${name}" is disabled: no run loads it, and monitors do not wait for it.`,
}

/** Renders what was stored; `place` names the accounts where the settings have some, this one perhaps. */
export function renderKept(
  kept: KeptAccount,
  place: string | undefined,
  isOfSettings: boolean,
): string {
  const { status, account, is_enabled, secrets } = kept
  const isSignedIn = secrets.refresh_token !== null || secrets.access_token !== null
  return [
    status === 'disabled' && isOfSettings
      ? `Account "${account}" is disabled in the warehouse; the settings (${place}) load it.`
      : keptTexts[status](account),
    ...(status === 'added' && !isSignedIn
      ? [`\`cosell login --account ${account}\` signs a person in for it.`]
      : []),
    ...(place !== undefined && is_enabled
      ? [`The settings name accounts as well (${place}): unset that, or the next run ends with 78.`]
      : []),
  ].join('\n')
}

const signIns: Readonly<Record<RenamedAccount['sign_in'], (previous: string) => string>> = {
  moved: () => 'Its stored sign-in was moved along.',
  none: () => 'It has no stored sign-in.',
  kept: (previous) =>
    `The new name had a stored sign-in, which is kept; that of "${previous}" is still there too.`,
}

export function renderRenamed(renamed: RenamedAccount): string {
  const { account, previous_name: previous, sign_in } = renamed
  return [
    `Account "${previous}" is now "${account}".`,
    signIns[sign_in](previous),
    settingOf(renamed),
  ].join('\n')
}

function settingOf({ account, previous_name: previous, ...renamed }: RenamedAccount): string {
  if (renamed.is_setting_stale) {
    return (
      `Now set COSELL_ACCOUNT, or "account" in the accounts file, to ${account}: with "${previous}" ` +
      'the next run is refused.'
    )
  }
  if (renamed.is_stored) return 'Its settings in the warehouse have the new name too.'
  return `Use ${account} in COSELL_ACCOUNT, or as "account" in the accounts file, wherever it is loaded.`
}
