import type { QuarantineEntry } from '../../quarantine/entries.ts'
import type { EntryWithExcerpt } from '../../quarantine/list-and-show.ts'
import { plain, type Style } from '../../terminal/terminal-text.ts'
import { renderNotedGrid } from './grid.ts'

/** Renders quarantined versions, one a line, with the detail of each below it. */
export function renderEntries(entries: readonly QuarantineEntry[], style: Style = plain): string {
  if (entries.length === 0) return 'Nothing is in quarantine.'
  const rows = entries.map((entry) => [
    entry.referral_id,
    String(entry.version_no),
    String(entry.attempts),
    `${entry.first_run_id} to ${entry.last_run_id}`,
    entry.account,
  ])
  const notes = entries.map((entry) => [
    `${entry.reason_code} at ${pathOf(entry)}: ${entry.detail}`,
  ])
  const heads = ['Referral', 'Version', 'Attempts', 'Runs', 'Account']
  return renderNotedGrid(heads, { rows, notes }, style)
}

/** Renders one quarantined version: its reason, and the payload's shape at the invalid value. */
export function renderEntry({ excerpt, ...entry }: EntryWithExcerpt): string {
  const { resolved_run_id: resolved } = entry
  const types = Object.entries(excerpt.parent).map(([name, type]) => `  ${name}: ${type}`)
  const where = excerpt.parent_path || 'the referral'
  return [
    `Referral   ${entry.referral_id}, version ${entry.version_no}, of account ${entry.account}`,
    `Reason     ${entry.reason_code} at ${pathOf(entry)}: ${entry.detail}`,
    `Attempts   ${entry.attempts}, in runs ${entry.first_run_id} to ${entry.last_run_id}`,
    `State      ${resolved === null ? 'in quarantine' : `loaded by run ${resolved}, in a newer version`}`,
    `Value      ${excerpt.value ?? '(not shown: no plain value, or people and free text)'}`,
    `Shape      ${types.length === 0 ? '(not shown: people and free text)' : `of ${where}, without values`}`,
    ...types,
  ].join('\n')
}

function pathOf({ item_path }: QuarantineEntry): string {
  return item_path || '(whole referral)'
}
