import type { Erasable, ErasedPeople } from '../../../pipeline/erase/erase.ts'
import { formatCount, renderGrid } from '../grid.ts'

/** Renders what has landed of the people, before the question. */
export function renderErasable({ referrals, rows }: Erasable, place: string): string {
  if (referrals === 0) {
    return `Nothing of them is in ${place}. Erased, they are left out of what is loaded later.`
  }
  return [
    `In ${place}, ${ofReferrals(referrals)} name them:`,
    '',
    renderRows(rows),
    '',
    'They are erased for good, here and from what is loaded later; the API keeps them. Figures stay.',
  ].join('\n')
}

export function renderErased({ referrals, rows, rows_erased: sum }: ErasedPeople): string {
  const later = 'Later loads and restored copies leave them out.'
  if (sum === 0) return `Nothing of them was there. ${later}`
  const done = `They are erased from ${ofReferrals(referrals)}: ${formatCount(sum)} rows changed.`
  return [done, '', renderRows(rows), '', later].join('\n')
}

function ofReferrals(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'referral' : 'referrals'}`
}

function renderRows(rows: ErasedPeople['rows']): string {
  return renderGrid(
    ['Table', 'Rows'],
    Object.entries(rows).map(([table, count]) => [table, formatCount(count)]),
  )
}
