import { CosellError } from '../../errors.ts'
import type { TimeProperty } from '../api/timestamps.ts'

export function endless(got: string): CosellError {
  return broken(
    'paging.endless',
    `expected an end, got ${got}. What was read is kept; start the run again, and report it to ` +
      'Partner Center support if it comes back.',
  )
}

export function cannotBePaged(received: number, refusedSkip: number | null): CosellError {
  const got =
    refusedSkip === null
      ? `no next link after ${received} rows, and $skip leads nowhere`
      : `$skip=${refusedSkip} refused after ${received} rows, and no next link`
  return broken(
    'paging.no_way_on',
    `expected a way on, got ${got}. Whether there are more cannot be known. Run \`cosell doctor\` to ` +
      'see whether date filters work by now, or set another COSELL_PAGE_SIZE.',
  )
}

export function rowsMissing(got: string): CosellError {
  return broken(
    'paging.rows_missing',
    `expected every row, got ${got}, also when it was read again. What was read is kept; start the ` +
      'run again, and report it to Partner Center support if it comes back.',
  )
}

export function filterIgnored(property: TimeProperty, got: string): CosellError {
  return broken(
    'paging.filter_ignored',
    `expected only rows that fulfil the filter on ${property}, as the API served before, got ${got}. ` +
      'Run `cosell doctor`: it finds out anew what the API accepts.',
  )
}

export function orderIgnored(orderBy: string): CosellError {
  return broken(
    'paging.order_ignored',
    `expected rows in the order that was asked for ($orderby=${orderBy}), got another, so what was ` +
      'left out cannot be told. Run `cosell doctor`, and report it to Partner Center support.',
  )
}

function broken(code: string, text: string): CosellError {
  return new CosellError('sourceBroken', code, `List of referrals: ${text}`)
}
