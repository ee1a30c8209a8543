// Pure: what the address bar says, and how to say it.

import {
  choiceParameters,
  type listParameters,
  type singleParameters,
} from '../../choice-parameters.ts'

export const views = ['pipeline', 'funnel', 'won', 'registrations', 'quality'] as const
export type View = (typeof views)[number]

/** A filter that takes several values, by the name of its parameter. */
export type ListFilter = (typeof listParameters)[number]

/** What the reader looks at. Everything of it is in the address, so that it can be sent and gone back to. */
export interface Place {
  /** The view; of a list and of a referral the view from which they were opened. */
  readonly view: View
  /** Parameters of the choice of filters and days, without those left at their preset. */
  readonly choice: URLSearchParams
  /** The list behind a number, while one is open. */
  readonly list: OpenList | null
  /** Parameters of the referral that is open, if one is. */
  readonly referral: string | null
}

export interface OpenList {
  /** Parameters of the rows behind a number. */
  readonly rows: string
  /** Name of the column that sorts; empty for the order of the server. */
  readonly sort: string
  readonly isDescending: boolean
  readonly search: string
  readonly page: number
}

/** Names what is open; another name is another page to the reader. */
export function openedAt({ view, list, referral }: Place): string {
  return referral ?? list?.rows ?? view
}

/** Reads the query of an address. What it does not know is left out. */
export function readPlace(query: string): Place {
  const parameters = new URLSearchParams(query)
  const asked = parameters.get('view')
  const rows = parameters.get('rows')
  const page = Number(parameters.get('page') ?? 1)
  return {
    view: views.find((view) => view === asked) ?? 'pipeline',
    choice: new URLSearchParams(
      [...parameters].filter(([name]) => choiceParameters.includes(name)),
    ),
    list:
      rows === null
        ? null
        : {
            rows,
            sort: parameters.get('sort') ?? '',
            isDescending: parameters.get('descending') === 'true',
            search: parameters.get('search') ?? '',
            page: Number.isSafeInteger(page) && page > 0 ? page : 1,
          },
    referral: parameters.get('referral'),
  }
}

/** Returns the query of the address of a place, beginning with `?`. */
export function writePlace({ view, choice, list, referral }: Place): string {
  const parameters = new URLSearchParams({ view })
  for (const [name, value] of choice) parameters.append(name, value)
  if (list !== null) {
    parameters.set('rows', list.rows)
    for (const [name, value] of orderOf(list)) parameters.set(name, value)
    if (list.page > 1) parameters.set('page', String(list.page))
  }
  if (referral !== null) parameters.set('referral', referral)
  return `?${parameters}`
}

/** Returns the query of the rows of a list; without `page` that of all its pages. */
export function listQuery({ choice, list }: Place & { list: OpenList }, isPaged: boolean): string {
  const parameters = new URLSearchParams(choice)
  for (const [name, value] of new URLSearchParams(list.rows)) parameters.append(name, value)
  for (const [name, value] of orderOf(list)) parameters.set(name, value)
  if (isPaged && list.page > 1) parameters.set('page', String(list.page))
  return String(parameters)
}

function orderOf({ sort, isDescending, search }: OpenList): [string, string][] {
  const named: [string, string, boolean][] = [
    ['sort', sort, sort !== ''],
    ['descending', 'true', sort !== '' && isDescending],
    ['search', search, search !== ''],
  ]
  return named.filter(([, , isSaid]) => isSaid).map(([name, value]) => [name, value])
}

/** Returns the choice with other values of one of its parameters; without any it is left out. */
export function choose(
  choice: URLSearchParams,
  name: ListFilter | (typeof singleParameters)[number],
  values: readonly string[],
): URLSearchParams {
  const chosen = new URLSearchParams(choice)
  chosen.delete(name)
  for (const value of values) chosen.append(name, value)
  return chosen
}

/**
 * Returns the choice with other days. A day that was picked is kept, also today: the address shows the
 * same tomorrow. Null leaves the day as it is, and takes the preset of the one that is compared with.
 */
export function chooseDays(
  choice: URLSearchParams,
  day: string | null,
  compare: string | null,
): URLSearchParams {
  const chosen = day === null ? choice : choose(choice, 'as_of', [day])
  return choose(chosen, 'compare', compare === null ? [] : [compare])
}

/** Returns the place with its list at the first page, for when what is in the list changes. */
export function firstPage(place: Place): Place {
  return place.list === null ? place : { ...place, list: { ...place.list, page: 1 } }
}
