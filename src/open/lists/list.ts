import { sql } from 'kysely'
import type { Cell, Column, ListAnswer, ListRow } from '../answers.ts'
import { BadRequest, only, referralAddress } from '../choice.ts'
import { all, type Expression, type Query } from '../rows/filters.ts'
import type { Source } from '../rows/source.ts'

export const pageSize = 50
/** Far pages of a long list are for files. */
const pageMax = 10_000

/** How a list is ordered and searched. */
export interface Arrangement {
  readonly sort: string
  readonly isDescending: boolean
  /** Part of any text of a row; empty for all rows. */
  readonly search: string
}

/** Parameters of a list beside those of the choice. */
export const arrangementParameters: readonly string[] = ['sort', 'descending', 'search']

/** Conditions that the parameters of a drill add to the rows of a source. */
export function conditionsOf(source: Source, parameters: URLSearchParams): Expression[] {
  return Object.entries(source.conditions).flatMap(([name, conditionOf]) => {
    const value = only(parameters, name)
    return value === undefined ? [] : [conditionOf(value, name)]
  })
}

/** @throws BadRequest for a column that the list has not. */
export function readArrangement(source: Source, parameters: URLSearchParams): Arrangement {
  const sort = only(parameters, 'sort')
  const descending = only(parameters, 'descending')
  if (sort !== undefined && source.columns.every(({ name }) => name !== sort)) {
    const names = source.columns.map(({ name }) => name).join(', ')
    throw new BadRequest(`sort: expected one of ${names}.`)
  }
  if (descending !== undefined && !/^(true|false)$/.test(descending)) {
    throw new BadRequest('descending: expected true or false.')
  }
  const isDescending = descending === undefined ? undefined : descending === 'true'
  return {
    sort: sort ?? source.sort,
    isDescending: isDescending ?? (sort === undefined && source.isDescending),
    search: only(parameters, 'search') ?? '',
  }
}

/** @throws BadRequest for anything but a number of a page. */
export function readPage(parameters: URLSearchParams): number {
  const page = only(parameters, 'page') ?? '1'
  if (/^[1-9]\d{0,4}$/.test(page) && Number(page) <= pageMax) return Number(page)
  throw new BadRequest(`page: expected a whole number from 1 to ${pageMax}.`)
}

/** Reads one page of a list; the last one for a page beyond it. */
export async function readList(
  query: Query,
  source: Source,
  conditions: readonly Expression[],
  { page: asked, ...arrangement }: Arrangement & { readonly page: number },
): Promise<ListAnswer> {
  const where = all([...conditions, searchOf(source, arrangement.search)])
  const counted = await sql<{ total: number }>`
    select count(*) as total from (${source.rows}) item where ${where}`.execute(query)
  const total = counted.rows[0]?.total ?? 0
  const page = Math.min(asked, Math.max(1, Math.ceil(total / pageSize)))
  const { rows } = await sql<ReadRow>`
    ${orderedRows(source, where, arrangement)}
    limit ${pageSize} offset ${(page - 1) * pageSize}`.execute(query)
  return {
    title: source.title,
    columns: source.columns,
    rows: rows.map((row) => toRow(source.columns, row)),
    total,
    page,
    page_size: pageSize,
    sort: arrangement.sort,
    is_descending: arrangement.isDescending,
    search: arrangement.search,
  }
}

export type ReadRow = Readonly<Record<string, Cell>>

/** Query for all rows of a list in their order. */
export function orderedRows(
  source: Source,
  where: Expression,
  { sort, isDescending }: Arrangement,
): Expression {
  const names = new Set([...source.columns.map(({ name }) => name), ...source.ties])
  names.add('partner_account_key').add('referral_key')
  const selected = [...names].map((name) => sql.ref(name))
  const ties = source.ties.map((name) => sql.ref(name))
  return sql`
    select ${sql.join(selected)}
    from (${source.rows}) item
    where ${where}
    order by ${sql.ref(sort)} ${isDescending ? sql`desc` : sql`asc`} nulls last, ${sql.join(ties)}`
}

/** Whether any text of a row has the words; letters match in both cases. */
export function searchOf({ columns }: Source, search: string): Expression {
  if (search === '') return sql`true`
  const pattern = `%${search.replace(/[\\%_]/g, '\\$&')}%`
  const texts = columns.filter(({ kind }) => kind === 'text')
  const matches = texts.map(({ name }) => sql`${sql.ref(name)} ilike ${pattern}`)
  return sql`coalesce(${sql.join(matches, sql` or `)}, false)`
}

export function toRow(columns: readonly Column[], row: ReadRow): ListRow {
  return { referral: referralAddress(row), cells: columns.map(({ name }) => row[name] ?? null) }
}
