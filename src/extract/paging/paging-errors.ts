import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'
import type { TimeProperty } from '../api/timestamps.ts'

export function endless(got: string): CosellError {
  return broken(
    'paging.endless',
    `expected an end, got ${got}. The pages read so far are kept; start the run again, and report it ` +
      'to Partner Center support if it happens again.',
  )
}

export function cannotBePaged(received: number, rejectedSkip: number | null): CosellError {
  const got =
    rejectedSkip === null
      ? `no next link after ${received} rows, and $skip leads nowhere`
      : `$skip=${rejectedSkip} rejected after ${received} rows, and no next link`
  return broken(
    'paging.no_way_on',
    `expected a next page, got ${got}. There may be more rows. Run \`cosell doctor\` to see whether ` +
      'date filters work by now, or set another COSELL_PAGE_SIZE.',
  )
}

export function rowsMissing(got: string): CosellError {
  return broken(
    'paging.rows_missing',
    `expected every row, got ${got}, also when it was read again. The pages read so far are kept; ` +
      'start the run again, and report it to Partner Center support if it happens again.',
  )
}

export function filterIgnored(
  property: TimeProperty | 'registrationStatus',
  got: string,
): CosellError {
  return broken(
    'paging.filter_ignored',
    `expected only rows that match the filter on ${property}, as the API served before, got ${got}. ` +
      'Run `cosell doctor`: it probes anew what the API accepts.',
  )
}

export function orderIgnored(orderBy: string): CosellError {
  return broken(
    'paging.order_ignored',
    `expected rows in the requested order ($orderby=${orderBy}), got another, so missing rows cannot ` +
      'be noticed. Run `cosell doctor`, and report it to Partner Center support.',
  )
}

function broken(code: ErrorCode, text: string): CosellError {
  return new CosellError(code, `List of referrals: ${text}`)
}
