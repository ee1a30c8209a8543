import {
  type Dictionary,
  dimensionsOf,
  factsOf,
  type TableEntry,
  withoutSchema,
} from '../dictionary.ts'

/** Dimensions of every fact: lines to them would hide all others. */
const everywhere = ['dw.dim_partner_account', 'dw.dim_date', 'dw.dim_currency']

/** Renders the star as Mermaid's `erDiagram`, with the columns that tables are joined by. */
export function diagramSource(dictionary: Dictionary): string {
  const facts = factsOf(dictionary)
  const dimensions = dimensionsOf(dictionary).filter(({ name }) => !everywhere.includes(name))
  const drawn = new Set(dimensions.map(({ name }) => name))
  const relationships = dictionary.relationships.filter(({ to }) => drawn.has(to))
  const shown = facts.filter(({ name }) => relationships.some(({ from }) => from === name))
  return [
    'erDiagram',
    '  direction LR',
    ...relationships.map((relationship) => {
      const end = relationship.isOneToOne ? '|o--||' : '}o--||'
      return `  ${withoutSchema(relationship.from)} ${end} ${withoutSchema(relationship.to)} : ${relationship.fromColumn}`
    }),
    ...[...dimensions, ...shown].map((table) => entity(table, relationships)),
  ].join('\n')
}

function entity(
  { name, columns }: TableEntry,
  relationships: readonly { from: string; fromColumn: string }[],
): string {
  const pointing = new Set(
    relationships.filter(({ from }) => from === name).map(({ fromColumn }) => fromColumn),
  )
  const rows = columns
    .filter((column) => column.isKey || pointing.has(column.name))
    .filter((column) => column.name !== 'partner_account_key')
    .map((column) => {
      const marks = [column.isKey ? 'PK' : '', pointing.has(column.name) ? 'FK' : '']
      const shown = marks.filter((mark) => mark !== '').join(', ')
      return `    ${column.type.replace(/\W.*/, '')} ${column.name} ${shown}`
    })
  return [`  ${withoutSchema(name)} {`, ...rows, '  }'].join('\n')
}
