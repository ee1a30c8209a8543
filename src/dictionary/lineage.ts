import type { Origin } from './dictionary.ts'
import type { CatalogColumn, CatalogRelation } from './read-catalog.ts'
import { pathFinder } from './source-paths.ts'

const ours: Origin = { kind: 'ours', paths: [] }

/**
 * Where columns come from, by what their comments name: properties of the source, or columns that
 * are computed from such. A column of a view without either is the column of that name that the
 * view reads.
 */
export function originFinder(
  relations: readonly CatalogRelation[],
  knownPaths: readonly string[],
): (relation: CatalogRelation, column: CatalogColumn) => Origin {
  const byName = new Map(relations.map((relation) => [relation.name, relation]))
  const find = pathFinder(knownPaths)

  const originOf = (
    relation: CatalogRelation,
    column: CatalogColumn,
    asked: ReadonlySet<string>,
  ): Origin => {
    const self = `${relation.name}.${column.name}`
    if (asked.has(self)) return ours
    const { paths } = find(column.comment)
    if (paths.length > 0) return { kind: 'sent', paths }
    const further = new Set([...asked, self])
    const follow = (names: readonly string[]) =>
      names.flatMap((name) => {
        const [table, of] = splitName(name)
        const target = byName.get(table)
        const found = target?.columns.find((candidate) => candidate.name === of)
        return target && found ? [originOf(target, found, further)] : []
      })
    const named = follow(columnsNamed(relation, column))
    if (named.some(isKnown)) return merged('computed', named)
    const read = follow(relation.reads.filter((name) => name.endsWith(`.${column.name}`)))
    const [kind = 'ours'] = read.filter(isKnown).map((origin) => origin.kind)
    return merged(kind, read)
  }
  return (relation, column) => originOf(relation, column, new Set())
}

/** Columns that a comment names: its neighbours, and its namesakes in tables that it names. */
function columnsNamed({ name, columns }: CatalogRelation, column: CatalogColumn): string[] {
  const words: readonly string[] = column.comment.match(/[a-z]\w*(?:\.[a-z]\w*)*/g) ?? []
  // The currency that an amount is in is no part of the amount, nor the amount of the currency.
  const isCurrency = ({ name }: CatalogColumn) => name.endsWith('currency_code')
  const neighbours = columns.filter(
    (other) => other.name.includes('_') && !isCurrency(other) && words.includes(other.name),
  )
  return [
    ...(isCurrency(column) ? [] : neighbours.map((other) => `${name}.${other.name}`)),
    ...words
      .filter((word) => word.includes('.'))
      .flatMap((word) => [`${word}.${column.name}`, word]),
  ]
}

function splitName(name: string): [table: string, column: string] {
  const dot = name.lastIndexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}

function isKnown({ paths }: Origin): boolean {
  return paths.length > 0
}

function merged(kind: Origin['kind'], origins: readonly Origin[]): Origin {
  const paths = [...new Set(origins.flatMap((origin) => origin.paths))]
  return paths.length === 0 ? ours : { kind, paths }
}
