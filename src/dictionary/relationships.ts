import type { Relationship } from './dictionary.ts'
import type { CatalogColumn, CatalogRelation } from './read-catalog.ts'

const account = 'partner_account_key'

/**
 * Finds the relationships from facts and bridges to dimensions: by foreign keys, and by equal names
 * and types where none is declared (dates, currencies, accounts, the two longest tables). The first
 * column that reaches a dimension is the active relationship.
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
      const reached = new Set<string>()
      return fact.columns.flatMap((column): Relationship[] => {
        const enforced = fact.foreignKeys.find(({ columns }) => columns[0] === column.name)
        const toColumn = enforced?.targetColumns[0] ?? dimensionKeyOf(column)
        const to = enforced?.target ?? dimensionByKey.get(toColumn)
        if (to === undefined) return []
        const isActive = !reached.has(to)
        reached.add(to)
        const grain = fact.key.filter((name) => name !== account)
        return [
          {
            from: fact.name,
            fromColumn: column.name,
            to,
            toColumn,
            isEnforced: enforced !== undefined,
            isOneToOne: grain.length === 1 && grain[0] === column.name,
            isActive,
          },
        ]
      })
    })
}

function dimensionKeyOf({ name, type }: CatalogColumn): string {
  if (type === 'date') return 'date_day'
  return name.endsWith('currency_code') ? 'currency_code' : name
}
