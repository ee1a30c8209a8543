import type { ContractExample, Lineage, Relationship } from '../dictionary.ts'

/** Headings of the schemas. */
export const schemaTitles: Readonly<Record<string, string>> = {
  mart: 'Marts',
  dw: 'The star schema',
  etl: 'Control',
  raw: 'Landing zone',
  pii: 'People and free text',
}

/** Rule of the annual contract value for finance readers, by paragraph. */
export const acvRule: readonly string[] = [
  'Annual contract value (ACV) is what a contract brings in one year: its value spread evenly over ' +
    'its months, times twelve. A contract shorter than a year counts with its whole value, since ' +
    'the customer has committed to no more.',
  'A finite contract runs from its start to its end. An end on the anniversary of the start is read ' +
    'as the day after the last; any other end is the last day. A perpetual contract runs six years ' +
    'from its start, as Microsoft deems it to, whatever end is reported. Nothing is guessed: where a ' +
    'date or the term is missing there is no annual value, and acv_status says why.',
  'Months are counted from the start, and a month begun counts by its days, as an exact fraction. So ' +
    'leap years do not matter, and three years are 36 months however many days they have. Amounts ' +
    'are rounded half away from zero to the smallest unit of the currency.',
  'There are two of them. Contract ACV is on the value of the contract, the one that Microsoft\u2019s ' +
    'limits apply to. Solution ACV is on the value of a solution line, which is without one-off ' +
    'fees, and can be cut by solution, incentive and marketplace.',
  'The schedule lays the value out by contract year. It is the running total that is rounded, so the ' +
    'years of a contract add up to its value exactly, and no year is off by more than the smallest ' +
    'unit.',
]

export const edgeCasesIntro =
  'Each contract is worth 60,000.00. A value that cannot be computed stays empty instead of being ' +
  'guessed. When only the dates are unknown, the schedule has the amount in year 0.'

export const functionsIntro =
  'Functions answer for the arguments that a query gives, and are read like a view: ' +
  'select * from name(arguments).'

/** Describes the lineage of a column; `code` formats a path. */
export function lineageText({ kind, paths }: Lineage, code: (path: string) => string): string {
  if (kind === 'ours') return 'ours'
  const shown = paths.map(code).join(', ')
  return kind === 'computed' ? `from ${shown}` : shown
}

export function cardinality({ isOneToOne }: Relationship): string {
  return isOneToOne ? 'many to one (in fact one to one)' : 'many to one'
}

export function lastDayText({ term, lastDay }: ContractExample): string {
  return term === 'Perpetual' ? `${lastDay}, six years on` : lastDay
}

/** How the database knows a relationship: *enforced*, *declared* or not at all. */
export function foreignKeyText({ isDeclared, isEnforced }: Relationship): string {
  if (isEnforced) return 'enforced'
  return isDeclared ? 'declared' : ''
}
