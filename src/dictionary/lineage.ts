import type { Lineage } from './dictionary.ts'
import type { CatalogColumn, CatalogRelation } from './read-catalog.ts'
import { pathFinder } from './source-paths.ts'

const ours: Lineage = { kind: 'ours', paths: [] }

/**
 * Returns a function that finds the source of a column in its comment: properties of the source, or
 * columns computed from them. When the comment of a view's column names neither, its source is the
 * column of the same name that the view reads.
 */
export function lineageFinder(
  relations: readonly CatalogRelation[],
  knownPaths: readonly string[],
): (relation: CatalogRelation, column: CatalogColumn) => Lineage {
  const byName = new Map(relations.map((relation) => [relation.name, relation]))
  const find = pathFinder(knownPaths)

  const lineageOf = (
    relation: CatalogRelation,
    column: CatalogColumn,
    visited: ReadonlySet<string>,
  ): Lineage => {
    const self = `${relation.name}.${column.name}`
    if (visited.has(self)) return ours
    const { paths } = find(column.comment)
    if (paths.length > 0) return { kind: 'sent', paths }
    const seen = new Set([...visited, self])
    const follow = (names: readonly string[]) =>
      names.flatMap((name) => {
        const [table, of] = splitName(name)
        const target = byName.get(table)
        const found = target?.columns.find((candidate) => candidate.name === of)
        return target && found ? [lineageOf(target, found, seen)] : []
      })
    const named = follow(columnsNamed(relation, column))
    if (named.some(hasPaths)) return merged('computed', named)
    const read = follow(relation.reads.filter((name) => name.endsWith(`.${column.name}`)))
    const [kind = 'ours'] = read.filter(hasPaths).map((origin) => origin.kind)
    return merged(kind, read)
  }
  return (relation, column) => lineageOf(relation, column, new Set())
}

/** Columns that a comment names: other columns of the table, and columns of tables that it names. */
function columnsNamed({ name, columns }: CatalogRelation, column: CatalogColumn): string[] {
  const words: readonly string[] = column.comment.match(/[a-z]\w*(?:\.[a-z]\w*)*/g) ?? []
  // An amount is not computed from its currency, nor a currency from the amount.
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

function hasPaths({ paths }: Lineage): boolean {
  return paths.length > 0
}

function merged(kind: Lineage['kind'], origins: readonly Lineage[]): Lineage {
  const paths = [...new Set(origins.flatMap((origin) => origin.paths))]
  return paths.length === 0 ? ours : { kind, paths }
}
