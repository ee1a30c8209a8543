import type { AmountDifference, MartDifference } from '../../../pipeline/diff/compare-marts.ts'
import type { ReplayDifference } from '../../../pipeline/diff/diff.ts'
import type { AccountDifference } from '../../../pipeline/diff/diff-account.ts'
import { plain, type Style } from '../../../terminal/terminal-text.ts'
import { formatCount, renderGrid, renderNotedGrid } from '../grid.ts'

/** Renders what a rebuild or a retry would change, account by account, by mart and column. */
export function renderDifference({ accounts }: ReplayDifference, style: Style = plain): string {
  if (accounts.length === 0) return 'There is nothing to replay, and nothing would change.'
  return accounts.map((account) => renderAccount(account, style)).join('\n\n')
}

function renderAccount(account: AccountDifference, style: Style): string {
  const { tables, marts, quarantine } = account
  const { added, removed, referrals } = quarantine
  const isMoved = added + removed > 0
  const what = [
    ...(marts.length > 0 ? [`${count(marts.length, 'mart')} would differ`] : []),
    ...(tables.length > 0 ? [`${count(tables.length, 'table')} would be written`] : []),
    ...(isMoved ? ['quarantine would change'] : []),
  ]
  const replayed = `${count(account.seen, 'referral')} replayed, ${formatCount(account.quarantined)} of them in quarantine`
  const parts = [
    `Account ${account.account}: ${what.length === 0 ? 'nothing would change' : what.join(', ')}; ${replayed}.`,
  ]
  if (marts.length > 0) {
    const lines = marts.flatMap(linesOf)
    const rows = lines.map(({ mart, change, rows }) => [mart, change, formatCount(rows)])
    const notes = lines.map((line) => line.notes)
    parts.push(renderNotedGrid(['Mart', 'Change', 'Rows'], { rows, notes }, style))
  }
  if (isMoved) {
    const rows = [
      ['into quarantine', formatCount(added)],
      ['out of it', formatCount(removed)],
    ]
    const notes = [[], [referrals.join(', ')]]
    parts.push(renderNotedGrid(['Quarantine', 'Referrals'], { rows, notes }, style))
  }
  if (tables.length > 0) {
    const rows = tables.map(({ table, inserted, updated, deleted }) => [
      table,
      ...[inserted, updated, deleted].map(formatCount),
    ])
    parts.push(renderGrid(['Table', 'Inserted', 'Updated', 'Deleted'], rows, style))
  }
  return parts.join('\n\n')
}

interface Line {
  readonly mart: string
  readonly change: string
  readonly rows: number
  readonly notes: readonly string[]
}

/** One line for the rows that come, one for those that go, one for each column. */
function linesOf({ mart, added, removed, columns, referrals }: MartDifference): Line[] {
  const ids = referrals.length === 0 ? [] : [referrals.join(', ')]
  const whole = [
    { mart, change: 'rows added', rows: added, notes: removed > 0 ? [] : ids },
    { mart, change: 'rows removed', rows: removed, notes: ids },
  ]
  return [
    ...whole.filter(({ rows }) => rows > 0),
    ...columns.map((column) => ({
      mart,
      change: column.column,
      rows: column.rows,
      notes: [
        ...column.amounts.map(amountText),
        ...(column.referrals.length === 0 ? [] : [column.referrals.join(', ')]),
      ],
    })),
  ]
}

function amountText({ currency, before, after }: AmountDifference): string {
  const name = currency === null ? '' : `${currency} `
  return `${name}${before ?? 'none'} becomes ${after ?? 'none'}`
}

function count(number: number, noun: string): string {
  return `${formatCount(number)} ${noun}${number === 1 ? '' : 's'}`
}
