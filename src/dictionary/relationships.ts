import { keyWithinAccount, type Relationship } from './dictionary.ts'
import type { CatalogColumn, CatalogRelation } from './read-catalog.ts'

/**
 * Finds the relationships from facts and bridges to dimensions: by foreign keys, and by equal names
 * and types where none is declared (accounts; on servers before 18 most dates and currencies, and the
 * two longest tables). The first column that reaches a dimension is the active relationship.
 */
export function relationshipsOf(relations: readonly CatalogRelation[]): Relationship[] {
  const star = relations.filter(({ schema, isView }) => schema === 'dw' && !isView)
  const isDimension = ({ name }: CatalogRelation) => name.startsWith('dw.dim_')
  const dimensionByKey = new Map(
    star.filter(isDimension).map((dimension) => [dimension.key[0] ?? '', dimension.name]),
  )
  return star
    .filter((relation) => !isDimension(relation))
    .flatMap((fact) => {
      const key = keyWithinAccount(fact)
      const reached = new Set<string>()
      return fact.columns.flatMap((column): Relationship[] => {
        const declared = fact.foreignKeys.find(({ columns }) => columns[0] === column.name)
        const toColumn = declared?.targetColumns[0] ?? dimensionKeyOf(column)
        const to = declared?.target ?? dimensionByKey.get(toColumn)
        if (to === undefined) return []
        const isActive = !reached.has(to)
        reached.add(to)
        return [
          {
            from: fact.name,
            fromColumn: column.name,
            to,
            toColumn,
            isDeclared: declared !== undefined,
            isEnforced: declared?.isEnforced === true,
            isOneToOne: key.length === 1 && key[0] === column.name,
            isActive,
          },
        ]
      })
    })
}

/** Key of the dimension that a column leads to by its name and type. */
export function dimensionKeyOf({ name, type }: Pick<CatalogColumn, 'name' | 'type'>): string {
  if (type === 'date') return 'date_day'
  return name.endsWith('currency_code') ? 'currency_code' : name
}
