import type { Excerpt } from '../../quarantine/excerpt.ts'
import { renderGrid } from './run-summary.ts'

export interface HeldFigures {
  readonly account: string
  readonly referral_id: string
  readonly version_no: number
  readonly reason_code: string
  readonly item_path: string
  readonly detail: string
  readonly attempts: number
  readonly first_run_id: number
  readonly last_run_id: number
  readonly resolved_run_id: number | null
}

/** What is set aside, one line a version. */
export function renderQuarantine(entries: readonly HeldFigures[]): string {
  if (entries.length === 0) return 'Nothing is in quarantine.'
  const heads = ['Account', 'Referral', 'Version', 'Reason', 'Path', 'Detail', 'Attempts', 'Runs']
  return renderGrid(
    heads,
    entries.map((entry) => [
      entry.account,
      entry.referral_id,
      String(entry.version_no),
      entry.reason_code,
      entry.item_path || '(the whole)',
      entry.detail,
      String(entry.attempts),
      `${entry.first_run_id} to ${entry.last_run_id}`,
    ]),
  )
}

/** One version that was set aside: why, and the shape of the payload where it is damaged. */
export function renderHeld({ excerpt, ...entry }: HeldFigures & { excerpt: Excerpt }): string {
  const { resolved_run_id: resolved } = entry
  const types = Object.entries(excerpt.parent).map(([name, type]) => `  ${name}: ${type}`)
  const where = excerpt.parent_path || 'the referral'
  return [
    `Referral   ${entry.referral_id}, version ${entry.version_no}, of account ${entry.account}`,
    `Reason     ${entry.reason_code} at ${entry.item_path || '(the whole)'}: ${entry.detail}`,
    `Tried      ${entry.attempts} times, in runs ${entry.first_run_id} to ${entry.last_run_id}`,
    `State      ${resolved === null ? 'held' : `loaded by run ${resolved}, in a newer version`}`,
    `Value      ${excerpt.value ?? '(not shown: no plain value, or people and free text)'}`,
    `Shape      ${types.length === 0 ? '(not shown: people and free text)' : `of ${where}, without values`}`,
    ...types,
  ].join('\n')
}
