import { bare, type Dictionary, dimensionsOf, factsOf, type TableEntry } from '../dictionary.ts'

/** They belong to every fact: lines to them would hide all others. */
const everywhere = ['dw.dim_partner_account', 'dw.dim_date', 'dw.dim_currency']

/** The star as Mermaid's `erDiagram`, with the columns that tables are joined by. */
export function diagramSource(dictionary: Dictionary): string {
  const facts = factsOf(dictionary)
  const dimensions = dimensionsOf(dictionary).filter(({ name }) => !everywhere.includes(name))
  const drawn = new Set(dimensions.map(({ name }) => name))
  const ways = dictionary.relationships.filter(({ to }) => drawn.has(to))
  const shown = facts.filter(({ name }) => ways.some(({ from }) => from === name))
  return [
    'erDiagram',
    '  direction LR',
    ...ways.map((way) => {
      const end = way.isOneToOne ? '|o--||' : '}o--||'
      return `  ${bare(way.from)} ${end} ${bare(way.to)} : ${way.fromColumn}`
    }),
    ...[...dimensions, ...shown].map((table) => entity(table, ways)),
  ].join('\n')
}

function entity(
  { name, columns }: TableEntry,
  ways: readonly { from: string; fromColumn: string }[],
): string {
  const pointing = new Set(
    ways.filter(({ from }) => from === name).map(({ fromColumn }) => fromColumn),
  )
  const rows = columns
    .filter((column) => column.isKey || pointing.has(column.name))
    .filter((column) => column.name !== 'partner_account_key')
    .map((column) => {
      const marks = [column.isKey ? 'PK' : '', pointing.has(column.name) ? 'FK' : '']
      const shown = marks.filter((mark) => mark !== '').join(', ')
      return `    ${column.type.replace(/\W.*/, '')} ${column.name} ${shown}`
    })
  return [`  ${bare(name)} {`, ...rows, '  }'].join('\n')
}
